"""Conducts simulations beside live work, for the workers' job and for ``distrib simulate``. No SQL may enter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from distrib.domain.errors import Refusal
from distrib.domain.policies.policy import Policy
from distrib.domain.refusals import Internal
from distrib.loading import apart
from distrib.services.simulations.job import (
    SimulationCancelled,
    SimulationNumber,
    fail_simulation,
    run_simulation,
    waiting_simulations,
)
from distrib.services.simulations.refusals import SimulationGivenUp
from distrib.services.simulations.running import Begin
from distrib.transactions import is_passing

MOST_AT_ONCE = 20
_log = structlog.get_logger(__name__)


def _nothing(_done: int, _total: int) -> None:
    """Tells nobody how far a simulation is."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """Runs simulations.

    Args:
        begin: opens a transaction under the worker's role.
        policies: the policy packs by name.
        clock: the present instant.
    """

    begin: Begin
    policies: Mapping[str, Policy]
    clock: Callable[[], datetime]

    def run_waiting(self) -> int:
        """Runs the simulations that wait, one after the other; returns how many have come to an end."""
        with self.begin() as conn:
            waiting = waiting_simulations(conn, MOST_AT_ONCE)
        return sum(self.run_simulation_now(*simulation) for simulation in waiting)

    def run_simulation_now(self, program_id: int, number: int, progress: Callable[[int, int], None] = _nothing) -> bool:
        """Runs one simulation; False where another has it, it has ended, or the database is in trouble and it waits."""
        log = _log.bind(program_no=program_id, simulation_no=number)
        try:
            with apart():  # what lives already would be walked again and again for the sake of what each block makes
                simulation = SimulationNumber(program_id, number)
                return run_simulation(self.begin, simulation, self.policies, self.clock, progress)
        except SimulationCancelled:
            log.info("simulation_cancelled")
        except SimulationGivenUp as refusal:
            log.error("simulation_given_up")
            self._fail(program_id, number, refusal)
        except Refusal as refusal:
            self._fail(program_id, number, refusal)
        except (DBAPIError, psycopg.Error, PoolExhausted) as error:
            if isinstance(error, PoolExhausted) or is_passing(error):
                log.warning("simulation_waits", error=type(error).__name__)
                return False
            log.error("simulation_failed", exc_info=error)
            self._fail(program_id, number, Internal())
        except Exception as error:
            log.error("simulation_failed", exc_info=error)
            self._fail(program_id, number, Internal())
        return True

    def _fail(self, program_id: int, number: int, refusal: Refusal) -> None:
        problem = json.dumps({"code": refusal.code, "detail": str(refusal.text)}, ensure_ascii=False)
        with self.begin() as conn:
            fail_simulation(conn, program_id, number, problem, self.clock())
