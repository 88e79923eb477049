"""The audit finds a row of the trail that is gone, moved or changed, and a deed that left none."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from distrib.services.audit.run import enter_snapshot, run_audit
from distrib.services.context import COMMAND_LINE, Unit
from tests.world.api import Api

pytestmark = pytest.mark.tampers

BROKEN = {
    "a changed row": "UPDATE trail SET owner = 'somebody else' WHERE trail_no = 2",
    "a changed state": "UPDATE trail SET after = '{}' WHERE trail_no = 2",
    "a row that is gone": "DELETE FROM trail WHERE trail_no = 2",
    "the last row gone and a new one in its place": "UPDATE trail SET digest = sha256('x') WHERE trail_no = 3",
    "a row of another time": "UPDATE trail SET recorded_at = recorded_at - interval '1 day' WHERE trail_no = 2",
}


def wrong_of(api: Api) -> dict[str, Any]:
    """The checks that do not hold, by name."""
    with api.world.container.worker_engine.begin() as conn:
        enter_snapshot(conn)
        result = run_audit(Unit(conn, api.world.program, COMMAND_LINE, api.world.now()), api.world.policies)
    return {check.name: check.rows for check in result.checks if not check.ok}


def tamper(api: Api, statement: str) -> None:
    """Changes what must never change, as only an owner of the tables can."""
    with api.world.container.worker_engine.begin() as conn:
        for command in ("RESET ROLE", "ALTER TABLE trail DISABLE TRIGGER USER", statement):
            conn.execute(text(command))
        conn.execute(text("ALTER TABLE trail ENABLE TRIGGER USER"))


@pytest.mark.parametrize("name", BROKEN)
def test_a_trail_that_was_tampered_with_is_found(api: Api, name: str) -> None:
    admin = api.caller()
    for title in ("a", "b", "c"):
        assert admin.call("PATCH", "/v1/program", {"title": title}).status_code == 200
    assert wrong_of(api) == {}
    tamper(api, BROKEN[name])
    assert wrong_of(api)["trail_unbroken"][0]["trail_no"] in (2, 3)


def test_a_deed_without_its_row_is_found_and_one_of_before_the_trail_is_not(api: Api) -> None:
    admin = api.caller()
    assert admin.call("PATCH", "/v1/program", {"title": "a"}).status_code == 200
    tamper(api, "DELETE FROM trail")
    assert [row["fact"] for row in wrong_of(api)["deeds_in_trail"]] == ["program"]
    tamper(api, "UPDATE programs SET trail_since = now()")
    assert wrong_of(api) == {}
