"""Tasks: what a worker does for the reader, how far it is, what came of it; the tray at the foot of every page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint

from distrib.console.cells import TASK_STATES, state_badge
from distrib.console.frame import Done, HtmlPage, Outcome, Visit, page
from distrib.console.lists import ListColumn, ListSpec, linked, list_view
from distrib.console.long_calls import start
from distrib.domain.json_values import Json
from distrib.domain.texts import Text
from distrib.services.audit.run import requested_at
from distrib.services.people import accounts

SHOWN_IN_TRAY: Final = 50
SHOWN_FOR: Final = timedelta(days=1)
"""So long does the tray show what has ended, unless the reader has cleared it."""
SEEN: Final = "tasks_seen"
"""The preference that says until when a person has seen what ended, by program."""
OPEN: Final = ("waiting", "running")
MAKE_FILES: Final = ("export_statements", "get_compliance_report")
_MOST_SHARE: Final = 95
"""Percent that are shown of one that takes longer than the last one did."""
_COLUMNS = (
    ListColumn("what", Text("What"), is_fixed=True),
    ListColumn("status", Text("State")),
    ListColumn("asked_at", Text("Asked for"), "date"),
    ListColumn("seconds", Text("Took"), "number"),
    ListColumn("result", Text("Result")),
)


def task_pages(blueprint: Blueprint) -> None:
    """Adds the pages of tasks, and the tray."""

    @page(blueprint, "/tasks", needs="list_tasks")
    def tasks(visit: Visit) -> HtmlPage:
        title = visit.say(Text("What workers do for you"))
        return HtmlPage("console/list.html", {"title": title, "list": list_view(visit, _list(visit))})

    @page(blueprint, "/tasks/tray", needs="list_tasks", entry="tasks")
    def task_tray(visit: Visit) -> HtmlPage:
        return HtmlPage("console/task_tray.html", _tray(visit, _seen(visit)))

    @page(blueprint, "/tasks/seen", needs="list_tasks", post=True, entry="tasks")
    def see_tasks(visit: Visit) -> HtmlPage:
        seen = {**_seen(visit), visit.program: visit.desk.now.astimezone(UTC).isoformat()}
        accounts.enter(visit.desk.conn, visit.person)
        accounts.set_preference(visit.desk.conn, visit.person, SEEN, dict[str, Json](seen))
        return HtmlPage("console/task_tray.html", _tray(visit, seen))

    @page(blueprint, "/tasks/<task_id>", needs="get_task", entry="tasks")
    def task(visit: Visit, task_id: str) -> HtmlPage:
        return HtmlPage("console/task.html", {"task": _shown(visit, visit.call("get_task", task_id=task_id))})

    @page(blueprint, "/tasks/<task_id>/part", needs="get_task", entry="tasks")
    def task_part(visit: Visit, task_id: str) -> HtmlPage:
        return HtmlPage("console/task_part.html", {"task": _shown(visit, visit.call("get_task", task_id=task_id))})

    @page(blueprint, "/tasks/<task_id>/file", needs="get_task_file", entry="tasks")
    def task_file(visit: Visit, task_id: str) -> Outcome:
        file: Outcome = visit.call("get_task_file", task_id=task_id)
        return file

    @page(blueprint, "/tasks/<task_id>/cancel", needs="cancel_task", post=True, entry="tasks")
    def cancel_task(visit: Visit, task_id: str) -> Done:
        visit.call("cancel_task", task_id=task_id)
        return Done(visit.url("task", task_id=task_id), Text("It is cancelled; nothing of it was kept."))

    @page(blueprint, "/tasks/<task_id>/again", needs="start_task", post=True, entry="tasks")
    def start_again(visit: Visit, task_id: str) -> Done:
        former = visit.call("get_task", task_id=task_id)
        return start(visit, former["operation"], former["path"], former["query"], former["body"])


def task_words(visit: Visit, task: Mapping[str, Any]) -> str:
    """What a task is to do, in the reader's words."""
    subject, month = task["subject"] or "", visit.reader.month(task["path"].get("period"))
    words = {
        "propose_close": Text("Propose the close of {month}", month=month),
        "confirm_close": Text("Close {month} for ever", month=month),
        "create_payout": Text("Make the batch {id}", id=subject),
        "approve_payout": Text("Approve the batch {id}", id=subject),
        "export_statements": Text("File of {month} ({format})", month=month, format=_format(task["query"])),
        "set_statuses": Text("Decide about shops"),
        "get_compliance_report": Text("Report of compliance"),
        "run_monitors": Text("Run the monitors of compliance"),
    }
    return visit.say(words[task["operation"]])


def _format(query: Mapping[str, str]) -> str:
    return f"{query.get('detail', '')} {query.get('format', '')}".strip().upper()


def _result(visit: Visit, task: Mapping[str, Any]) -> tuple[Text, str]:
    """What a task that is done has come to: how its page is called, and where it is."""
    if task["operation"] in ("propose_close", "confirm_close"):
        return Text("The close of the month"), visit.url("close", period=task["path"]["period"])
    if task["operation"] in ("create_payout", "approve_payout"):
        return Text("The batch"), visit.url("payout", payout_id=task["subject"])
    if task["operation"] in MAKE_FILES:
        return Text("Fetch the file"), visit.url("task_file", task_id=task["id"])
    if task["operation"] == "run_monitors":
        return Text("What the monitors measured"), visit.url("structure")
    return Text("Shops that wait"), visit.url("shops", status="pending")


def _shown(visit: Visit, task: Mapping[str, Any]) -> dict[str, Any]:
    """A task as pages show it: its words, its state, how far it is, and where its result is."""
    is_open = task["status"] in OPEN
    begun, ended = task["begun_at"], task["ended_at"] or visit.desk.now
    seconds = None if begun is None else max(0, int((ended - begun).total_seconds()))
    expected = task["expected_seconds"]
    has_result = task["status"] == "done" and (task["file"] is not None or task["operation"] not in MAKE_FILES)
    words, href = _result(visit, task)
    return {
        **task,
        "words": task_words(visit, task),
        "badge": state_badge(TASK_STATES, task["status"], visit.reader.language),
        "state_words": visit.say(TASK_STATES[task["status"]].words),
        "is_open": is_open,
        "seconds": seconds,
        "share": min(_MOST_SHARE, seconds * 100 // expected) if is_open and expected and seconds is not None else None,
        "result_words": visit.say(words) if has_result else "",
        "result_href": href if has_result else "",
        "kilobytes": task["bytes"] // 1000,
        "problem": None if task["problem"] is None else _problem(task["problem"]),
    }


def _problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Why a task failed, as pages show a refusal; it was said in the language in which it was asked for."""
    entries = [(entry["pointer"], entry["detail"]) for entry in problem.get("errors", ())]
    return {**{name: problem[name] for name in ("title", "detail", "code")}, "problems": entries}


def _seen(visit: Visit) -> dict[str, str]:
    """When the reader cleared the tray of which program last."""
    kept = visit.person.preferences.get(SEEN)
    return {program: str(instant) for program, instant in kept.items()} if isinstance(kept, dict) else {}


def _tray(visit: Visit, seen: Mapping[str, str]) -> dict[str, Any]:
    """What runs for the reader, and what has ended since the reader cleared the tray."""
    since = visit.desk.now - SHOWN_FOR
    if visit.program in seen:
        since = max(since, datetime.fromisoformat(seen[visit.program]))
    listed = visit.call("list_tasks", query={"limit": str(SHOWN_IN_TRAY)})["data"]
    tasks = [_shown(visit, task) for task in listed if task["ended_at"] is None or task["ended_at"] > since]
    audit = requested_at(visit.desk.conn, visit.desk.program) if visit.desk.may("request_audit") else None
    running = sum(task["is_open"] for task in tasks) + (audit is not None)
    ended = sum(not task["is_open"] for task in tasks)
    words = [Text("{count} under way", count=visit.reader.number(running))] if running else []
    words += [Text("{count} ended", count=visit.reader.number(ended))] if ended else []
    said = " · ".join(visit.say(text) for text in words)
    return {"tasks": tasks, "audit_since": audit, "running": running, "ended": ended, "said": said}


def _list(visit: Visit) -> ListSpec:
    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        task = _shown(visit, row)
        return {
            "id": task["id"],
            "what": linked(task["words"], visit.url("task", task_id=task["id"])),
            "status": task["badge"],
            "asked_at": visit.reader.time(task["asked_at"]),
            "seconds": visit.say(Text("{count} s", count=visit.reader.number(task["seconds"])))
            if task["seconds"] is not None
            else "",
            "result": linked(task["result_words"], task["result_href"]) if task["result_href"] else "",
        }

    return ListSpec(
        name="tasks",
        endpoint="tasks",
        operation="list_tasks",
        columns=_COLUMNS,
        cells=cells,
        empty=(Text("No task yet"), Text("What takes long in a large program is done by a worker and appears here.")),
    )
