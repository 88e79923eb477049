"""Who asks for a ring waits for nobody, and however many ask meanwhile are one."""

from __future__ import annotations

import threading

import pytest

from distrib.dispatch import Ringer


class SlowBell:
    """A bell whose ring takes until it is let go, as one of a Redis that hangs."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.rings = 0

    def ring(self) -> None:
        """Counts, and waits."""
        self.rings += 1
        self.begun.release()
        assert self.let_go.acquire(timeout=60)


def test_asking_returns_while_a_ring_hangs_and_all_who_ask_meanwhile_get_one_more() -> None:
    bell = SlowBell()
    ringer = Ringer(bell.ring)
    ringer.ring()
    assert bell.begun.acquire(timeout=60)
    for _ in range(100):
        ringer.ring()
    assert bell.rings == 1
    bell.let_go.release()
    assert bell.begun.acquire(timeout=60)
    bell.let_go.release()
    assert bell.rings == 2
    ringer.ring()
    assert bell.begun.acquire(timeout=60)
    bell.let_go.release()
    assert bell.rings == 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_thread_that_ended_the_next_who_asks_is_served() -> None:
    threads: list[threading.Thread] = []
    heard = threading.Semaphore(0)

    def ring() -> None:
        threads.append(threading.current_thread())
        heard.release()
        raise RuntimeError("a mistake")

    ringer = Ringer(ring)
    for _ in range(2):
        ringer.ring()
        assert heard.acquire(timeout=60)
        threads[-1].join(60)
    assert len(set(threads)) == 2
