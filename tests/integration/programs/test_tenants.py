"""Programs and keys: opened once, found by code; a key's secret is seen once and kept by nobody."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.pepper import Pepper
from distrib.services.programs import key_changes, keys, tenants
from distrib.services.programs.keys import KeyDraft
from distrib.services.programs.tenants import ProgramDraft
from tests.world.world import NOW, PEPPER, World, web_world


def made(world: World, code: str = "shop-cn", now: datetime = NOW, **changes: Any) -> Program:
    draft = ProgramDraft(code, **{"currency": "CNY", "time_zone": "Asia/Shanghai", "policy": "cn"} | changes)
    with world.container.begin() as conn:
        return tenants.create_program(conn, draft, now, world.policies)


def test_a_program_is_opened_once_and_found_by_its_code(database_url: str) -> None:
    with web_world(database_url) as world:
        first = made(world)
        assert made(world, now=datetime(2027, 1, 1, tzinfo=UTC)) == first
        with world.container.begin() as conn:
            assert tenants.find_program(conn, "shop-cn") == tenants.get_program(conn, first.program_id) == first
            assert tenants.only_program(conn) is None
            assert [program.code for program in tenants.list_programs(conn)] == ["demo", "shop-cn"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "USD"}, "program_exists"),
        ({"admission": "review"}, "program_exists"),
        ({"currency": "cny"}, "currency_unknown"),
        ({"time_zone": "Asia"}, "time_zone_unknown"),
        ({"time_zone": "../etc/passwd"}, "time_zone_unknown"),
        ({"time_zone": "localtime"}, "time_zone_unknown"),
        ({"policy": "nowhere"}, "policy_unknown"),
        ({"admission": "anyone"}, "invalid"),
        ({"code": "a/b"}, "invalid"),
    ],
)
def test_a_program_that_does_not_fit_is_refused_by_name(
    database_url: str, changes: dict[str, object], code: str
) -> None:
    with web_world(database_url) as world:
        made(world)
        with pytest.raises(Refusal) as caught:
            made(world, **{"code": "shop-cn"} | changes)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_the_only_program_is_the_default(database_url: str) -> None:
    with web_world(database_url) as world, world.container.begin() as conn:
        assert tenants.only_program(conn) == world.program
        with pytest.raises(Refusal, match="no program x"):
            tenants.find_program(conn, "x")
        with pytest.raises(Refusal):
            tenants.find_program(conn, "x\x00")


def test_a_key_opens_its_own_program_with_its_role(database_url: str) -> None:
    with web_world(database_url) as world:
        world.register("s")
        other = made(world)
        with world.begin() as conn:
            admin = keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("admin", "the office", None), PEPPER
            )
            partner = keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("partner", "a partner", "s"), PEPPER
            )
        with world.engine.begin() as conn:
            opened = keys.authenticate(conn, admin, PEPPER, NOW)
            assert opened is not None
            assert (opened[0], opened[1].role, opened[1].shop_no) == (world.program, "admin", None)
            assert conn.execute(text("SELECT count(*) FROM shops")).scalar() == 1
        with world.engine.begin() as conn:
            opened = keys.authenticate(conn, partner, PEPPER, NOW)
            assert opened is not None
            assert (opened[0].program_id != other.program_id, opened[1].shop_id) == (True, "s")


def test_only_the_whole_key_opens_anything(database_url: str) -> None:
    with web_world(database_url) as world:
        with world.begin() as conn:
            key = keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("admin", "the office", None), PEPPER
            )
        other = "A" if key[-1] != "A" else "B"
        wrong = [key[:-1] + other, key + "x", key.replace("dk_", ""), "", "dk__", "dk_" + "0" * 16]
        for presented in [*wrong, key[:3] + "0" * 16 + key[19:], "dk_é" + key[4:], "a" * 10_000]:
            with world.engine.begin() as conn:
                assert keys.authenticate(conn, presented, PEPPER, NOW) is None
        with world.engine.begin() as conn:
            assert keys.authenticate(conn, key, Pepper(b"another pepper"), NOW) is None


def test_a_key_that_has_ended_opens_nothing(database_url: str) -> None:
    with web_world(database_url) as world:
        with world.begin() as conn:
            key = keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("admin", "the office", None), PEPPER
            )
            [listed], follows = keys.list_keys(conn, world.program)
            assert (listed.row.name, follows) == ("the office", None)
            key_changes.revoke_key(Unit(conn, world.program, COMMAND_LINE, NOW), listed.row.key_id)
            key_changes.revoke_key(
                Unit(conn, world.program, COMMAND_LINE, datetime(2027, 1, 1, tzinfo=UTC)), listed.row.key_id
            )
            assert keys.list_keys(conn, world.program)[0][0].row.revoked_at == NOW
            with pytest.raises(Refusal):
                key_changes.revoke_key(Unit(conn, world.program, COMMAND_LINE, NOW), "0" * 16)
        with world.engine.begin() as conn:
            assert keys.authenticate(conn, key, PEPPER, NOW) is None


def test_a_secret_is_not_in_the_database(database_url: str) -> None:
    with web_world(database_url) as world:
        with world.begin() as conn:
            key = keys.create_key(
                Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("admin", "the office", None), PEPPER
            )
        [(dump,)] = world.rows("SELECT string_agg(k::text, '') FROM api_keys k")
    assert key.split("_", 2)[2] not in dump


@pytest.mark.parametrize(
    ("role", "name", "shop_id", "code"),
    [
        ("partner", "x", None, "invalid"),
        ("admin", "x", "s", "invalid"),
        ("emperor", "x", None, "invalid"),
        ("admin", " ", None, "invalid"),
        ("partner", "x", "nobody", "shop_unknown"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(
    database_url: str, role: str, name: str, shop_id: str | None, code: str
) -> None:
    with web_world(database_url) as world, world.begin() as conn, pytest.raises(Refusal) as caught:
        keys.create_key(Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft(role, name, shop_id), PEPPER)
    assert caught.value.code == code


def test_keys_come_in_pages(database_url: str) -> None:
    with web_world(database_url) as world, world.begin() as conn:
        for n in range(5):
            keys.create_key(Unit(conn, world.program, COMMAND_LINE, NOW), KeyDraft("orders", f"k{n}", None), PEPPER)
        first, follows = keys.list_keys(conn, world.program, None, 3)
        rest, end = keys.list_keys(conn, world.program, follows, 3)
    assert sorted(listed.row.name for listed in first + rest) == [f"k{n}" for n in range(5)]
    assert end is None
