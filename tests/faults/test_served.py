"""A whole service, and whatever can happen to it while it is posted to: it is soon whole again, and nothing is lost.

What is posted is sent again until it is accepted, as any order system does; the answers in between are never a 500.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.programs import keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from tests.world.documents import SELLER_TEN_PERCENT, line, settled
from tests.world.live import Answer, Client, free_port
from tests.world.mischief import MISCHIEF
from tests.world.served import Served, served
from tests.world.small_disk import filled, may_mount, small_disk
from tests.world.ways import faults_of
from tests.world.world import World

_POSTS, _EVENTS = 12, 5
_LASTS_S = 1.0
"""How long what does not pass by itself lasts, unless all is posted before."""
_numbers = itertools.count(1)
_DEPLOY = "it is ended politely and started again"


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    """One service for all that happens here."""
    with TemporaryDirectory(prefix="distrib-served-") as directory:
        Path(directory).chmod(0o711)
        var_dir = Path(directory) / "var"
        with small_disk(var_dir), served(var_dir, free_port()) as running:
            yield running


@dataclass(frozen=True)
class _Program:
    """A program of the service, and a key for its order system."""

    program: Program
    key: str


def _open_program(service: Served) -> _Program:
    with service.container() as container:
        with container.begin() as conn:
            now, pepper = container.now(), container.settings.key_pepper.encode()
            code = f"p{next(_numbers)}"
            program = tenants.create_program(
                conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), now, container.policies
            )
            key = keys.create_key(Unit(conn, program, COMMAND_LINE, now), KeyDraft("admin", "admin", None), pepper)
        world = World(container, program)
        world.publish(SELLER_TEN_PERCENT)
        world.join(("a", None))
    return _Program(program, key)


def _post_all(service: Served, key: str) -> None:
    for post in range(_POSTS):
        numbers = range(post * _EVENTS, (post + 1) * _EVENTS)
        service.post(key, [settled(f"e{number}", f"o{number}", "a", line(1_000)) for number in numbers])


@pytest.mark.faults
@pytest.mark.parametrize("what", [*MISCHIEF, _DEPLOY])
def test_what_happens_to_a_service_passes_and_nothing_is_lost(service: Served, what: str) -> None:
    service.wait_until_whole()
    own = _open_program(service)
    with ThreadPoolExecutor(1) as poster:
        posted = poster.submit(_post_all, service, own.key)
        if what == _DEPLOY:
            service.restart()
        with MISCHIEF[what](service) if what in MISCHIEF else nullcontext():
            wait([posted], _LASTS_S)
        posted.result()
    service.wait_until_whole()
    service.wait_for_events(own.key)
    assert service.statuses <= {200, 202, 429, 503}
    with service.container() as container:
        world = World(container, own.program)
        assert world.earned() == {"a": _POSTS * _EVENTS * 100}
        assert faults_of(world) == []


if may_mount():

    @pytest.mark.faults
    def test_while_the_disk_is_full_what_is_kept_is_read_and_what_is_new_waits(service: Served) -> None:
        service.wait_until_whole()
        own = _open_program(service)
        service.post(own.key, [settled("e", "o", "a", line(1_000))])
        service.wait_for_events(own.key)
        web = service.parts("web")
        client = Client(service.port, own.key)
        with filled(service.var_dir):
            refused = _post_until_refused(client)
            assert (refused.status, refused.json["code"]) == (503, "unavailable")
            assert client.get("/v1/events/e")["status"] == "done"
        assert service.parts("web") == web
        service.wait_until_whole()
        _post_all(service, own.key)
        service.wait_for_events(own.key)


def _post_until_refused(client: Client) -> Answer:
    """The first answer which says that nothing more can be kept."""
    for post in range(100):
        events = [settled(f"e{post}-{number}", f"o{post}-{number}", "a", line(1_000)) for number in range(200)]
        answer = client.call("POST", "/v1/events", {"events": events})
        if answer.status != 202:
            return answer
    raise AssertionError("the disk has room for all")
