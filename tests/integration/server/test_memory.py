"""What four callers send at once, each as much as a body may have, costs the processes little memory and is refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from distrib.api.calls.bodies import BATCH_BYTES
from tests.integration.server.conftest import Served
from tests.world.live import Answer
from tests.world.processes import children_of

MIB = 1024 * 1024
CALLERS = 4
MOST_GROWTH = 200 * MIB
LOOK_S = 0.002


def filled(entry: bytes, start: bytes = b'{"shops":[', end: bytes = b"]}") -> bytes:
    """As many of an entry as a body may have."""
    number = (BATCH_BYTES - len(start) - len(end)) // (len(entry) + 1)
    return start + b",".join([entry] * number) + end


WIDE = "名".encode()
EMOJI = "😀".encode()
BODIES = {
    "nested": b"[" * BATCH_BYTES,
    "many-objects": filled(b'{"a":1}'),
    "many-keys": filled(b'"a":1', b'{"shops":[{', b"}]}"),
    "a-long-text": b'{"shops":["' + WIDE + b"a" * (BATCH_BYTES - 100) + b'"]}',
    "a-long-text-with-an-emoji": b'{"shops":["' + EMOJI + b"a" * (BATCH_BYTES - 100) + b'"]}',
    "wide-texts": filled(b'"' + WIDE + b"a" * 76 + b'"'),
    "fractions": filled(b"1." + b"2" * 62),
    "long-integers": filled(b"9" * 75),
    "blank": b" " * BATCH_BYTES,
}


def memory_of(processes: list[int]) -> int:
    """The memory that processes have together now, in bytes (``VmRSS``)."""
    lines = [line for pid in processes for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@pytest.mark.parametrize("kind", BODIES)
def test_four_bodies_at_once_cost_less_than_200_mib(usual: Served, kind: str) -> None:
    client = usual.client()
    for _ in range(CALLERS):
        client.get("/v1/program")
    processes = children_of(usual.live.web_pid)
    before = memory_of(processes)
    answers: list[Answer] = []

    def post() -> None:
        answers.append(client.call("POST", "/v1/shops/batch", BODIES[kind]))

    posts = [threading.Thread(target=post) for _ in range(CALLERS)]
    for thread in posts:
        thread.start()
    most = before
    for thread in posts:
        while thread.is_alive():
            most = max(most, memory_of(processes))
            thread.join(LOOK_S)
    assert len(processes) == 2
    assert len(answers) == CALLERS
    assert {answer.status for answer in answers} <= {200, 400, 413, 422}  # 200 says of each entry that it is refused
    assert not any('"created"' in answer.text for answer in answers)
    assert most - before < MOST_GROWTH, f"{(most - before) / MIB:.0f} MiB"
