"""The plans in config/plans are sound, and each says truly under which policy packs it may be published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.plans.document import check_plan
from distrib.domain.plans.plan import compile_plan
from distrib.services.context import Program
from distrib.services.plans.versions import check_document, judge
from distrib.services.policies import load_policies
from distrib.services.yaml_documents import read_yaml

CONFIG = Path(__file__).parents[4] / "config"
PACKS = load_policies(CONFIG)
SAMPLES = sorted((CONFIG / "plans").glob("*.yaml"))
TRIED = sorted((CONFIG.parent / "docs" / "what-if").glob("*.yaml"))
"""What docs/what-if.md tries on the orders of the demo."""
PLANS = [*SAMPLES, *TRIED]
WAYS = ("free", "sign-off", "refused")


def document_of(path: Path) -> dict[str, Any]:
    document = read_yaml(path.read_text("utf-8"))
    assert isinstance(document, dict)
    return document


def claimed(path: Path) -> dict[str, str]:
    """Pack to what its plan's comment says of it: ``# policy: free open us | sign-off cn | refused cn-strict``."""
    (line,) = re.findall(r"^# policy: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    claims: dict[str, str] = {}
    for part in line.split(" | "):
        way, *packs = part.split()
        assert way in WAYS
        assert packs == sorted(set(packs) - set(claims))
        claims |= dict.fromkeys(packs, way)
    return claims


def way_of(document: dict[str, Any], pack: str) -> str:
    """What becomes of the plan in a program under this pack, by the checks of publishing."""
    program = Program(1, "p", document["currency"], "UTC", pack)
    if check_document(program, PACKS, document):
        return "refused"
    severities = {finding.severity for finding in judge(program, PACKS, compile_plan(document))}
    return "refused" if "refuse" in severities else "sign-off" if "sign_off" in severities else "free"


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_sample_plan_is_sound(path: Path) -> None:
    assert check_plan(document_of(path)) == []


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_sample_plan_says_truly_under_which_packs_it_may_be_published(path: Path) -> None:
    document = document_of(path)
    assert claimed(path) == {pack: way_of(document, pack) for pack in PACKS}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_sample_plan_begins_with_what_it_fits_and_names_its_schema(path: Path) -> None:
    first, *rest = path.read_text("utf-8").splitlines()
    assert first in {f"# yaml-language-server: $schema={way}/plan.schema.json" for way in ("..", "../../config")}
    comment = " ".join(line for line in rest if line.startswith("# ") and not line.startswith("# policy:"))
    assert len(comment) > 100


def test_there_is_a_sample_for_every_kind_of_plan() -> None:
    assert {path.stem for path in TRIED} == {"builders", "flat"}
    assert {path.stem for path in SAMPLES} == {
        "cdnow-demo",
        "community-leader",
        "group-buy-opener",
        "margin",
        "rank-differential",
        "tiered-volume",
        "two-level-shop",
    }
