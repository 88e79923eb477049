"""What is refused of directories of history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distrib.domain.errors import NamedRefusal, Problem, Said, called


class HistoryUnreadable(NamedRefusal, code="history_unreadable", status=422):
    """The manifest or a file is damaged, or of another release."""

    said = Said("The history cannot be read.", "历史无法读取。")
    problems: Sequence[Problem]


class HistoryUnwritable(NamedRefusal, code="history_unwritable", status=500):
    """The disk does not take it."""

    said = Said("The history cannot be written: {reason}", "历史无法写入：{reason}")
    reason: str


class HistoryBusy(NamedRefusal, code="history_busy", status=409):
    """One export at a time writes to a directory."""

    said = Said("Another export is writing to {directory}.", "另一次导出正在写入 {directory}。")
    directory: Path


class HistoryOfAnother(NamedRefusal, code="history_of_another", status=409):
    """A directory holds the history of one program."""

    said = Said("{directory} holds the history of the program {code}.", "{directory} 中是分销计划 {code} 的历史。")
    directory: Path
    program: str = called(alias="code")


class HistoryWorkerLost(NamedRefusal, code="history_worker_lost", status=500):
    """A process that worked on months is gone."""

    said = Said(
        "A process ended in the middle of its work; nothing is lost: start again.",
        "有进程在计算途中结束；没有丢失任何内容，请重新开始。",
    )


class HistoryTooLittle(NamedRefusal, code="history_too_little", status=422):
    """Of what is asked the files do not know enough."""

    said = Said("Files of history do not tell what is asked.", "历史文件不足以回答所问。")
    problems: Sequence[Problem]
