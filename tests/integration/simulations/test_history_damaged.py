"""A directory of history of which a file is damaged, and workers that die before they work: refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import dask
import pytest

from distrib.domain.errors import Refusal
from distrib.services.history.directory import HistoryDirectory
from distrib.services.history.manifest import FileEntry
from distrib.services.history.schema import FAILED, ORDERS, REFUNDS, SHOPS, TRANSFERS
from tests.integration.simulations.test_simulations import FLAT, PLAN, told
from tests.world.api import Api
from tests.world.commands import name_servers, run
from tests.world.documents import PAID, line, settled

__all__ = ["told"]

WHOLE = ("--from", "2026-03-01", "--to", "2026-06-01")
READ = {ORDERS, REFUNDS, TRANSFERS, FAILED, SHOPS}
"""The kinds of files that every simulation reads."""
PARTS = 6
"""Most bits are such that a file is no Parquet any more; some only make another figure of one."""


@contextmanager
def a_bit_flipped(path: Path, part: int = PARTS // 2) -> Iterator[None]:
    """A file with one bit another one, so many of ``PARTS`` parts from its beginning."""
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) * part // PARTS] ^= 1 << part % 8
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(whole)


def asked(*words: object) -> dict[str, Any] | Refusal:
    """The result of the command, or what it is refused with."""
    answer = run("simulate", *words, "--json")
    if isinstance(answer.exception, Refusal):
        return answer.exception
    result: dict[str, Any] = json.loads(answer.stdout)["result"]
    return result


def one_of_each_kind(directory: Path) -> list[FileEntry]:
    """A file of each kind that there is."""
    return list({file.kind: file for file in HistoryDirectory.open(directory).manifest.files}.values())


def test_one_bit_of_a_file_is_never_another_figure(told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    told.world.post(settled("usd", "usd", "a", line(1_000), currency="USD", paid_at=PAID))
    told.world.drain()
    directory, plan = tmp_path / "h", tmp_path / "flat.json"
    assert run("history", "export", "--to", directory).exit_code == 0
    plan.write_text(json.dumps(FLAT | {"pools": PLAN["pools"], "ranks": PLAN["ranks"], "rank_map": {}}), "utf-8")
    words = (plan, *WHOLE, "--history", directory)
    ways: list[tuple[object, ...]] = [words, (*words, "--ranks", "replayed")]
    whole = [asked(*way) for way in ways]
    assert all(isinstance(result, dict) for result in whole)
    refused = {(kind, place) for kind in READ for place in (0, 1)}
    for file in one_of_each_kind(directory):
        path = directory / file.path
        for part, (place, way) in product(range(PARTS), enumerate(ways)):
            with a_bit_flipped(path, part):
                answer = asked(*way)
            if isinstance(answer, Refusal):
                assert (answer.code, [problem.pointer for problem in answer.problems]) == (
                    "history_unreadable",
                    [str(path)],
                )
                refused.discard((file.kind, place))
            else:
                assert answer == whole[place], file.path
    assert refused == set()
    orders = next((directory / ORDERS).iterdir())
    for way in (("--processes", "2"), ("--engine", "dask")):
        with a_bit_flipped(orders):
            answer = asked(*words, *way)
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.problems[0].pointer) == ("history_unreadable", str(orders))


def test_workers_of_dask_that_die_while_they_start_are_one_message(
    told: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_servers(told.world.container.settings, monkeypatch)
    assert run("history", "export", "--to", tmp_path / "h").exit_code == 0
    (tmp_path / "flat.json").write_text(json.dumps(FLAT), "utf-8")
    import_module("distributed")  # brings settings of its own, which would go with the one that is set below
    with dask.config.set({"distributed.worker.preload": ["tests.world.stillborn_worker"]}):
        answer = asked(tmp_path / "flat.json", *WHOLE, "--history", tmp_path / "h", "--engine", "dask")
    assert isinstance(answer, Refusal)
    assert answer.code == "history_worker_lost"
