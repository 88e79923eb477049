"""Says what a benchmark found, and on what machine: a table in English or Chinese. No figure is made here."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from distrib.bootstrap import Container
from distrib.cli.output import open_console, print_line, print_table

_CPUINFO = Path("/proc/cpuinfo")

_STEPS = {
    "prepare": ("Preparing shops and orders", "准备店铺与订单"),
    "drain": ("Settling with two workers", "两个工作进程结算中"),
    "raw": ("Copying the same rows", "直接写入相同的数据行"),
    "orm": ("Settling one order a transaction", "逐单 ORM 事务结算中"),
    "memory": ("Settling on, for the memory", "持续结算以观察内存"),
    "engine": ("Working out orders", "引擎计算中"),
    "evaluate_before": ("Evaluating the month before", "考核前一个月"),
    "evaluate": ("Evaluating all shops", "考核全部店铺"),
    "network": ("Passing over the tree", "全网计算中"),
    "bare": ("Copying the same rows, bare arithmetic", "直接读取与纯算术"),
    "post": ("Posting over HTTP", "通过 HTTP 提交事件"),
}
_NAMES = {
    "orders_per_second": ("orders a second", "每秒订单"),
    "bare_orders_per_second": ("the same orders a second, bare arithmetic", "纯算术每秒订单"),
    "events_per_second": ("events a second, over HTTP", "每秒接收事件（HTTP）"),
    "rows_per_order": ("rows written an order", "每单写入行数"),
    "rows_per_event": ("rows written an event", "每事件写入行数"),
    "raw_orders_per_second": ("the same orders a second, raw COPY", "直接 COPY 每秒订单"),
    "raw_events_per_second": ("the same events a second, raw COPY", "直接 COPY 每秒事件"),
    "raw_rows_per_second": ("rows a second, raw COPY", "直接 COPY 每秒行数"),
    "evaluation_seconds": ("seconds for one evaluation", "一次考核用时（秒）"),
    "shops_per_second": ("shops a second", "每秒店铺"),
    "bare_shops_per_second": ("the same shops a second, bare COPY and arithmetic", "直接读取与纯算术每秒店铺"),
    "ratio": ("ratio", "比值"),
    "mixed_orders_per_second": ("orders a second, rules of every kind", "各类规则混合每秒订单"),
    "bare_mixed_orders_per_second": ("the same, bare arithmetic", "同上，纯算术"),
    "mixed_ratio": ("ratio", "比值"),
    "orm_orders_per_second": ("orders a second, one ORM transaction each", "逐单 ORM 事务每秒订单"),
    "times_orm": ("times the ORM", "相对 ORM 倍数"),
    "memory_orders": ("orders, for the memory", "观察内存的订单数"),
    "memory_after_first_tenth_bytes": ("a worker's peak after the first tenth", "首个十分之一后的内存峰值"),
    "memory_at_end_bytes": ("a worker's peak at the end", "结束时的内存峰值"),
    "memory_growth": ("growth of that peak", "峰值增长"),
}
_GOALS = {
    "evaluation_seconds": ("evaluation_seconds_goal", "≤"),
    "ratio": ("goal", "≥"),
    "times_orm": ("times_orm_goal", "≥"),
    "memory_growth": ("memory_growth_goal", "≤"),
    "orders_per_second": ("orders_per_second_goal", "≥"),
    "mixed_orders_per_second": ("mixed_orders_per_second_goal", "≥"),
}


@contextmanager
def teller(language: str) -> Iterator[Callable[[str], None]]:
    """Shows the step under way on a terminal, and nothing elsewhere."""
    console = Console(stderr=True)
    place = 1 if language == "zh" else 0
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status("") as status:
        yield lambda step: status.update(_STEPS[step][place])


def show(figures: Mapping[str, Any], language: str) -> None:
    """Prints the figures as a table, goals beside them."""
    place = 1 if language == "zh" else 0
    title = f"distrib bench {figures['bench']} --scale {figures['scale']}"
    columns = {("figure", "指标")[place]: False, ("measured", "实测")[place]: True, ("goal", "目标")[place]: True}
    rows = [
        (names[place], _shown(key, figures[key]), _goal(key, figures))
        for key, names in _NAMES.items()
        if key in figures
    ]
    met = ("Every goal is met.", "全部达标。") if figures["met"] else ("A goal is not met.", "有指标未达标。")
    console = open_console()
    print_table(console, title, columns, rows)
    print_line(console, met[place])


def machine(container: Container | None = None) -> dict[str, Any]:
    """What the figures depend on: processor, cores, versions; PostgreSQL's where it had a part."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **({} if container is None else {"postgresql": _postgresql(container)}),
        "distrib": version("distrib"),
    }


def _postgresql(container: Container) -> str:
    with container.worker_engine.connect() as conn:
        number = conn.connection.dbapi_connection.info.server_version  # type: ignore[union-attr]
    return f"{number // 10_000}.{number % 10_000}"


def _goal(key: str, figures: Mapping[str, Any]) -> str:
    name, sign = _GOALS.get(key, ("", ""))
    return f"{sign} {_goal_text(figures[name])}" if figures.get(name) is not None else ""


def _goal_text(figure: float) -> str:
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:g}"


def _shown(key: str, figure: float) -> str:
    if key.endswith("_bytes"):
        return f"{figure / 2**20:.1f} MiB"
    return f"{figure:,}"


def _processor() -> str:
    if _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return platform.processor()
