"""Seals every program's ledger once a day. How a seal is made is the services' business."""

from __future__ import annotations

import structlog

from distrib.bootstrap import Container
from distrib.services.ledger.seals import programs_to_seal, seal_now
from distrib.services.programs.tenants import get_program

_log = structlog.get_logger(__name__)


def seal_days(container: Container) -> None:
    """Seals what was posted on days that are over, program by program, each in a transaction of its own."""
    with container.begin() as conn:
        programs = [get_program(conn, number) for number in programs_to_seal(conn, container.now())]
    for program in programs:
        with container.begin() as conn:
            seal = seal_now(conn, program, container.now())
        if seal is not None:
            _log.info("sealed", program=program.code, seal=seal["seal_no"], digest=seal["digest"])
