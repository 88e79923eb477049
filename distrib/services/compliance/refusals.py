"""What is refused of cases and of penalties."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class CaseUnknown(NamedRefusal, code="case_unknown", status=404):
    """There is no case of that number."""

    said = Said("There is no case {number}.", "没有案件 {number}。")
    number: int | str


class CaseOpen(NamedRefusal, code="case_open", status=409):
    """One case about a tree, or an organiser, stands at a time."""

    said = Said("A case about {subject} is open.", "{subject} 已有未结案件。")
    subject: str


class CaseDecided(NamedRefusal, code="case_decided", status=409):
    """A decision does not follow upon the one that stands."""

    said = Said("The case is {state}: {decision} does not go with that.", "案件状态为 {state}，不能执行 {decision}。")
    state: str
    decision: str


class OrganiserUnknown(NamedRefusal, code="organiser_unknown", status=404):
    """No shop ever named the organiser."""

    said = Said("No shop names the organiser {id}.", "没有店铺属于组织者 {id}。")
    id: str


class PenaltyUnknown(NamedRefusal, code="penalty_unknown", status=404):
    """There is no penalty of that id."""

    said = Said("There is no penalty {id}.", "没有处罚记录 {id}。")
    id: str


class PenaltyWithdrawn(NamedRefusal, code="penalty_withdrawn", status=409):
    """A penalty is withdrawn once, for one reason."""

    said = Said("The penalty {id} was withdrawn for another reason.", "处罚记录 {id} 已以其他理由撤回。")
    id: str
