"""Seals every program's ledger once a day. How a seal is made is the services' business."""

from __future__ import annotations

from functools import partial

import structlog

from distrib.bootstrap import Container
from distrib.services.context import SERVICE, Program, Unit
from distrib.services.ledger.seals import programs_to_seal, seal_now
from workers.each_program import each_program

_log = structlog.get_logger(__name__)


def seal_days(container: Container) -> None:
    """Seals what was posted on days that are over."""
    each_program(container, programs_to_seal, partial(_seal, container))


def _seal(container: Container, program: Program) -> None:
    with container.begin() as conn:
        seal = seal_now(Unit(conn, program, SERVICE, container.now()))
    if seal is not None:
        _log.info("sealed", program=program.code, seal=seal.seal_no, digest=seal.digest)
