"""Operations: what waits to be worked on, audits, changes that wait for a second person, settings, and the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final

from flask import Blueprint
from markupsafe import Markup

from distrib.console.cells import CHANGE_STATES, id_cell, state_badge
from distrib.console.deeds import COMMANDS, OPERATIONS, deed_words
from distrib.console.frame import Done, HtmlPage, Visit, page
from distrib.console.lists import BEGIN, END, ListColumn, ListFilter, ListSpec, ListTab, list_view
from distrib.console.second_person import is_own, names_of, seat_names
from distrib.console.trail_words import FIELDS, OF_PAGES, STATES
from distrib.domain.errors import Refusal
from distrib.domain.refusals import NotFound
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
_MOST_FIELDS: Final = 12
_TRAIL_KINDS: Final = ((CHANGED, Text("changed", "trail")), (READ, Text("read", "trail")))
_CHANGES: Final = (
    ListColumn("what", Text("What is to be another"), is_fixed=True),
    ListColumn("about", Text("About")),
    ListColumn("status", Text("State")),
    ListColumn("proposed_by", Text("Proposed by")),
    ListColumn("proposed_at", Text("Proposed"), "date"),
    ListColumn("due_at", Text("In force by itself"), "date"),
    ListColumn("ended", Text("Ended")),
)
_TRAIL: Final = (
    ListColumn("no", Text("No."), "number", is_fixed=True),
    ListColumn("recorded_at", Text("When"), "date"),
    ListColumn("owner", Text("Who", "trail")),
    ListColumn("actor", Text("Key"), is_shown=False),
    ListColumn("role", Text("Role"), is_shown=False),
    ListColumn("kind", Text("Kind"), "word"),
    ListColumn("operation", Text("What was done")),
    ListColumn("subject", Text("About")),
    ListColumn("shop", Text("Shop")),
    ListColumn("difference", Text("From, to")),
    ListColumn("request", Text("Request"), is_shown=False),
)


def operation_pages(blueprint: Blueprint) -> None:
    """Adds the pages of the queue, of audits and of the program's settings."""

    @page(blueprint, "/operations", needs="get_queue")
    def operations(visit: Visit) -> HtmlPage:
        queue = visit.call("get_queue")
        most = queue["counted_up_to"]
        shown = {
            name: visit.say(Text("{count} and more", count=visit.reader.number(most)))
            if queue[name] >= most
            else visit.reader.number(queue[name])
            for name in ("orders_waiting", "waiting_events", "failed_events")
        }
        first_day = None if queue["first_day"] is None else visit.reader.day(queue["first_day"])
        return HtmlPage(
            "console/operations.html", {"tab": "queue", "queue": queue, "shown": shown, "first_day": first_day}
        )

    @page(blueprint, "/operations/audit", needs="get_audit", entry="operations")
    def audit(visit: Visit) -> HtmlPage:
        try:
            last = visit.call("get_audit")
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
            last = None
        history = visit.call("list_audits", query={"limit": "20"})["data"]
        as_of = None if last is None else datetime.fromisoformat(last["as_of"])
        return HtmlPage("console/audit.html", {"tab": "audit", "audit": last, "as_of": as_of, "history": history})

    @page(blueprint, "/operations/audit", needs="request_audit", post=True, entry="operations")
    def request_audit(visit: Visit) -> Done:
        visit.call("request_audit", body={"full": "full" in visit.form})
        return Done(visit.url("audit"), Text("An audit is requested; a worker makes it soon."))

    @page(blueprint, "/operations/program", needs="get_program", entry="operations")
    def program_settings(visit: Visit) -> HtmlPage:
        return HtmlPage("console/program.html", {"tab": "program", "program": visit.call("get_program")})

    @page(blueprint, "/operations/program", needs="change_program", post=True, entry="operations")
    def change_program(visit: Visit) -> Done:
        wanted = {name: visit.form.get(name, "").strip() or None for name in ("title", "join_url")}
        visit.call("change_program", body=wanted)
        return Done(visit.url("program_settings"), Text("The settings are changed."))


def change_pages(blueprint: Blueprint) -> None:
    """Adds the pages of changes that wait, and of the trail."""

    @page(blueprint, "/operations/changes", needs="list_held_changes", entry="operations")
    def held_changes(visit: Visit) -> HtmlPage:
        waiting: list[dict[str, Any]] = visit.call("list_held_changes", query={"status": "open", "limit": "50"})["data"]
        return HtmlPage(
            "console/changes.html",
            {
                "tab": "changes",
                "open_changes": [_waiting(visit, change) for change in waiting],
                "names": names_of(visit, [change["proposed_by"] for change in waiting]),
                "list": list_view(visit, _changes(visit)),
            },
        )

    @page(
        blueprint, "/operations/changes/<kind>/<do>", needs="list_held_changes", post=True, entry="operations"
    )  # fmt: skip
    def decide_change(visit: Visit, kind: str, do: str) -> Done:
        if kind not in _CALLS or do not in ("approve", "cancel"):
            raise NotFound()
        subject = visit.form.get("subject", "")
        name = {"payee": "shop_id", "webhook": "webhook_id"}.get(kind)
        path = {} if name is None else {name: subject}
        visit.desk.call(_CALLS[kind][do == "cancel"], path)
        said = Text("The change is in force.") if do == "approve" else Text("The change is cancelled.")
        return Done(visit.url("held_changes"), said)

    @page(blueprint, "/operations/trail", needs="list_trail", entry="operations")
    def trail(visit: Visit) -> HtmlPage:
        return HtmlPage("console/trail.html", {"tab": "trail", "list": list_view(visit, _trail(visit))})


def _waiting(visit: Visit, change: Mapping[str, Any]) -> dict[str, Any]:
    """A change that waits, with what this person may do about it."""
    approve, cancel = _CALLS[change["kind"]]
    return {
        **change,
        "what": visit.say(KINDS[change["kind"]]),
        "subject": change["shop_id"] or change["webhook_id"] or "",
        "is_mine": is_own(visit, change["proposed_by"]),
        "may_approve": visit.desk.may(approve),
        "may_cancel": visit.desk.may(cancel),
    }


def _changes(visit: Visit) -> ListSpec:
    names = seat_names(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        ended = (
            f"{visit.reader.time(row['ended_at'])} · {names.get(row['ended_by'], row['ended_by'] or '')}".rstrip(" ·")
            if row["ended_at"]
            else ""
        )
        return {
            "id": row["id"],
            "what": f"{visit.say(KINDS[row['kind']])}: {', '.join(row['fields'])}",
            "about": row["shop_id"] or row["webhook_id"] or visit.program,
            "status": state_badge(CHANGE_STATES, row["status"], visit.reader.language),
            "proposed_by": names.get(row["proposed_by"], row["proposed_by"]),
            "proposed_at": visit.reader.time(row["proposed_at"]),
            "due_at": visit.reader.time(row["due_at"]),
            "ended": ended,
        }

    return ListSpec(
        name="changes",
        endpoint="held_changes",
        operation="list_held_changes",
        columns=_CHANGES,
        cells=cells,
        tabs=(ListTab(Text("All"), ""), ListTab(Text("Waiting", "changes"), "open")),
        empty=(
            Text("No change has waited yet"),
            Text("Where money goes is changed by two people: such changes stand here until the second says so."),
        ),
    )


def _trail(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": str(row["no"]),
            "no": visit.reader.number(row["no"]),
            "recorded_at": visit.reader.time(row["recorded_at"]),
            "owner": row["owner"] + (f" ({row['os_user']})" if row["os_user"] else ""),
            "actor": id_cell(visit, row["actor"]),
            "role": row["role"],
            "kind": visit.say(dict(_TRAIL_KINDS)[row["kind"]]),
            "operation": _deed(visit, row["operation"]),
            "subject": row["subject"] or "",
            "shop": row["shop_id"] or "",
            "difference": _difference(visit, row["before"], row["after"]),
            "request": id_cell(visit, row["request_id"]),
        }

    return ListSpec(
        name="trail",
        endpoint="trail",
        operation="list_trail",
        columns=_TRAIL,
        cells=cells,
        filters=(
            ListFilter("actor", Text("Key"), hint="cli"),
            ListFilter("operation", Text("What was done"), _deeds(visit)),
            ListFilter("subject", Text("About")),
            ListFilter("shop_id", Text("Shop"), shops={}),
            ListFilter("kind", Text("Kind"), _TRAIL_KINDS),
            ListFilter("from", Text("From"), type="date", day=BEGIN),
            ListFilter("to", Text("Until"), type="date", day=END),
        ),
        empty=(Text("Nothing was done yet"), Text("Every change, and every look at personal data, stands here.")),
    )


def _deed(visit: Visit, name: str) -> Markup:
    """What was done in words, with what it is called in the API or on the command line."""
    return Markup('{} <span class="text-secondary">{}</span>').format(visit.say(deed_words(name)), name)


def _deeds(visit: Visit) -> list[tuple[str, Text | str]]:
    """All that can stand in the trail, in the order of the reader's words."""
    typed = Text("{words} (command line)")
    named: list[tuple[str, str]] = [(name, visit.say(words)) for name, words in OPERATIONS.items()]
    named += [(name, visit.say(typed.with_params(words=words))) for name, words in COMMANDS.items()]
    return [(name, words) for name, words in sorted(named, key=lambda entry: entry[1])]


def _difference(visit: Visit, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What changed, field by field, amounts and times in the reader's form; of what was made, what it is."""
    names = [name for name in dict.fromkeys([*(before or {}), *(after or {})]) if name not in OF_PAGES][:_MOST_FIELDS]
    parts = []
    for name in names:
        old, new = ((state or {}).get(name) for state in (before, after))
        word = _word(visit, name)
        if _is_hidden(old) or _is_hidden(new):
            parts.append(word)
            continue
        was, now = (_plain(visit, name, value) for value in (old, new))
        parts.append(f"{word}: {now}" if before is None else f"{word}: {was} → {now}")
    return "; ".join(parts)


def _word(visit: Visit, name: str) -> str:
    return visit.say(FIELDS[name]) if name in FIELDS else name


def _is_hidden(value: Any) -> bool:
    """Whether only a digest of a value is kept, which says nothing to a reader."""
    return isinstance(value, str) and "digest " in value


def _plain(visit: Visit, name: str, value: Any) -> str:
    """A value as it is read; what a field is tells the end of its name."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return visit.say(Text("yes") if value else Text("no"))
    if isinstance(value, Mapping):
        parts = ((key, inner) for key, inner in value.items() if not _is_hidden(inner))
        return ", ".join(f"{_word(visit, key)} {_plain(visit, key, inner)}" for key, inner in parts)
    if name in ("status", "state") and isinstance(value, str) and value in STATES:
        return visit.say(STATES[value])
    if name.endswith("_minor") and isinstance(value, int):
        return visit.reader.money(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    with suppress(ValueError):  # what was sent may be no instant
        if name.endswith("_at") and (instant := datetime.fromisoformat(text)).tzinfo is not None:
            return visit.reader.time(instant)
        if name.endswith("_on"):
            return visit.reader.day(date.fromisoformat(text))
    return text if len(text) <= 40 else text[:37] + "…"
