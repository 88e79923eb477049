"""Checks the text of a plan that nobody has sent yet: every problem with its line, or what a policy pack says of it.

Belongs to no program and keeps nothing; what is wrong with a plan is decided where ``create_plan`` asks too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from distrib.domain.errors import Problem, Refusal
from distrib.domain.plans.plan import Plan, compile_plan
from distrib.domain.policies.policy import Finding, Limits, Policy, combine
from distrib.domain.policies.refusals import PolicyUnknown
from distrib.domain.refusals import TooLarge
from distrib.services.context import Program
from distrib.services.plans.versions import check_document, judge
from distrib.services.yaml_documents import in_file, line_at, read_with_lines, text_of

MAX_CHARACTERS = 32_768
"""Of a draft; the longest sample has 1,600. Reading that many of the slowest YAML takes about a second."""
OPEN = "open"


class Slip(NamedTuple):
    """A problem and the line it stands in; None: the text gives none."""

    line: int | None
    problem: Problem


class Draft(NamedTuple):
    """What became of a text: problems in the order of their lines, or a plan with what the packs say of it."""

    pack: str
    slips: tuple[Slip, ...]
    plan: Plan | None = None
    findings: tuple[Finding, ...] = ()
    limits: Limits | None = None


def check_draft(text: str, pack: str | None, policies: Mapping[str, Policy]) -> Draft:
    """Checks a draft as a program in its own currency, under that pack, would take it.

    Args:
        pack: the program's; if none is chosen the one that the plan names, or else the one that allows all.

    Raises:
        Refusal: ``too_large``, or ``policy_unknown``.
    """
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(limit=f"{MAX_CHARACTERS:,} characters")
    if pack is not None and pack not in policies:
        raise PolicyUnknown(policy=pack)
    try:
        document, lines = read_with_lines(text)
    except Refusal as refusal:
        return Draft(pack or OPEN, tuple(Slip(line_at({}, problem.pointer), problem) for problem in refusal.problems))
    program = _program_of(document, pack, policies)
    problems = check_document(program, policies, document)
    if problems or not isinstance(document, Mapping):
        slips = [Slip(line_at(lines, problem.pointer), problem) for problem in problems]
        return Draft(program.policy, tuple(sorted(slips, key=lambda slip: slip.line or 0)))
    plan = compile_plan(document)
    names = [program.policy, *([plan.policy] if plan.policy else [])]
    limits = combine(*(policies[name] for name in names))
    return Draft(program.policy, (), plan, judge(program, policies, plan), limits)


def _program_of(document: object, pack: str | None, policies: Mapping[str, Policy]) -> Program:
    """Makes up a program that such a plan could be for."""
    given = document if isinstance(document, Mapping) else {}
    currency, named = given.get("currency"), given.get("policy")
    own = named if isinstance(named, str) and named in policies else OPEN
    return Program(0, "", currency if isinstance(currency, str) else "", "UTC", pack or own)


def load_samples(config_dir: Path) -> dict[str, str]:
    """Loads the texts of ``config_dir``/plans by the name of the plan, which is the file's.

    Raises:
        Refusal: ``invalid`` with every file that cannot be read.
    """
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted((config_dir / "plans").glob("*.yaml")):
        try:
            texts[path.stem] = text_of(path)
        except Refusal as refusal:
            problems += in_file(path.name, refusal)
    if problems:
        raise Refusal("invalid", problems)
    return texts
