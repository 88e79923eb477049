"""Structured logs on standard error. Secrets are never logged; no rule may enter.

A line is one JSON object, whoever logs it: we, gunicorn, RQ, Alembic, warnings, and what ends a thread.
"""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

_STAMPED: list[Processor] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]


def configure_logs(level: str, form: str = "json") -> None:
    """Sends lines to standard error from ``level`` up, ours and the libraries' alike.

    Args:
        level: as Python names it.
        form: ``json``, or ``text`` for people who watch a terminal.
    """
    number = logging.getLevelName(level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_STAMPED,
            structlog.processors.format_exc_info,
            _renderer(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.excepthook = _note_end
    threading.excepthook = _note_end_of_thread


def formatter(form: str) -> logging.Formatter:
    """What turns a line of a library into one like ours, with the name of its logger."""
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_STAMPED],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _renderer(form),
        ],
    )


def _renderer(form: str) -> Processor:
    if form == "text":
        return structlog.dev.ConsoleRenderer(colors=False)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _note_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Says what ended the process, in a line as any other."""
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("distrib").critical("process_ended", exc_info=(kind, error, trace))


def _note_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    """Says what ended a thread."""
    if ended.exc_value is None or issubclass(ended.exc_type, SystemExit):
        return
    name = None if ended.thread is None else ended.thread.name
    cause = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    structlog.get_logger("distrib").error("thread_ended", thread=name, exc_info=cause)
