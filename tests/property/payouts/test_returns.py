"""However often money is paid, comes back and is paid again: the tax withheld is that of what stays paid."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from distrib.bootstrap import Container
from distrib.domain.payouts.withholding import cumulative_tax
from distrib.services.audit import run
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.programs.tenants import ProgramDraft, create_program
from distrib.settings import Settings
from tests.world.documents import PAID
from tests.world.payouts import balance, earn, open_shops, pay, record, with_withholding
from tests.world.world import World

BEGIN = datetime(2026, 4, 2, 4, tzinfo=UTC)
numbers = itertools.count(1)
STEPS = st.one_of(
    st.tuples(st.just("pay"), st.integers(1, 30_000_000)), st.tuples(st.just("return"), st.integers(0, 6))
)


def signed(kind: str, account: int) -> str:
    """The sum of a kind of transfer as one of the program's own accounts sees it."""
    seen = f"CASE WHEN credit_account = {account} THEN amount_minor ELSE -amount_minor END"
    return f"SELECT COALESCE(sum({seen}), 0)::bigint FROM transfers WHERE kind = '{kind}' AND program_id = "


@given(steps=st.lists(STEPS, min_size=2, max_size=8))
@limits(max_examples=12, suppress_health_check=list(HealthCheck))
def test_the_tax_withheld_is_that_of_what_stays_paid(
    settings: Settings, database_url: str, redis_url: str, steps: list[tuple[str, int]]
) -> None:
    container = Container(settings, database_url, redis_url)
    with container.begin() as conn:
        code = f"t-{next(numbers)}"
        program = create_program(
            conn, ProgramDraft(code, "CNY", "Asia/Shanghai", "open"), container.now(), container.policies
        )
    world = with_withholding(open_shops(World(container, program), "a"), "cumulative")
    stays: dict[str, tuple[int, int]] = {}
    now, earned = BEGIN, 0
    for place, (kind, figure) in enumerate(steps):
        now += timedelta(hours=1)
        if kind == "pay":
            earn(world, "a", figure, PAID, f"o{place}")
            earned += figure
            [line] = pay(world, f"b{place}", now)["lines"]
            before = sum(tax for _, tax in stays.values())
            income = sum(amount for amount, _ in stays.values()) + line["amount_minor"]
            assert before + line["tax_minor"] == max(before, cumulative_tax(income, 1))
            stays[f"b{place}"] = (line["amount_minor"], line["tax_minor"])
        elif figure < len(stays):
            name = list(stays)[figure]
            [outcome] = record(world, name, [("a", "returned")], now)
            assert outcome.outcome == "recorded"
            del stays[name]
        net = sum(amount - tax for amount, tax in stays.values())
        amounts = balance(world, "a", now + timedelta(minutes=1))
        assert amounts["paid"] == net
        assert amounts["available"] == earned - sum(amount for amount, _ in stays.values())
        assert world.rows(signed("tax", -3) + str(program.program_id)) == [(sum(tax for _, tax in stays.values()),)]
        assert world.rows(signed("paid", -2) + str(program.program_id)) == [(net,)]
    with container.begin() as conn:
        assert run.run_audit(Unit(conn, world.program, COMMAND_LINE, now + timedelta(days=1)), container.policies).ok
    container.close()
