"""Whoever watches finds every figure in the reference; alerts and dashboard ask for figures that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from distrib.api.calls.prometheus import ASKED, Metrics

ROOT = Path(__file__).resolve().parents[3]
SECTION = "## Figures of the service, for Prometheus"
ROW = re.compile(r"^\| `(\w+)(?:\{([\w,]+)\})?` \| ([^|]+) \| (counter|gauge|histogram) \| .+ \|$", re.MULTILINE)
ALERTS = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text("utf-8"))
DASHBOARD = json.loads((ROOT / "deploy" / "dashboard.json").read_text("utf-8"))


def answered() -> dict[str, tuple[str, set[str]]]:
    """Each figure of an answer, as it is called and of which type, with the names of its labels."""
    metrics = Metrics()
    metrics.count_request("GET", "/v1/shops", 200, 0.01)
    metrics.count_events("accepted", 1)
    labelled = {name: {"x": 1.0} for name, asked in ASKED.items() if asked.label is not None}
    told = metrics.exposition({name: labelled.get(name, 1) for name in ASKED}).decode()
    families = text_string_to_metric_families(told)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in families
        if not family.name.endswith("_created")  # which a service of several processes does not answer
    }


def test_the_reference_has_every_figure_that_is_answered_and_no_other() -> None:
    section = (ROOT / "docs" / "metrics.md").read_text("utf-8").partition(SECTION)[2]
    rows = ROW.findall(section)
    described = {name: (kind, set(labels.split(",")) - {""}) for name, labels, _, kind in rows}
    assert len(described) == len(rows)
    assert described == answered()


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the alerts and of the dashboard, with where it stands."""
    for rule in ALERTS["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_an_expression_is_promql_and_names_figures_and_labels_that_there_are(where: str, expression: str) -> None:
    promql_parser.parse(expression)
    known = answered()
    series = known.keys() | {
        f"{name}_{part}"
        for name, (kind, _) in known.items()
        if kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    named = set(re.findall(r"\bdistrib_\w+", expression))
    assert named, where
    assert named <= series
    labels = {"le", *(label for _, own in known.values() for label in own)}
    by = re.findall(r"by \(([^)]*)\)", expression) + re.findall(r"\{(\w+)=", expression)
    assert {label.strip() for names in by for label in names.split(",")} <= labels


def test_every_alert_says_how_grave_it_is_and_what_to_do_in_both_languages() -> None:
    rules: list[dict[str, Any]] = ALERTS["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        said = rule["annotations"]
        assert re.search(r"[\u4e00-\u9fff]", said["summary_zh"])
        assert said["summary"]
        assert said["description"]


def test_the_dashboard_shows_every_figure_in_panels_that_do_not_overlap() -> None:
    shown = " ".join(expression for _, expression in expressions())
    assert [name for name in answered() if name not in shown] == []
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
