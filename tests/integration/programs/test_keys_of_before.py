"""Keys, and answers under an Idempotency-Key, of before it was kept whose they are (migration 0027)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from distrib.app import create_app
from distrib.bootstrap import Container
from distrib.services.programs import keys
from distrib.services.programs.tenants import find_program
from distrib.settings import Settings
from distrib.store import migrate
from tests.world import audited, databases
from tests.world.api import Api, Caller
from tests.world.world import World

SECRET = "A" * 43
FORMER = {"ann": "1" * 16, "ben": "2" * 16, "left": "3" * 16}


@pytest.fixture
def older(desk: databases.Desk, settings: Settings, redis_url: str, tmp_path: Path) -> Iterator[Api]:
    """A program whose keys were made before, at today's schema."""
    pepper = settings.key_pepper.encode()
    hashes = {key_id: keys.hash_of(pepper, key_id, SECRET).hex() for key_id in FORMER.values()}
    rows = tmp_path / "rows.sql"
    rows.write_text(
        "INSERT INTO programs (code, currency, time_zone, policy, created_at)"
        " VALUES ('test', 'CNY', 'Asia/Shanghai', 'open', '2026-01-01Z');"
        + "".join(
            "INSERT INTO api_keys (program_id, key_id, name, role, secret_hmac, created_at)"
            f" VALUES (1, '{key_id}', '{name}', 'admin', '\\x{hashes[key_id]}', '2026-01-01Z');"
            for name, key_id in FORMER.items()
        )
        + f"UPDATE api_keys SET revoked_at = '2026-02-01Z' WHERE key_id = '{FORMER['left']}';"
        "INSERT INTO idempotency_keys (program_id, route, key, digest, status, body, recorded_at)"
        " VALUES (1, 'r', 'k', 'd', 200, '{}', '2026-01-01Z');",
        "utf-8",
    )
    with databases.older_database(desk, "0026", rows) as url:
        migrate.upgrade(url)
        container = Container(settings, url, redis_url)
        with container.begin() as conn:
            program = find_program(conn, "test")
        yield Api(create_app(container), World(container, program))
        container.close()
        audited.audit_all(url)


def caller(api: Api, name: str) -> Caller:
    """A caller with a key of before."""
    return Caller(api.app.test_client(), f"dk_{FORMER[name]}_{SECRET}")


def test_keys_of_before_work_as_they_did_and_their_names_stand_for_their_owners(older: Api) -> None:
    ann, ben = caller(older, "ann"), caller(older, "ben")
    view = ann.get(f"/v1/keys/{FORMER['ann']}")
    assert (view["owner"], view["owner_is_set"], view["made_by"]) == ("ann", False, None)
    assert (view["state"], view["may_confirm"], view["scopes"], view["expires_at"]) == ("active", True, None, None)
    assert caller(older, "left").refused("GET", "/v1/keys") == (401, "unauthorized")
    assert ann.get(f"/v1/keys/{FORMER['left']}")["state"] == "ended"
    made = older.made_by(ann, "finance", "m")
    ben.post(f"/v1/keys/{made.key_id}/approve")
    assert older.world.rows("SELECT key_id, owner FROM idempotency_keys") == [("", "")]
