"""Whoever makes, sets and rotates keys in whatever order: two keys are one person's exactly where hands lead so."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import HealthCheck, example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Connection

from distrib.bootstrap import Container
from distrib.services.context import COMMAND_LINE, Actor, Program, Unit
from distrib.services.programs import key_changes, keys
from distrib.services.programs.keys import KeyDraft, KeyTerms
from distrib.services.programs.persons import is_same_person
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.settings import Settings

NOW = datetime(2026, 4, 2, 4, tzinfo=UTC)
PEPPER = b"pepper"
NOBODY = -1
"""The command line, where the number of a key is drawn."""
numbers = itertools.count(1)
owners, actors = st.sampled_from(("ann", "ben", "carl", "dora")), st.integers(NOBODY, 5)
STEPS = st.one_of(
    st.tuples(st.just("make"), actors, st.just(0), owners),
    st.tuples(st.just("set"), actors, st.integers(0, 5), owners),
    st.tuples(st.just("rotate"), actors, st.integers(0, 5), st.just("")),
)
BEGINNING = [("make", NOBODY, 0, "ann"), ("make", NOBODY, 0, "ben"), ("make", 0, 0, "carl")]


@dataclass
class Held:
    """A key as the model has it: its owners, then and now, and the numbers of the keys that had it in hand."""

    key_id: str
    owners: list[str]
    hands: set[int] = field(default_factory=set)


@dataclass
class Model:
    """Keys by number, and what is done with them, kept as plainly as can be."""

    conn: Connection
    program: Program
    held: list[Held] = field(default_factory=list)

    def do(self, kind: str, by: int, target: int, owner: str) -> None:
        """One step by a key, or by the command line where there is no such key; none on a key that is not there."""
        by = by if by < len(self.held) else NOBODY
        actor = COMMAND_LINE if by == NOBODY else Actor(self.held[by].key_id, "", "admin")
        if kind == "make":
            target = len(self.held)
            terms = KeyTerms(owner)
            key = keys.create_key(
                Unit(self.conn, self.program, actor, NOW), KeyDraft("admin", "n", None, terms=terms), PEPPER
            )
            self.held.append(Held(key.split("_")[1], [owner]))
        elif target >= len(self.held) or (kind == "set" and (target == by or self.held[target].owners[-1] == owner)):
            return
        elif kind == "set":
            key_changes.set_key(Unit(self.conn, self.program, actor, NOW), self.held[target].key_id, {"owner": owner})
            self.held[target].owners.append(owner)
        else:
            key_changes.rotate_key(Unit(self.conn, self.program, actor, NOW), self.held[target].key_id, 0, PEPPER)
        if by not in (NOBODY, target):
            self.held[target].hands.add(by)

    def leading_to(self, number: int) -> set[str]:
        """The owners of a key and of all that had it in hand, by walking from one to the next."""
        seen, waiting = set[int](), [number]
        while waiting:
            number = waiting.pop()
            waiting += [] if number in seen else self.held[number].hands
            seen.add(number)
        return {owner for number in seen for owner in self.held[number].owners}

    def is_same(self, first: int, second: int) -> bool:
        """The rule as docs/programs.md says it."""
        of_first, of_second = set(self.held[first].owners), set(self.held[second].owners)
        return bool(self.leading_to(first) & of_second or self.leading_to(second) & of_first)


@limits(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12))
@example([("make", 2, 0, "dora"), ("set", 3, 0, "ben")])
@example([("rotate", 0, 1, ""), ("rotate", 1, 0, "")])
def test_two_keys_are_of_one_person_exactly_where_hands_lead_so(
    settings: Settings, database_url: str, redis_url: str, steps: list[tuple[str, int, int, str]]
) -> None:
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        code = f"p{next(numbers)}"
        model = Model(
            conn, create_program(conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), NOW, container.policies)
        )
        for step in (*BEGINNING, *steps):
            model.do(*step)
        for first, second in itertools.permutations(range(len(model.held)), 2):
            asked = (model.held[first].key_id, model.held[second].key_id)
            assert is_same_person(conn, model.program, *asked) == model.is_same(first, second)
        conn.rollback()  # nobody called, so that the trail has nothing of what was done
    container.close()
