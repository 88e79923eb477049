"""Tasks as they are asked for and shown."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields

from distrib.api.http.auth import STAFF
from distrib.api.schemas.fields import Choice, Identifier, Inner, Instant, PlainText, Shape, Whole
from distrib.api.schemas.lists import page_of
from distrib.api.schemas.visible import Visible, paged, within
from distrib.languages import LANGUAGES
from distrib.services.tasks import STATES

LONG: Final = (
    "propose_close",
    "confirm_close",
    "create_payout",
    "approve_payout",
    "export_statements",
    "set_statuses",
    "get_compliance_report",
    "run_monitors",
)
"""What may be a task: what goes over all shops of a program, or over as many as one call may name."""
_ANY: Final[dict[str, Any]] = {"type": ["object", "null"]}


class TaskDraftSchema(Shape):
    """A call that a worker is to make: as it would be sent, by the name of its operation."""

    operation = Choice(LONG, required=True)
    path = fields.Dict(
        keys=fields.String(), values=PlainText(), load_default=dict, metadata={"description": "the ids of its path"}
    )
    query = fields.Dict(keys=fields.String(), values=PlainText(), load_default=dict)
    body = fields.Raw(load_default=None, metadata={"type": "object", "description": "what would be sent as JSON"})
    language = Choice(
        tuple(LANGUAGES),
        load_default=None,
        metadata={"description": "of a file and a problem; as accepted if not given"},
    )


class TaskFileSchema(Shape):
    """The file that a task made."""

    name = PlainText(required=True)
    media_type = PlainText(required=True)


class TaskSummarySchema(Shape):
    """A call that a worker makes: what was asked, and how far it is."""

    id = Identifier(required=True)
    operation = Choice(LONG, required=True)
    path = fields.Dict(required=True)
    query = fields.Dict(required=True)
    subject = PlainText(required=True, allow_none=True, metadata={"description": "the id that the call is about"})
    status = Choice(STATES, required=True)
    asked_at = Instant(required=True)
    asked_by = PlainText(required=True, metadata={"description": "id of the key"})
    begun_at = Instant(required=True, allow_none=True, metadata={"description": "of the last attempt"})
    ended_at = Instant(required=True, allow_none=True)
    attempts = Whole(low=0, required=True)
    bytes = Whole(low=0, required=True, metadata={"description": "of the file so far"})
    expected_seconds = Whole(
        low=0, required=True, allow_none=True, metadata={"description": "that the last such task took; null: unknown"}
    )
    problem = fields.Dict(
        required=True, allow_none=True, metadata={"description": "why it failed, as the call would have answered"}
    )
    file = Inner(TaskFileSchema, required=True, allow_none=True)
    file_until = Instant(required=True, allow_none=True, metadata={"description": "until when the file is kept"})


class TaskSchema(TaskSummarySchema):
    """A task with what was sent and what was answered."""

    body = fields.Raw(required=True, metadata=_ANY)
    answer = fields.Raw(required=True, metadata={**_ANY, "description": "what the call answered; null of a file"})


TasksPageSchema: Any = page_of(TaskSummarySchema, "TasksPage")

# Who sees what: who asked for a task sees all of it, and nobody else any.
_SUMMARY = (
    "id",
    "operation",
    "path",
    "query",
    "subject",
    "status",
    "asked_at",
    "asked_by",
    "begun_at",
    "ended_at",
    "attempts",
    "bytes",
    "expected_seconds",
    "problem",
    *within("file", ("name", "media_type")),
    "file_until",
)
TASK = Visible(TaskSchema, dict.fromkeys(STAFF, (*_SUMMARY, "body", "answer")))
TASKS = Visible(TasksPageSchema, dict.fromkeys(STAFF, paged(_SUMMARY)))
