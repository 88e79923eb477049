"""The plan page of the real app, without a key: what it says is what the command line, the API and the engine say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from distrib.api.openapi.pages import POLICY
from distrib.cli.plans.problems import show_problems
from distrib.console.plans.page import MOST_BYTES
from distrib.console.plans.texts import TEXTS
from distrib.domain.amounts import show_amount
from distrib.domain.plans.document import check_plan
from distrib.domain.plans.plan import compile_plan
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.services.plans.drafts import MAX_CHARACTERS
from distrib.services.plans.words import source_in
from distrib.services.yaml_documents import read_with_lines, read_yaml
from tests.world.api import Api
from tests.world.plan_page import PAGE, PLAIN, RESULT, SLIPS, earned, send, words_of

ROOT = Path(__file__).parents[3]
DIFFERENTIAL = (ROOT / "config" / "plans" / "rank-differential.yaml").read_text("utf-8")
CASES = [json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "tests" / "cases").glob("*.json"))]
WITHOUT_AFTERMATH = [case for case in CASES if not case["refunds"] and not case["plan"].get("pools")]
OF_ONE_LINE = [case for case in WITHOUT_AFTERMATH if [len(order["lines"]) for order in case["orders"]] == [1]]


@pytest.fixture
def reader(api: Api) -> FlaskClient:
    """A browser without a key."""
    return api.app.test_client()


def test_a_bad_plan_is_told_every_problem_as_plan_check_prints_it(
    reader: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    document, lines = read_with_lines(SLIPS)
    problems = check_plan(document, currency="CNY")
    show_problems("plan.yaml", problems, lines)
    printed = capsys.readouterr().out.splitlines()
    assert len(problems) == 5
    for place, language in enumerate(("en", "zh")):
        for path in (PAGE, RESULT):
            words = words_of(send(reader, SLIPS, path, spoken=language))
            assert render(Text("{count} problems", count=5), language) in words
            for head, *bilingual in zip(printed[0::3], printed[1::3], printed[2::3], strict=False):
                number, pointer = head.removeprefix("plan.yaml:").split(": ")
                line = render(Text("line {number}", number=number), language)
                assert f"{line} {pointer} {bilingual[place].strip()}" in words


def test_a_text_past_the_bounds_is_one_clear_error(reader: FlaskClient) -> None:
    for path in (PAGE, RESULT):
        many = send(reader, "#" * (MAX_CHARACTERS + 1), path)
        huge = send(reader, "#" * MOST_BYTES, path)
        assert (many.status_code, huge.status_code) == (413, 413)
        assert "The request is larger than 32,768 characters." in words_of(many)
        assert "The request is larger than 256 KiB." in words_of(huge)
        assert send(reader, "#" * MAX_CHARACTERS, path).status_code == 200


def test_the_page_runs_nothing_but_its_own_file_and_is_kept_nowhere(reader: FlaskClient) -> None:
    for answer in (reader.get(PAGE), send(reader, PLAIN), send(reader, PLAIN, RESULT)):
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        assert {"Accept-Language", "Cookie"} <= set(answer.vary)
        assert "style=" not in answer.text
        assert not re.search(r"<script(?! src=\"/console/static/)|\son\w+=|https?:", answer.text)
    for name in re.findall(r'(?:src|href)="(/console/static/[^"]+)"', reader.get(PAGE).text):
        assert reader.get(name, buffered=True).status_code == 200


def test_the_landing_page_leads_to_the_plan_page(reader: FlaskClient) -> None:
    assert f'href="{PAGE}"' in reader.get("/").text


def test_a_pack_finds_what_it_finds_in_a_plan_that_is_sent(api: Api, reader: FlaskClient) -> None:
    text = DIFFERENTIAL.replace("USD", "CNY")
    for pack, policy in api.world.container.policies.items():
        caller = api.caller(program=api.other_program(f"under-{pack}", policy=pack))
        findings = caller.post("/v1/plans", read_yaml(text))["findings"]
        words = words_of(send(reader, text, pack=pack, spoken="en"))
        assert policy.version in words
        for finding in findings:
            values = (finding["id"], finding["figure"], finding["threshold"], finding["source"], finding["detail_en"])
            assert all(" ".join(value.split()) in words for value in values)
            chinese = words_of(send(reader, text, pack=pack, spoken="zh"))
            assert source_in(finding["source"], "zh") in chinese
        severities = {finding["severity"] for finding in findings}
        worst = next((severity for severity in ("refuse", "sign_off") if severity in severities), None)
        verdict = {"refuse": "refused", "sign_off": "needs_sign_off", None: "may_publish"}[worst]
        assert str(TEXTS[verdict]) in words


def test_the_schema_is_served_byte_for_byte_to_whoever_asks(reader: FlaskClient) -> None:
    answer = reader.get("/console/plan.schema.json")
    assert answer.status_code == 200
    assert answer.mimetype == "application/schema+json"
    assert answer.data == (ROOT / "config" / "plan.schema.json").read_bytes()


def fields_of(case: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """A published case as somebody enters it, and which shop sits where."""
    plan, order = compile_plan(case["plan"]), case["orders"][0]
    line, sponsors = order["lines"][0], dict(case["shops"])
    chain, shop = [], order["shop_id"]
    while shop is not None:
        chain.append(shop)
        shop = sponsors[shop]
    seats = ["seller", *(f"upline-{number}" for number in range(1, 5))]
    assert len(chain) <= len(seats)
    fields = {f"{seat}__rank": "" for seat in seats}
    for seat, shop in zip(seats, chain, strict=False):
        fields[f"{seat}__rank"] = case["ranks"].get(shop, plan.lowest_rank)
        fields[f"{seat}__state"] = "active" if case.get("statuses", {}).get(shop, "active") == "active" else "inactive"
    fields |= {"quantity": str(line["quantity"]), "sku": line["sku"], "category": line.get("category") or ""}
    fields |= {"channel": order.get("channel", "retail"), "paid": show_amount(line["paid_minor"], plan.currency)}
    fields["list"] = show_amount(line.get("list_minor"), plan.currency)
    return fields | ({"self": "yes"} if order["customer_id"] == order["shop_id"] else {}), chain


def test_the_calculator_pays_what_the_published_cases_say(reader: FlaskClient) -> None:
    assert len(OF_ONE_LINE) >= 18
    names = ["Selling shop", *(f"Upline {number}" for number in range(1, 5))]
    for case in OF_ONE_LINE:
        fields, chain = fields_of(case)
        amounts = earned(send(reader, json.dumps(case["plan"]), spoken="en", **fields).text)
        figures = {shop: amounts[name] for name, shop in zip(names, chain, strict=False)}
        currency = case["plan"]["currency"]
        assert figures == {shop: show_amount(case["expect"].get(shop, 0), currency) for shop in chain}, case["name"]
        assert amounts["All commissions"] == show_amount(sum(case["expect"].values()), currency)
