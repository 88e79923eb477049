"""What a service shows of a program, compared with the reference: what became of each event, and every commission."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from tests.acceptance.reference_world import Row, World, when
from tests.world.live import Client


def check_events(client: Client, world: World) -> None:
    """What became of every event is what the reference says; a payment that came too late may be either."""
    shown = {event["id"]: event for event in all_of(client, "/v1/events?limit=500")}
    had = {name: (event["status"], event["error"] and event["error"]["code"]) for name, event in shown.items()}
    for name in world.payments_over:
        assert had[name] == ("done", None) or had[name][0] == "failed"
        had[name] = world.outcomes[name]
    unlike = {name: (had.get(name), world.outcomes.get(name)) for name in {*had, *world.outcomes}}
    unlike = {name: (is_, is_to_be) for name, (is_, is_to_be) in unlike.items() if is_ != is_to_be}
    assert unlike == {}, (unlike, {name: shown.get(name) for name in unlike})


def check_rows(client: Client, world: World) -> None:
    """Every commission is in the reference, no more and no fewer, and each reversal takes back what was earned."""
    rows = all_of(client, "/v1/commissions?limit=500")
    assert Counter(map(row_of, rows)) == Counter(world.rows)
    ids = {row["id"]: row for row in rows}
    of_line = ("order_id", "shop_id", "rule", "tier", "available_at", "line_id")
    on_lines = {tuple(row[key] for key in of_line) for row in rows if row["kind"] == "earned"}
    for row in rows:
        assert row["period"] == world.period_of(when(row["occurred_at"]))
        if row["kind"] == "reversed":
            earned = ids[row["reverses_id"]]
            assert earned["kind"] == "earned"
            same = of_line if tuple(row[key] for key in of_line) in on_lines else of_line[:-1]
            assert [earned[key] for key in same] == [row[key] for key in same]


def row_of(row: dict[str, Any]) -> Row:
    """A commission as the reference writes it."""
    rate = None if row["rate"] is None else Fraction(row["rate"])
    return Row(
        row["event_id"],
        row["order_id"],
        row["line_id"],
        row["shop_id"],
        row["rule"],
        row["tier"],
        row["kind"],
        row["base_minor"],
        rate,
        row["amount_minor"],
        row["plan_version"]["version"],
        when(row["occurred_at"]),
        when(row["available_at"]),
    )


def all_of(client: Client, path: str) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    page = client.get(path)
    rows: list[dict[str, Any]] = page["data"]
    while page["next_cursor"] is not None:
        page = client.get(f"{path}&cursor={quote(page['next_cursor'])}")
        rows += page["data"]
    return rows
