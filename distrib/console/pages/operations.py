"""Operations: what waits to be worked on, audits, changes that wait for a second person, settings, and the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import CHANGE_STATES, id_cell, state_badge
from distrib.console.frame import Done, Page, Work, page
from distrib.console.lists import BEGIN, END, Column, Filter, ListSpec, Tab, list_view
from distrib.console.second_person import is_own, names_of, seat_names
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.domain.trail import CHANGED, READ

KINDS: Final[Mapping[str, Text]] = {
    "payee": Text("payee of a shop"),
    "webhook": Text("address of a webhook"),
    "program": Text("settings of the program"),
}
_CALLS: Final[Mapping[str, tuple[str, str]]] = {
    "payee": ("approve_payee", "cancel_payee"),
    "webhook": ("approve_webhook_change", "cancel_webhook_change"),
    "program": ("approve_program_change", "cancel_program_change"),
}
_TRAIL_KINDS: Final = ((CHANGED, Text("changed", "trail")), (READ, Text("read", "trail")))
_CHANGES: Final = (
    Column("what", Text("What is to be another"), is_fixed=True),
    Column("about", Text("About")),
    Column("status", Text("State")),
    Column("proposed_by", Text("Proposed by")),
    Column("proposed_at", Text("Proposed"), "date"),
    Column("due_at", Text("In force by itself"), "date"),
    Column("ended", Text("Ended")),
)
_TRAIL: Final = (
    Column("no", Text("No."), "number", is_fixed=True),
    Column("recorded_at", Text("When"), "date"),
    Column("owner", Text("Who", "trail")),
    Column("actor", Text("Key"), is_shown=False),
    Column("role", Text("Role"), is_shown=False),
    Column("kind", Text("Kind")),
    Column("operation", Text("What was done")),
    Column("subject", Text("About")),
    Column("shop", Text("Shop")),
    Column("difference", Text("From, to")),
    Column("request", Text("Request"), is_shown=False),
)


def operation_pages(blueprint: Blueprint) -> None:
    """Adds the pages of the queue, of audits and of the program's settings."""

    @page(blueprint, "/operations", needs="get_queue")
    def operations(work: Work) -> Page:
        queue = work.call("get_queue")
        most = queue["counted_up_to"]
        shown = {
            name: work.say(Text("{count} and more", count=work.reader.number(most)))
            if queue[name] >= most
            else work.reader.number(queue[name])
            for name in ("orders_waiting", "waiting_events", "failed_events")
        }
        first_day = None if queue["first_day"] is None else work.reader.day(queue["first_day"])
        return Page("console/operations.html", {"tab": "queue", "queue": queue, "shown": shown, "first_day": first_day})

    @page(blueprint, "/operations/audit", needs="get_audit", entry="operations")
    def audit(work: Work) -> Page:
        try:
            last = work.call("get_audit")
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
            last = None
        history = work.call("list_audits", query={"limit": "20"})["data"]
        as_of = None if last is None else datetime.fromisoformat(last["as_of"])
        return Page("console/audit.html", {"tab": "audit", "audit": last, "as_of": as_of, "history": history})

    @page(blueprint, "/operations/audit", needs="request_audit", post=True, entry="operations")
    def request_audit(work: Work) -> Done:
        work.call("request_audit", body={"full": "full" in work.form})
        return Done(work.url("audit"), Text("An audit is requested; a worker makes it soon."))

    @page(blueprint, "/operations/program", needs="get_program", entry="operations")
    def program_settings(work: Work) -> Page:
        return Page("console/program.html", {"tab": "program", "program": work.call("get_program")})

    @page(blueprint, "/operations/program", needs="change_program", post=True, entry="operations")
    def change_program(work: Work) -> Done:
        wanted = {name: work.form.get(name, "").strip() or None for name in ("title", "join_url")}
        work.call("change_program", body=wanted)
        return Done(work.url("program_settings"), Text("The settings are changed."))


def change_pages(blueprint: Blueprint) -> None:
    """Adds the pages of changes that wait, and of the trail."""

    @page(blueprint, "/operations/changes", needs="list_held_changes", entry="operations")
    def held_changes(work: Work) -> Page:
        waiting: list[dict[str, Any]] = work.call("list_held_changes", query={"status": "open", "limit": "50"})["data"]
        return Page(
            "console/changes.html",
            {
                "tab": "changes",
                "open_changes": [_waiting(work, change) for change in waiting],
                "names": names_of(work, [change["proposed_by"] for change in waiting]),
                "list": list_view(work, _changes(work)),
            },
        )

    @page(
        blueprint, "/operations/changes/<kind>/<do>", needs="list_held_changes", post=True, entry="operations"
    )  # fmt: skip
    def decide_change(work: Work, kind: str, do: str) -> Done:
        if kind not in _CALLS or do not in ("approve", "cancel"):
            raise Refusal("not_found")
        subject = work.form.get("subject", "")
        name = {"payee": "shop_id", "webhook": "webhook_id"}.get(kind)
        path = {} if name is None else {name: subject}
        work.desk.call(_CALLS[kind][do == "cancel"], path)
        said = Text("The change is in force.") if do == "approve" else Text("The change is cancelled.")
        return Done(work.url("held_changes"), said)

    @page(blueprint, "/operations/trail", needs="list_trail", entry="operations")
    def trail(work: Work) -> Page:
        return Page("console/trail.html", {"tab": "trail", "list": list_view(work, _trail(work))})


def _waiting(work: Work, change: Mapping[str, Any]) -> dict[str, Any]:
    """A change that waits, with what this person may do about it."""
    approve, cancel = _CALLS[change["kind"]]
    return {
        **change,
        "what": work.say(KINDS[change["kind"]]),
        "subject": change["shop_id"] or change["webhook_id"] or "",
        "is_mine": is_own(work, change["proposed_by"]),
        "may_approve": work.desk.may(approve),
        "may_cancel": work.desk.may(cancel),
    }


def _changes(work: Work) -> ListSpec:
    names = seat_names(work)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        ended = (
            f"{work.reader.time(row['ended_at'])} · {names.get(row['ended_by'], row['ended_by'] or '')}".rstrip(" ·")
            if row["ended_at"]
            else ""
        )
        return {
            "id": row["id"],
            "what": f"{work.say(KINDS[row['kind']])}: {', '.join(row['fields'])}",
            "about": row["shop_id"] or row["webhook_id"] or work.program,
            "status": state_badge(CHANGE_STATES, row["status"], work.reader.language),
            "proposed_by": names.get(row["proposed_by"], row["proposed_by"]),
            "proposed_at": work.reader.time(row["proposed_at"]),
            "due_at": work.reader.time(row["due_at"]),
            "ended": ended,
        }

    return ListSpec(
        name="changes",
        endpoint="held_changes",
        operation="list_held_changes",
        columns=_CHANGES,
        cells=cells,
        tabs=(Tab(Text("All"), ""), Tab(Text("Waiting", "changes"), "open")),
        empty=(
            Text("No change has waited yet"),
            Text("Where money goes is changed by two people: such changes stand here until the second says so."),
        ),
    )


def _trail(work: Work) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": str(row["no"]),
            "no": work.reader.number(row["no"]),
            "recorded_at": work.reader.time(row["recorded_at"]),
            "owner": row["owner"] + (f" ({row['os_user']})" if row["os_user"] else ""),
            "actor": id_cell(work, row["actor"]),
            "role": row["role"],
            "kind": work.say(dict(_TRAIL_KINDS)[row["kind"]]),
            "operation": row["operation"],
            "subject": row["subject"] or "",
            "shop": row["shop_id"] or "",
            "difference": _difference(row["before"], row["after"]),
            "request": id_cell(work, row["request_id"]),
        }

    return ListSpec(
        name="trail",
        endpoint="trail",
        operation="list_trail",
        columns=_TRAIL,
        cells=cells,
        filters=(
            Filter("actor", Text("Key"), hint="cli"),
            Filter("operation", Text("What was done"), hint="publish_plan"),
            Filter("subject", Text("About")),
            Filter("shop_id", Text("Shop")),
            Filter("kind", Text("Kind"), _TRAIL_KINDS),
            Filter("from", Text("From"), type="date", day=BEGIN),
            Filter("to", Text("Until"), type="date", day=END),
        ),
        empty=(Text("Nothing was done yet"), Text("Every change, and every look at personal data, stands here.")),
    )


def _difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What changed, name by name; of what was made, what it is."""
    names = list(dict.fromkeys([*(before or {}), *(after or {})]))[:8]
    parts = []
    for name in names:
        old, new = ((state or {}).get(name) for state in (before, after))
        if _is_hidden(old) or _is_hidden(new):
            parts.append(name)
            continue
        parts.append(f"{name}: {_plain(new)}" if before is None else f"{name}: {_plain(old)} → {_plain(new)}")
    return "; ".join(parts)


def _is_hidden(value: Any) -> bool:
    """Whether only a digest of a value is kept, which says nothing to a reader."""
    return isinstance(value, str) and "digest " in value


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else "–" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "…"
