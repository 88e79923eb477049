"""Tasks: long calls that a worker makes, to be asked for, looked at and left."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlalchemy import Connection

from distrib.api.calls.bodies import LIST_BYTES
from distrib.api.calls.operations import Call, Resource, Takes
from distrib.api.calls.tasks import check_wish
from distrib.api.http.answers import Answer, Stream, shown
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.tasks import TASK, TASKS, TaskDraftSchema
from distrib.languages.web import current_language
from distrib.services import tasks as service
from distrib.services.tasks import TaskRow, TaskWish

tasks = Resource("tasks", "Tasks 后台任务: long calls that a worker makes")

_ANY_FILE = "application/octet-stream"


@tasks.operation(
    "POST",
    "/tasks",
    {202: TASK},
    Takes(body=TaskDraftSchema, is_idempotent=True, most_bytes=LIST_BYTES),
    refusals=("tasks_waiting",),
)
def start_task(call: Call) -> Answer:
    """Has a worker make a long call in the name of this key; the same one that has not ended is the same task."""
    body = call.body
    wish = TaskWish(body["operation"], body["path"], body["query"], body["body"])
    check_wish(wish, call.actor)
    language = body["language"] or current_language()
    view, _ = service.start_task(call.unit, wish, language)
    return Answer(shown(view), 202, {"Location": f"/v1/tasks/{view.id}"})


@tasks.operation("GET", "/tasks", {200: TASKS}, Takes(query=PageQuerySchema))
def list_tasks(call: Call) -> Answer:
    """The tasks of whose key asks, the newest first."""
    listing = call.listing(f"tasks {call.actor.person}")
    before = listing.key(call.query["cursor"])
    views, follows = service.list_tasks(call.unit, before, call.query["limit"])
    return Answer(listing.page_by_key(views, follows))


@tasks.operation("GET", "/tasks/<id:task_id>", {200: TASK}, refusals=("task_unknown",))
def get_task(call: Call, task_id: str) -> Answer:
    """One task: how far it is, then what the call answered or why it failed."""
    return Answer(shown(service.get_task(call.unit, task_id)))


@tasks.operation("POST", "/tasks/<id:task_id>/cancel", {200: TASK}, refusals=("task_unknown", "task_ended"))
def cancel_task(call: Call, task_id: str) -> Answer:
    """Ends a task before it is done; what was done of it is undone as a whole."""
    return Answer(shown(service.cancel_task(call.unit, task_id)))


@tasks.operation("GET", "/tasks/<id:task_id>/file", {200: (_ANY_FILE,)}, refusals=("task_unknown", "task_has_no_file"))
def get_task_file(call: Call, task_id: str) -> Stream:
    """The file that a task made, as the call would have answered it."""
    row = service.task_file(call.unit, task_id)
    return Stream(partial(_content, row), row.media_type or _ANY_FILE, row.file_name or task_id)


def _content(row: TaskRow, conn: Connection) -> Iterator[bytes]:
    return service.content_of(conn, row)
