"""What is refused of simulations."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class SimulationUnknown(NamedRefusal, code="simulation_unknown", status=404):
    """There is no simulation of that id."""

    said = Said("There is no simulation {id}.", "没有推演 {id}。")
    id: str


class SimulationEnded(NamedRefusal, code="simulation_ended", status=409):
    """What is done or has failed is not cancelled."""

    said = Said("The simulation {id} has ended.", "推演 {id} 已经结束。")
    id: str


class SimulationNotDone(NamedRefusal, code="simulation_not_done", status=409):
    """The orders behind figures are there when the figures are."""

    said = Said("The simulation {id} is not done.", "推演 {id} 尚未完成。")
    id: str


class SimulationGivenUp(NamedRefusal, code="simulation_given_up", status=500):
    """A simulation ended its worker each time that it was begun."""

    said = Said(
        "The simulation ended its worker time and again, and was given up.", "这次推演一再使工作进程终止，已放弃。"
    )


class SimulationsWaiting(NamedRefusal, code="simulations_waiting", status=409):
    """As many simulations of a program wait as may wait."""

    said = Said(
        "{most} simulations wait already; cancel one, or wait for one to end.",
        "已有 {most} 个推演在等待；请取消一个，或等其中一个结束。",
    )
    most: int
