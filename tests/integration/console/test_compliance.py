"""Compliance at the console: what was found with its figure and threshold, cases decided by a person, penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from distrib.settings import Settings
from tests.integration.console.conftest import Browser
from tests.world.world import World, chain, open_world

Person = Callable[..., Browser]


@pytest.fixture
def world(settings: Settings, database_url: str, redis_url: str) -> Iterator[World]:
    """A program under the pack of China, a tree of which is one level deeper than it allows."""
    opened = open_world(settings, database_url, redis_url, policy="cn")
    opened.join(*chain("a", "b", "c"))
    yield opened
    opened.container.close()


def test_a_finding_stands_beside_its_threshold_and_source_and_a_case_about_its_tree_is_decided_by_a_person(
    person: Person,
) -> None:
    han = person("han", "compliance")
    listed = han.page("/compliance")
    assert 'level 3<meter min="0" max="4" high="3" value="3"' in listed
    assert "level ≥ 3" in listed
    assert "Nothing fits these filters" in han.page("/compliance?severity=hold")
    assert "The monitors have not run yet" in han.page("/compliance/structure")
    assert han.do("/compliance/runs").status_code == 204
    measured = han.page("/compliance/structure")
    assert "tree of a" in measured
    assert '3<meter min="0"' in measured
    asked = han.do("/compliance/report", language="both")
    report = han.get(asked.headers["HX-Redirect"])
    assert (report.mimetype, report.data[:5]) == ("application/pdf", b"%PDF-")

    opened = han.do("/compliance/cases/new", shop_id="c", reason="too deep")
    assert opened.headers["HX-Redirect"] == "/console/p/test/compliance/cases/1"
    decision = {"decision": "freeze", "decided_by": "Han Mei", "reason": "until we know"}
    han.page("/compliance/cases/1")
    assert han.do("/compliance/cases/1/decide", typed="2", **decision).status_code == 422
    assert han.do("/compliance/cases/1/decide", typed="1", **decision).status_code == 204
    decided = han.page("/compliance/cases/1")
    assert "Han Mei" in decided
    assert "Take back: what is held so far" in decided
    assert "Han Mei: frozen" in han.page("/compliance/cases")


def test_a_penalty_is_recorded_and_withdrawn_with_a_reason_and_readers_do_not_see_it(person: Person) -> None:
    han, vera = person("han", "compliance"), person("vera", "viewer")
    penalty = {"id": "p-1", "shop_id": "a", "kind": "criminal", "decided_on": "2020-01-01", "reason": "a verdict"}
    han.page("/compliance/new-penalty")
    assert han.do("/compliance/new-penalty", **penalty).status_code == 204
    assert "in force" in han.page("/compliance/penalties/p-1")
    assert han.do("/compliance/penalties/p-1/withdraw", typed="p-1", reason="annulled").status_code == 204
    assert "annulled" in han.page("/compliance/penalties/p-1")
    assert "Penalties" not in vera.page("/compliance")
    assert vera.get("/console/p/test/compliance/penalties").status_code == 403
