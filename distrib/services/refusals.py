"""What is refused of what has no room of its own: months, changes that wait, tasks, imports, keys of calls."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class PeriodInvalid(NamedRefusal, code="period_invalid", status=422):
    """A month is written in one way."""

    said = Said("{period} is not a month like 2026-03.", "{period} 不是形如 2026-03 的账期。")
    period: str


class PeriodNotOver(NamedRefusal, code="period_not_over", status=409):
    """What counts a month waits for its end."""

    said = Said("{period} is not over yet.", "账期 {period} 尚未结束。")
    period: str


class EventsPending(NamedRefusal, code="events_pending", status=409):
    """Figures of a month wait until all that came in is worked on."""

    said = Said(
        "{events} accepted events of the period or before are still to be worked on.",
        "该账期及以前还有 {events} 个已接收的事件待处理。",
    )
    events: int | str


class EvaluationInSequence(NamedRefusal, code="evaluation_in_sequence", status=409):
    """A month is evaluated after the one before it."""

    said = Said("Months are evaluated in sequence: {next} comes next.", "月份须依次考核，下一个是 {next}。")
    next: str


class ChangeUnknown(NamedRefusal, code="change_unknown", status=404):
    """Nothing waits that could be withdrawn or confirmed."""

    said = Said("No change waits.", "没有待生效的变更。")


class ChangeInForce(NamedRefusal, code="change_in_force", status=409):
    """What is in force is not withdrawn."""

    said = Said("The change is in force: propose another one.", "变更已生效：请另提一项变更。")


class TaskUnknown(NamedRefusal, code="task_unknown", status=404):
    """There is no task of that id, or none of whoever asks."""

    said = Said("There is no task {id}.", "没有任务 {id}。")
    id: str


class TaskEnded(NamedRefusal, code="task_ended", status=409):
    """What has ended is not cancelled."""

    said = Said("The task {id} has ended.", "任务 {id} 已结束。")
    id: str


class TasksWaiting(NamedRefusal, code="tasks_waiting", status=409):
    """Whoever asks has as many tasks under way as may be."""

    said = Said(
        "{most} of your tasks have not ended; start another once one has.",
        "您有 {most} 个任务尚未结束；请等其中一个结束后再提交。",
    )
    most: int


class TaskHasNoFile(NamedRefusal, code="task_has_no_file", status=404):
    """A task made no file, or it was removed since."""

    said = Said("The task {id} has no file, or has it no more.", "任务 {id} 没有文件，或文件已不再保留。")
    id: str


class TaskGivenUp(NamedRefusal, code="task_given_up", status=503):
    """A task ended its worker each time that it was begun."""

    said = Said(
        "It was begun {attempts} times and came to no end; start it again.",
        "已开始 {attempts} 次仍未完成，请重新提交。",
    )
    attempts: int


class ImportRefused(NamedRefusal, code="import_refused", status=422):
    """Rows of an import do not fit."""

    said = Said("{rows} rows were refused.", "{rows} 行被拒绝。")
    rows: int


class IdempotencyKeyReused(NamedRefusal, code="idempotency_key_reused", status=422):
    """A key of a call stands for the content that it came with first."""

    said = Said("The Idempotency-Key was used with other content.", "该 Idempotency-Key 已用于其他内容。")
