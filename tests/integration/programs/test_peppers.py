"""A wrong pepper is told before a key is blamed; one is changed for another, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.domain.errors import CannotStart
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.people import accounts
from distrib.services.people.accounts import PersonDraft, SignIn
from distrib.services.programs import keys
from distrib.services.programs.keys import KeyDraft
from distrib.settings import Settings
from tests.world.api import Caller
from tests.world.audited import packs
from tests.world.commands import name_servers, run
from tests.world.world import World

FIRST, SECOND, THIRD = (f"a pepper of the {number} year, long enough" for number in ("first", "second", "third"))
READY, WRONG = (200, "known"), (503, "wrong")
SHOP = {"id": "s", "identity": "somebody"}


class Host:
    """A host of the service with peppers of its own."""

    def __init__(self, container: Container) -> None:
        """Start it."""
        self.container = container
        container.policies = packs()
        with capture_logs() as lines:
            container.record_peppers()
            container.tell_wrong_peppers()
        self.told = [line["event"] for line in lines if line["log_level"] == "error"]
        self.app = create_app(container)

    def readiness(self) -> tuple[int, str]:
        """What ``/readyz`` answers, and says of the pepper."""
        answer = self.app.test_client().get("/readyz")
        return answer.status_code, str((answer.json or {})["pepper"])

    def caller(self, key: str) -> Caller:
        """Who calls with a key."""
        return Caller(self.app.test_client(), key)

    def make_key(self, world: World) -> str:
        """Makes a key of an admin, hashed with the host's own pepper."""
        with self.container.begin() as conn:
            return keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, world.now()),
                KeyDraft("admin", "a", None),
                self.container.pepper,
            )


@contextmanager
def host_with(settings: Settings, **peppers: Any) -> Iterator[Host]:
    """A host whose settings name those peppers."""
    container = Container(replace(settings, **peppers), str(settings.database_url), str(settings.redis_url))
    try:
        yield Host(container)
    finally:
        container.close()


def good(hosts: list[Host], key: str) -> list[Any]:
    """What each host answers to a call with a key."""
    return [host.caller(key).call("GET", "/v1/program").status_code for host in hosts]


def test_a_pepper_is_changed_on_one_host_after_the_other_while_keys_people_and_identities_stay_good(
    world: World, settings: Settings
) -> None:
    with host_with(settings, key_pepper=FIRST) as before:
        key, busy_key, quiet_key = (before.make_key(world) for _ in range(3))
        before.caller(busy_key).post("/v1/shops", SHOP)
        with before.container.begin() as conn:
            person = accounts.make_person(
                conn, PersonDraft("mei", "Mei", "a password nobody guesses", must_change=False), world.now()
            )
            token = accounts.begin_session(conn, person, SignIn(""), before.container.pepper, world.now())
    both = {"identity_pepper": FIRST}
    with (
        host_with(settings, key_pepper=FIRST, other_pepper=SECOND, **both) as first,
        host_with(settings, key_pepper=SECOND, other_pepper=FIRST, **both) as second,
    ):
        hosts = [first, second]
        assert [host.readiness() for host in hosts] == [READY, READY]
        assert [host.told for host in hosts] == [[], []]
        assert good(hosts, busy_key) == good(hosts, second.make_key(world)) == [200, 200]
        again = second.caller(key).call("POST", "/v1/shops", SHOP)
        assert again.status_code == 200, again.text
        assert second.caller(key).refused("POST", "/v1/shops", SHOP | {"id": "t"}) == (409, "identity_used")
        with second.container.begin() as conn:
            signed_in = accounts.session_of(conn, token, second.container.pepper, world.now())
            assert signed_in is not None
            accounts.end_session(conn, signed_in, signed_in.session_id, world.now())
    with host_with(settings, key_pepper=SECOND, **both) as after:
        assert after.readiness() == READY
        assert good([after], key) == [200]  # hashed anew when it was used, once a minute; that of nobody is over
        assert good([after], quiet_key) == [401]


@pytest.mark.parametrize(
    "peppers",
    [
        {"key_pepper": SECOND},
        {"key_pepper": SECOND, "other_pepper": FIRST},
        {"key_pepper": SECOND, "other_pepper": THIRD, "identity_pepper": FIRST},
    ],
    ids=["another", "identities forgotten", "a step left out"],
)
def test_a_wrong_pepper_is_told_by_readiness_by_the_log_and_to_commands_before_they_make_a_key(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, peppers: dict[str, str]
) -> None:
    with host_with(settings, key_pepper=FIRST) as right, host_with(settings, **peppers) as wrong:
        assert (right.readiness(), right.told) == (READY, [])
        assert (wrong.readiness(), wrong.told) == (WRONG, ["pepper_wrong"])
        assert right.readiness() == READY  # what was wrong is not recorded
    name_servers(settings, monkeypatch)
    for name, pepper in peppers.items():
        monkeypatch.setenv(f"DISTRIB_{name.upper()}", pepper)
    with pytest.raises(CannotStart, match="DISTRIB_KEY_PEPPER"):
        run("key", "create", "--role", "admin")
    rows = world.rows("SELECT count(*) AS made FROM api_keys WHERE program_id = :program")
    assert [row.made for row in rows] == [0]
