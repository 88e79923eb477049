"""Questions of what another plan would have paid: asked, looked at, cancelled; the same question has one answer.

No SQL may enter.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.json_values import JsonObject
from distrib.domain.plans.document import canonical_json
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.plans.refusals import PlanInvalid, PlanUnknown
from distrib.domain.policies.policy import Policy
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit
from distrib.services.idempotency import digest_of
from distrib.services.plans.versions import check_document, get_plan
from distrib.services.simulations.refusals import SimulationEnded, SimulationsWaiting, SimulationUnknown
from distrib.services.simulations.replaying import counts_earnings
from distrib.services.simulations.result_views import (
    BeforeView,
    CandidateShown,
    KnownHeadline,
    ProblemView,
    ProgressView,
    SimulationView,
)
from distrib.services.simulations.results import headline_of, kept_result
from distrib.services.simulations.running import AS_WERE, KNOWN, MOST_CANDIDATES, REPLAYED, SimulationQuestion
from distrib.services.simulations.seen import seen_by
from distrib.store.simulations import history
from distrib.store.simulations import kept as rows
from distrib.store.simulations.history import PaidSpan
from distrib.store.simulations.kept import CandidateRow, KeptQuestion, SimulationEnd, SimulationRow

WAITING, RUNNING, DONE, FAILED, CANCELLED = STATES = ("waiting", "running", "done", "failed", "cancelled")
MOST_WAITING: Final = 20
"""Of a program."""
MOST_ATTEMPTS: Final = 3
"""So often is a simulation begun that ends its worker before it is given up."""
MOST_EVENTS: Final = 10_000
"""So many events that came since are counted."""
_ID_BYTES: Final = 8
_NEWEST: Final = 2**62
_REFERENCE: Final = frozenset({"code", "version"})
_STEP: Final = re.compile(r"[^.\[\]]+")
"""A step of a path in a plan document."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: documents, or ``{code, version}`` of versions that are known; on orders paid in a span.

    ``is_single`` says that the plan was given as ``plan``, and not in a list.
    """

    plans: Sequence[object]
    since: datetime
    until: datetime
    refunds: str = KNOWN
    ranks: str = AS_WERE
    ranks_from: datetime | None = None
    is_single: bool = False

    def pointer_of(self, place: int) -> str:
        """Where in the question the plan of a place, counted from 0, stands, as a JSON pointer."""
        return "/plan" if self.is_single else f"/plans/{place}"


def start_simulation(unit: Unit, policies: Mapping[str, Policy], wish: Wish) -> SimulationView:
    """Keeps a question for a worker to answer; the same one, where nothing came since, is the same simulation.

    Raises:
        Refusal: ``plan_invalid``, ``plan_unknown`` or ``invalid`` with all that is wrong, each by a JSON pointer, or
            ``simulations_waiting`` where ``MOST_WAITING`` have not ended.
    """
    conn, program, number = unit.conn, unit.program, unit.program_id
    plans = _plans(conn, program, policies, wish)
    if wish.ranks == REPLAYED:
        check_replayable([compile_plan(json.loads(plan.document)) for plan in plans])
    digest = _digest(wish, plans)
    rows.hold_program(conn, number)
    known = rows.newest_of_question(conn, number, digest, _NEWEST)
    if known is not None and _is_still_so(unit, policies, known):
        return simulation_view(conn, program, known)
    if rows.count_waiting(conn, number) >= MOST_WAITING:
        raise SimulationsWaiting(most=MOST_WAITING)
    asked = KeptQuestion(
        secrets.token_hex(_ID_BYTES),
        wish.since,
        wish.until,
        wish.refunds,
        wish.ranks,
        wish.ranks_from,
        digest,
        unit.actor.key_id,
        unit.actor.person,
    )
    rows.insert_simulation(conn, number, asked, plans, unit.now)
    return get_simulation(conn, program, asked.simulation_id)


def get_simulation(conn: Connection, program: Program, simulation_id: str) -> SimulationView:
    """Reads a simulation: how far it is, then its result; raises ``simulation_unknown``."""
    return simulation_view(conn, program, find_simulation(conn, program, simulation_id))


def cancel_simulation(unit: Unit, simulation_id: str) -> SimulationView:
    """Ends a simulation before it is done; one that was cancelled stays as it is.

    Raises:
        Refusal: ``simulation_unknown``, or ``simulation_ended`` where it was done or failed.
    """
    conn, program = unit.conn, unit.program
    row = find_simulation(conn, program, simulation_id)
    is_ended = rows.end(conn, program.program_id, row.simulation_no, SimulationEnd(CANCELLED), unit.now)
    row = find_simulation(conn, program, simulation_id)
    if not is_ended and row.outcome != CANCELLED:
        raise SimulationEnded(id=simulation_id)
    return simulation_view(conn, program, row)


def find_simulation(conn: Connection, program: Program, simulation_id: str) -> SimulationRow:
    """Reads the row of a simulation; raises ``simulation_unknown``."""
    row = rows.find_simulation(conn, program.program_id, simulation_id)
    if row is None:
        raise SimulationUnknown(id=simulation_id)
    return row


def question_of(conn: Connection, row: SimulationRow) -> SimulationQuestion:
    """The question of a simulation, its plans compiled."""
    plans = rows.plans_of(conn, row.program_id, row.simulation_no)
    compiled = tuple([compile_plan(json.loads(plan.document)) for plan in plans])
    return SimulationQuestion(compiled, PaidSpan(row.since, row.until), row.refunds, row.ranks, row.ranks_from)


def simulation_view(conn: Connection, program: Program, row: SimulationRow) -> SimulationView:
    """A simulation as it is shown: what was asked, how far it is, what it came to, and what came since."""
    plans = rows.plans_of(conn, program.program_id, row.simulation_no)
    return {
        "id": row.simulation_id,
        "status": row.outcome or (WAITING if row.begun_at is None else RUNNING),
        "plans": [_candidate(plan) for plan in plans],
        "from": row.since,
        "to": row.until,
        "refunds": row.refunds,
        "ranks": row.ranks,
        "ranks_from": row.ranks_from,
        "asked_at": row.asked_at,
        "asked_by": row.key_id,
        "begun_at": row.begun_at,
        "ended_at": row.ended_at,
        "attempts": row.attempts,
        "progress": _progress(row),
        "problem": None if row.problem is None else _kept_problem(row.problem),
        "last_event": row.last_event_no,
        "events_since": _events_since(conn, program, row),
        "before": _before(conn, program, row),
        "result": None if row.result is None else kept_result(row.result),
    }


def _candidate(plan: CandidateRow) -> CandidateShown:
    document: JsonObject | None = json.loads(plan.document) if plan.version is None else None
    return {"code": plan.code, "version": plan.version, "document": document}


def _progress(row: SimulationRow) -> ProgressView:
    """How far it is, or was when it ended; of one that was done before that was kept, its orders."""
    done, total = row.orders_done, row.orders_total
    if total is None and row.result is not None:
        done = total = kept_result(row.result)["orders"]
    return {"orders_done": done, "orders_total": total}


def _kept_problem(text: str) -> ProblemView:
    problem: ProblemView = json.loads(text)
    return problem


def headlines_of_document(conn: Connection, program: Program, document: JsonObject) -> list[KnownHeadline]:
    """The few figures of the simulations of a document, the newest by each mode of ranks, the newest first."""
    known = rows.newest_of_plan(conn, program.program_id, _document_digest(canonical_json(document)))
    headlines: list[KnownHeadline] = []
    for number, place in known:
        row = rows.read_simulation(conn, program.program_id, number)
        if row is None or row.result is None:
            continue
        result = kept_result(row.result)
        headlines.append(
            {
                "id": row.simulation_id,
                "from": row.since,
                "to": row.until,
                "ranks": row.ranks,
                "refunds": row.refunds,
                "events_since": _events_since(conn, program, row) or 0,
                **headline_of(result["candidates"][place - 1], result),
            }
        )
    return headlines


def problems_of_wish(wish: Wish) -> list[Problem]:
    """What is wrong with a wish, as far as that is known without history or its plans."""
    problems = []
    if wish.since >= wish.until:
        problems.append(Problem("/to", Text("must be later than from")))
    if not 1 <= len(wish.plans) <= MOST_CANDIDATES:
        problems.append(Problem("/plans", Text("takes 1 to {most} plans", most=MOST_CANDIDATES)))
    if wish.ranks_from is not None and (wish.ranks != REPLAYED or wish.ranks_from > wish.since):
        problems.append(Problem("/ranks_from", Text("goes with ranks: replayed, and is not after from")))
    return problems


def refuse_wrong(of_wish: Sequence[Problem], of_plans: Sequence[Problem]) -> None:
    """Refuses what is wrong, all at once: ``plan_invalid`` where a document is, else ``invalid``."""
    if of_plans:
        raise PlanInvalid(problems=[*of_wish, *of_plans])
    if of_wish:
        raise Refusal("invalid", of_wish)


def check_replayable(plans: Sequence[Plan]) -> None:
    """Checks that no condition reads what shops earn, which a candidate changes; raises ``invalid``."""
    if any(counts_earnings(plan) for plan in plans):
        words = Text("cannot be replayed where a condition reads earned_minor")
        raise Refusal("invalid", [Problem("/ranks", words)])


def _plans(conn: Connection, program: Program, policies: Mapping[str, Policy], wish: Wish) -> list[CandidateRow]:
    """The candidates as they are kept; all that is wrong with the wish and with every plan is told at once."""
    plans: list[CandidateRow] = []
    wrong: list[Problem] = []
    unknown: list[PlanUnknown] = []
    of_wish = problems_of_wish(wish)
    for place, plan in enumerate(wish.plans[:MOST_CANDIDATES]):
        pointer = wish.pointer_of(place)
        if isinstance(plan, Mapping) and plan.keys() == _REFERENCE and isinstance(plan["version"], int):
            try:
                view = get_plan(conn, program, policies, str(plan["code"]), plan["version"])
            except PlanUnknown as refusal:
                unknown.append(refusal)
                of_wish.append(Problem(pointer, refusal.text))
                continue
            plans.append(_row(place + 1, view.document, view.version))
            continue
        wrong_here = problems_of(program, policies, plan, pointer)
        wrong += wrong_here
        if not wrong_here and isinstance(plan, Mapping):
            plans.append(_row(place + 1, plan, None))
    if not wrong and len(unknown) == len(of_wish) > 0:
        raise unknown[0].listing(of_wish)
    refuse_wrong(of_wish, wrong)
    return plans


def problems_of(program: Program, policies: Mapping[str, Policy], document: object, pointer: str) -> list[Problem]:
    """Every problem of a document that is to be tried, by a JSON pointer below that of the document."""
    return [
        Problem(pointer + json_pointer(problem.pointer), problem.detail)
        for problem in check_document(program, policies, document)
    ]


def json_pointer(path: str) -> str:
    """A path in a plan document as a JSON pointer (RFC 6901).

    >>> json_pointer("rules[0].rate"), json_pointer("")
    ('/rules/0/rate', '')
    """
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in _STEP.findall(path))


def _row(place: int, document: Mapping[str, object], version: int | None) -> CandidateRow:
    text = canonical_json(document)
    return CandidateRow(place, str(document["code"]), version, text, _document_digest(text))


def _document_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _digest(wish: Wish, plans: Sequence[CandidateRow]) -> bytes:
    asked = [plan.digest.hex() for plan in plans]
    return digest_of([asked, wish.since, wish.until, wish.refunds, wish.ranks, wish.ranks_from])


def _is_still_so(unit: Unit, policies: Mapping[str, Policy], row: SimulationRow) -> bool:
    """Whether a simulation of the same question answers it now: it has not begun, or nothing came since it saw all."""
    if row.begun_at is None:
        return True
    return row.is_quiet is not False and row.seen == seen_by(unit, policies, row.until)


def _events_since(conn: Connection, program: Program, row: SimulationRow) -> int | None:
    """How many events came since a simulation saw the last one, up to ``MOST_EVENTS``."""
    if row.last_event_no is None:
        return None
    return history.events_since(conn, program.program_id, row.last_event_no, MOST_EVENTS)


def _before(conn: Connection, program: Program, row: SimulationRow) -> BeforeView | None:
    """What the simulation before it of the same question came to, and how many events this one saw more."""
    if row.result is None or row.last_event_no is None:
        return None
    earlier = rows.newest_done(conn, program.program_id, row.digest, row.simulation_no)
    if earlier is None or earlier.result is None or earlier.last_event_no is None:
        return None
    then, now = kept_result(earlier.result), kept_result(row.result)
    seen = history.events_since(conn, program.program_id, earlier.last_event_no, MOST_EVENTS)
    since = history.events_since(conn, program.program_id, row.last_event_no, MOST_EVENTS)
    return {
        "id": earlier.simulation_id,
        "events": seen - since,
        "as_it_was_minor": now["as_it_was"]["cost_minor"] - then["as_it_was"]["cost_minor"],
        "candidates_minor": [
            mine["cost_minor"] - other["cost_minor"]
            for mine, other in zip(now["candidates"], then["candidates"], strict=True)
        ],
    }
