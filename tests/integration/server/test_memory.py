"""What four callers send at once, each as much as a body may have, costs the processes little memory and is refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from distrib.api.calls.bodies import BATCH_BYTES
from distrib.bootstrap import Container
from tests.world.live import Answer, served_api
from tests.world.processes import children_of

MIB = 1024 * 1024
CALLERS = 4
MOST_GROWTH = 200 * MIB


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


def memory_of(pid: int, name: str) -> int:
    """A figure of a process's memory in bytes: ``VmRSS`` is what it has now, ``VmHWM`` the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@pytest.mark.parametrize("kind", BODIES)
def test_four_bodies_at_once_cost_less_than_200_mib(served_container: Container, kind: str) -> None:
    with served_api(served_container, processes=2) as live:
        client = live.client(live.open_program(f"memory-{kind}"))
        for _ in range(CALLERS):
            client.get("/v1/program")
        processes = children_of(live.web_pid)
        before = sum(memory_of(pid, "VmRSS") for pid in processes)
        answers: list[Answer] = []

        def post() -> None:
            answers.append(client.call("POST", "/v1/shops/batch", BODIES[kind]))

        posts = [threading.Thread(target=post) for _ in range(CALLERS)]
        for thread in posts:
            thread.start()
        for thread in posts:
            thread.join()
        growth = sum(memory_of(pid, "VmHWM") for pid in processes) - before
    assert len(processes) == 2
    assert len(answers) == CALLERS
    assert {answer.status for answer in answers} <= {200, 400, 413, 422}  # 200 says of each entry that it is refused
    assert not any('"created"' in answer.text for answer in answers)
    assert growth < MOST_GROWTH, f"{growth / MIB:.0f} MiB"
