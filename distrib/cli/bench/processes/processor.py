"""Processor time of processes and of all that they started, as Linux counts it; says more than the clock in company."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PARENT, _FIRST, _LAST = 1, 11, 15  # places in /proc/PID/stat behind the name: of the parent, of the four times


def processor_seconds(pid: int) -> float | None:
    """What a process, those below it and those of them that have ended took so far; None where Linux does not say."""
    if not (_PROC / "self" / "stat").exists():
        return None
    stats = {int(entry.name): fields for entry in _PROC.iterdir() if entry.name.isdigit() for fields in _stat(entry)}
    below: defaultdict[int, list[int]] = defaultdict(list)
    for child, fields in stats.items():
        below[int(fields[_PARENT])].append(child)
    family = [pid]
    for member in family:  # grows while it is walked
        family += below[member]
    ticks = sum(int(tick) for member in family if member in stats for tick in stats[member][_FIRST:_LAST])
    return ticks * _TICK_S


def _stat(entry: Path) -> Iterator[list[str]]:
    try:
        text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return
    yield text.rpartition(")")[2].split()
