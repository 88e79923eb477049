"""What an audit asks, step by step: each question for everything at once, or for pages of orders or of shops.

What is at rest is left out where the last audit found it clean: what counts in closed months and is sealed. Of it, the
seals alone are recomputed, which shows every change to a sealed transfer; docs/ledger.md says what they do not show.
No SQL may enter.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from distrib.domain.ledger import CLEARING, EXPENSE, TAX
from distrib.domain.plans.document import DEFAULT_HOLD_DAYS
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.services.audit import closed_months, expected, month_totals, orders
from distrib.services.audit.results import Covers
from distrib.services.context import Program
from distrib.services.ledger.seals import BEFORE_ALL, chain_steps
from distrib.services.steps import Steps, step
from distrib.store.audit import (
    closed,
    held_changes,
    inbox,
    kept,
    lives,
    pages,
    postings,
    proofs,
    running,
    runs,
    trail,
    tree,
    undecided,
)
from distrib.store.audit.customers import EARLIER_ORDERS
from distrib.store.audit.limits import MERGES, RULE_TOTALS
from distrib.store.audit.pages import By, Page
from distrib.store.audit.questions import AuditAnswer, Question, ask, ask_together
from distrib.store.audit.runs import Mark, Rest
from distrib.store.database import Bound

_ANY_LEVEL = 2**31 - 1
_QUESTIONS = (
    *postings.QUESTIONS,
    *inbox.QUESTIONS,
    *tree.QUESTIONS,
    *lives.QUESTIONS,
    RULE_TOTALS,
    EARLIER_ORDERS,
    MERGES,
    *proofs.QUESTIONS,
    *kept.QUESTIONS,
    *trail.QUESTIONS,
    *held_changes.QUESTIONS,
    *undecided.QUESTIONS,
)
_OF_CLOSED = (closed.MATCH, closed.OWNERS, closed.SEQUENCE, closed.LATE)
SEALS = "seals_unbroken"
# What was done in the last hours before an audit may have been committed after it had passed there.
_OVERLAP = timedelta(days=1)


@dataclass(slots=True)
class Asked:
    """What an audit found so far by name of the check, what of it is covered, and what was at rest at its start."""

    covers: Covers
    rest: Rest | None
    answers: dict[str, AuditAnswer] = field(default_factory=dict)

    def add(self, results: Mapping[str, AuditAnswer]) -> None:
        """Adds the results of one step."""
        for name, answer in results.items():
            self.answers[name] = self.answers[name] + answer if name in self.answers else answer


def ask_everything(program: Program, policies: Mapping[str, Policy] | None, *, is_full: bool) -> Steps[Asked]:
    """Asks every question and recomputes every order and digest, of everything or of what is not at rest."""
    mark: Mark | None = None if is_full else (yield from step(runs.last_mark, program_id=program.program_id))
    posting_no = BEFORE_ALL if mark is None else mark.through_posting
    rest = yield from step(runs.rest_of, program_id=program.program_id, posting_no=posting_no)
    covers = Covers(True) if mark is None else Covers(False, mark.as_of, mark.closed_through)
    asked = Asked(covers, rest, {name: AuditAnswer(0, 0, []) for name in _names()})
    bound = _bound(program, policies, covers.closed_through, posting_no)
    periods = yield from step(closed.closed_periods, program_id=program.program_id, after=covers.closed_through)
    questions = (*_QUESTIONS, *(_OF_CLOSED if periods or mark is None else (closed.SEQUENCE, closed.LATE)))
    yield from _whole(asked, [question for question in questions if question.by is By.WHOLE], bound)
    of_orders = [question for question in questions if question.by is By.ORDERS]
    if mark is None:
        yield from _by_range(asked, program, By.ORDERS, of_orders, bound)
    else:
        yield from _by_number(asked, program, mark, of_orders, bound)
    of_shops = [question for question in questions if question.by is By.SHOPS]
    yield from _by_range(asked, program, By.SHOPS, of_shops, bound)
    yield from _expected(asked, program)
    yield from _trail(asked, program)
    asked.add({month_totals.STATEMENTS: (yield from month_totals.statement_steps(program))})
    for period in periods:
        asked.add((yield from step(closed_months.check_digests, program=program, period=period)))
    asked.add({SEALS: (yield from chain_steps(program))})
    return asked


def _names() -> list[str]:
    """The names of all checks, in the order in which they are shown."""
    names = [*running.RUNNING_TOTALS.names, *(question.name for question in _QUESTIONS)]
    names += [*orders.CHECKS, expected.EXPECTED_CHECK, trail.UNBROKEN, month_totals.STATEMENTS]
    names += [question.name for question in _OF_CLOSED]
    return list(dict.fromkeys([*names, closed_months.DIGESTS, SEALS]))


def _whole(asked: Asked, questions: list[Question], bound: Bound) -> Steps[None]:
    for question in questions:
        asked.add({question.name: (yield from step(ask, question=question, bound=bound))})


def _by_range(asked: Asked, program: Program, by: By, questions: list[Question], bound: Bound) -> Steps[None]:
    """Asks page after page beyond the newest order or shop of the start, to the end where no whole page came since.

    So those that keep coming are not run after, and what belongs to no order or shop shows.
    """
    newest: int = yield from step(pages.newest, program_id=program.program_id, by=by)
    plans: dict[int, Plan] = {}
    page = Page(last=pages.FIRST)
    while page.last < pages.LAST and page.last <= newest:
        page = yield from step(pages.page_after, program_id=program.program_id, by=by, after=page.last)
        yield from _page(asked, page, questions, bound)
        if by is By.ORDERS:
            asked.add((yield from step(orders.recompute_orders, program=program, page=page, plans=plans)))
        else:
            asked.add((yield from step(ask_together, questions=running.RUNNING_TOTALS, bound=bound, page=page)))


def _by_number(asked: Asked, program: Program, mark: Mark, questions: list[Question], bound: Bound) -> Steps[None]:
    """Asks for the orders that are not at rest, some at a time."""
    numbers: array[int] = yield from step(
        pages.lively_orders,
        program_id=program.program_id,
        posting_no=mark.through_posting,
        since=mark.as_of - _OVERLAP,
    )
    plans: dict[int, Plan] = {}
    for start in range(0, len(numbers), pages.PAGE_ORDERS):
        page = Page(numbers=numbers[start : start + pages.PAGE_ORDERS])
        yield from _page(asked, page, questions, bound)
        asked.add((yield from step(orders.recompute_orders, program=program, page=page, plans=plans)))


def _page(asked: Asked, page: Page, questions: list[Question], bound: Bound) -> Steps[None]:
    for question in questions:
        asked.add({question.name: (yield from step(ask, question=question, bound=bound, page=page))})


def _expected(asked: Asked, program: Program) -> Steps[None]:
    after: int | None = 0
    while after is not None:
        results, after = yield from step(expected.recompute_expected, program=program, after=after)
        asked.add(results)


def _trail(asked: Asked, program: Program) -> Steps[None]:
    after: int | None = 0
    while after is not None:
        answer, after = yield from step(trail.unbroken_page, program_id=program.program_id, after=after)
        asked.add({trail.UNBROKEN: answer})


def _bound(
    program: Program, policies: Mapping[str, Policy] | None, closed_through: int, posting_no: int
) -> dict[str, object]:
    pack = None if policies is None else policies[program.policy]
    levels = None if pack is None else pack.max_tree_levels
    return {
        "program": program.program_id,
        "time_zone": program.time_zone,
        "closed": closed_through,
        "posting": posting_no,
        "expense": EXPENSE,
        "clearing": CLEARING,
        "tax": TAX,
        "default_hold": DEFAULT_HOLD_DAYS,
        "max_levels": _ANY_LEVEL if levels is None else levels,
    }
