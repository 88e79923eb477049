"""A unit of work ends with its transaction: what keeps it longer reads and writes nothing."""

import pytest
from sqlalchemy.exc import ResourceClosedError

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network.standing import set_status
from distrib.services.statements.months import balance
from tests.world.world import NOW, World, chain


def test_a_unit_that_is_kept_longer_than_its_transaction_reads_and_writes_nothing(world: World) -> None:
    world.join(*chain("a"))
    with world.container.begin() as conn:
        unit = Unit(conn, world.program, COMMAND_LINE, NOW)
    with pytest.raises(ResourceClosedError):
        balance(unit.conn, unit.program, 1, NOW)
    with pytest.raises(ResourceClosedError):
        set_status(unit, "a", "frozen", NOW, "looked into")
    assert [row.status for row in world.rows("SELECT status FROM shops WHERE program_id = :program")] == ["active"]
