"""The plan page by itself: its words, its calculator, its reference, in both languages and whatever is sent to it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from distrib.console import console_blueprint
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.languages.web import serve_languages
from distrib.services.plans.drafts import load_samples
from distrib.services.plans.trials import SEATS
from distrib.services.plans.words import schema_for_editors
from distrib.services.policies import load_policies
from tests.world.plan_page import PAGE, PLAIN, RESULT, SLIPS, earned, rows, send, words_of

CONFIG = Path(__file__).parents[4] / "config"
SAMPLES = load_samples(CONFIG)
PACKS = load_policies(CONFIG)


@pytest.fixture
def reader() -> FlaskClient:
    """A browser at a service that is nothing but the console."""
    app = Flask(__name__, static_folder=None)
    serve_languages(app)
    app.register_blueprint(console_blueprint(PACKS, SAMPLES))
    return app.test_client()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping of keys, not null"),
        ("[" * 60, "nested too deeply"),
        ("a: &x [1]\nb: [*x, *x]", "aliases are not allowed"),
        ("code: a\ncode: b", "line 2 line 2, column 1 the key code stands twice"),
        ("a: \x00", "special characters are not allowed"),
        ("a: [", "expected"),
        ("just words", "must be a mapping of keys"),
        ("code: " + "9" * 5_000, "must be 1 to 40 small letters"),
        ("\ufeff" + PLAIN, "The document is sound."),
        (PLAIN.replace("\n", "\r\n"), "The document is sound."),
        (json.dumps({"code": "a", "currency": "JPY", "rules": [{"id": "s", "pay": "seller", "rate": "1"}]}), "sound"),
    ],
)
def test_strange_text_is_answered_in_words(reader: FlaskClient, text: str, words: str) -> None:
    answer = send(reader, text)
    assert answer.status_code == 200
    assert words in words_of(answer)
    assert "Traceback" not in answer.text


def test_a_form_that_is_none_is_an_empty_one(reader: FlaskClient) -> None:
    for body, media_type in ((b"{}", "application/json"), (b"\xff" * 9, "multipart/form-data"), (b"", "text/plain")):
        answer = reader.post(PAGE, data=body, content_type=media_type)
        assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert reader.post(PAGE, data={"text": PLAIN}).status_code == 200
    assert reader.get(RESULT).status_code == 405


def test_an_unknown_pack_is_refused_by_name(reader: FlaskClient) -> None:
    answer = send(reader, PLAIN, pack="<b>mars")
    assert answer.status_code == 422
    assert "There is no policy pack <b>mars." in words_of(answer)
    assert "<b>mars" not in answer.text


def test_what_somebody_writes_is_shown_and_never_run(reader: FlaskClient) -> None:
    evil = "</textarea><script>alert(1)</script>\"'>"
    plan = {
        "code": "a",
        "title": evil,
        "currency": "CNY",
        "declarations": {"organiser": evil},
        "rules": [{"id": "s", "pay": "seller", "rate": "0.1", "where": {"not": {"category": [evil]}}, "group": evil}],
    }
    text = json.dumps(plan)
    fields = dict.fromkeys(("paid", "category", "sku", "channel", "seller__rank", "lang", "spoken", "entry"), evil)
    for page in (send(reader, text), send(reader, text, **fields), send(reader, SLIPS), send(reader, evil)):
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert page.text.count("</textarea>") == 1
    assert evil in html.unescape(send(reader, text).text)


def test_the_language_is_chosen_by_name_then_by_habit_then_by_the_browser(reader: FlaskClient) -> None:
    def language_of(answer: TestResponse) -> str | None:
        return answer.headers["Content-Language"]

    assert language_of(reader.get(PAGE)) == "en"
    assert language_of(reader.get(PAGE, headers={"Accept-Language": "zh-CN,zh;q=0.9"})) == "zh"
    assert language_of(reader.get(PAGE, headers={"Accept-Language": "fr"})) == "en"
    assert "Set-Cookie" not in reader.get(PAGE).headers
    assert language_of(reader.get(f"{PAGE}?lang=xx")) == "en"
    assert language_of(reader.get(f"{PAGE}?lang=zh")) == "zh"
    assert language_of(reader.get(PAGE)) == "zh"
    assert language_of(reader.get("/")) == "zh"
    assert language_of(send(reader, PLAIN, lang="en", spoken="zh")) == "en"
    assert language_of(reader.get("/", headers={"Accept-Language": "zh"})) == "en"
    assert language_of(send(reader, PLAIN, spoken="zh")) == "zh"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_can_be_chosen_and_is_sound(reader: FlaskClient, name: str, language: str) -> None:
    page = reader.get(f"{PAGE}?sample={name}&lang={language}")
    assert page.status_code == 200
    assert SAMPLES[name].rstrip("\n") in html.unescape(page.text)
    assert render(Text("The document is sound."), language) in words_of(page)
    assert f"<option selected>{name}</option>" in page.text
    assert sum(amount != "0.00" for amount in earned(page.text).values()) > 2


def test_a_sample_that_is_none_is_answered_with_the_first(reader: FlaskClient) -> None:
    page = reader.get(f"{PAGE}?sample=../../etc/passwd")
    assert page.status_code == 200
    assert page.text == reader.get(PAGE).text


def test_without_a_choice_the_pack_is_the_one_the_plan_names(reader: FlaskClient) -> None:
    assert "cn@2005-11-01" in words_of(send(reader, SAMPLES["two-level-shop"]))
    assert "open@" in words_of(send(reader, PLAIN))
    looser = words_of(send(reader, SAMPLES["two-level-shop"], pack="cn-strict"))
    assert "policy must not be looser than the program's cn-strict" in looser
    unknown = words_of(send(reader, PLAIN + "policy: mars\n"))
    assert "there is no policy pack mars" in unknown


def keys_of(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key that the schema lists anywhere, with what it says of it."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield from schema["properties"].items()
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from keys_of(part)


@pytest.mark.parametrize(("place", "language"), [(0, "en"), (1, "zh")])
def test_the_reference_holds_every_key_of_the_schema_its_default_and_its_words(
    reader: FlaskClient, place: int, language: str
) -> None:
    page = reader.get(f"{PAGE}?lang={language}").text.split('id="reference"', 1)[1]
    shown = {
        (row[0], row[3]): (row[1], row[2])
        for table in page.split("<table")[1:]
        for row in rows("<table" + table, "<table")
    }
    keys = list(keys_of(schema_for_editors()))
    assert len(keys) > 50
    for key, schema in keys:
        ((label, meaning),) = [entry for entry in shown if entry[0] == key and entry[1] in schema["description"]]
        assert schema["description"].startswith(meaning) is (place == 0)
        values, default = shown[label, meaning]
        assert values
        if "default" in schema:
            assert default == str(schema["default"])
        for word in [word for word in schema.get("enum", ()) if word is not None][:3]:
            assert str(word) in values


def test_the_calculator_says_of_everyone_looked_at_why(reader: FlaskClient) -> None:
    """The worked example of docs/plan.md: rank-differential."""
    chain = ("member", "manager", "director", "owner", "director")
    fields = {f"{seat}__rank": rank for seat, rank in zip(SEATS, chain, strict=False)}
    page = send(
        reader, SAMPLES["rank-differential"], paid="100", **fields, **{"upline-2__state": "inactive"}, spoken="zh"
    ).text
    assert [row[1:] for row in rows(page, '<table class="cards looks">')][1:] == [
        ["销售店铺", "0", "member", "100.00", "5%", "5.00", "5.00", "计佣 paid"],
        ["上线 1", "1", "manager", "100.00", "10%", "10.00", "10.00", "计佣 paid"],
        ["上线 2", "2", "director", "100.00", "0%", "0.00", "0.00", "当时未生效 inactive"],
        ["上线 3", "2", "owner", "100.00", "0%", "0.00", "0.00", "无级差 no_difference"],
        ["上线 4", "3", "director", "100.00", "5%", "5.00", "5.00", "计佣 paid"],
    ]
    assert earned(page)["平台留存"] == "80.00"


def test_the_calculator_shows_what_caps_take(reader: FlaskClient) -> None:
    """The worked example of docs/plan.md: group-buy-opener."""
    page = send(
        reader,
        SAMPLES["group-buy-opener"],
        paid="59.80",
        quantity="2",
        channel="group_buy",
        category="snacks",
        seller__rank="member",
        opener__rank="member",
    ).text
    looks = [(row[0], row[5], row[6], row[7], row[8]) for row in rows(page, '<table class="cards looks">')][1:]
    assert looks == [
        ("group-seller", "6%", "3.59", "3.16", "cap of the order order_cap"),
        ("opener", "–", "10.00", "8.80", "cap of the order order_cap"),
    ]
    assert "An order may pay 11.96 at most." in words_of(send(reader, SAMPLES["group-buy-opener"], paid="59.80"))


def test_the_pack_binds_the_calculator_as_it_binds_orders(reader: FlaskClient) -> None:
    plan = PLAIN + '  - {id: u, pay: upline, tier: 1, rate: "0.4"}\ntiers: 1\n'
    seats = {"seller__rank": "member", "upline-1__rank": "member", "paid": "100"}
    assert earned(send(reader, plan, **seats).text)["Upline 1"] == "40.00"
    strict = send(reader, plan, pack="cn-strict", **seats).text
    assert earned(strict)["Upline 1"] == "0.00"
    assert "beyond the tiers allowed tier_cap" in [row[8] for row in rows(strict, '<table class="cards looks">')]
    entry = send(reader, plan, pack="cn", entry="yes", **seats).text
    assert [row[8].split()[-1] for row in rows(entry, '<table class="cards looks">')][1:] == ["policy", "entry_sku"]


def test_all_that_is_wrong_with_an_order_is_told_at_once(reader: FlaskClient) -> None:
    page = send(reader, PLAIN, paid="1,2", quantity="0", sku="a/b", channel="moon", list="1.001", cost="-1")
    words = words_of(page)
    for field in ("Paid for the line", "Quantity", "SKU", "Channel", "List price, if another", "Cost"):
        assert f"{field}: " in words
    assert 'value="1,2"' in page.text
    margin = PLAIN + "base: margin\n"
    assert "Line 1 has no cost_minor." in words_of(send(reader, margin, paid="5", cost=""))
    assert "行 1 缺少 cost_minor。" in words_of(send(reader, margin, paid="5", cost="", spoken="zh"))


@pytest.mark.parametrize(
    ("currency", "paid", "gets"),
    [("CNY", "1,234.50", "123.45"), ("JPY", "1005", "101"), ("KWD", "1.005", "0.101"), ("CNY", "0", "0.00")],
)
def test_amounts_are_read_and_shown_in_the_plans_currency(
    reader: FlaskClient, currency: str, paid: str, gets: str
) -> None:
    page = send(reader, PLAIN.replace("CNY", currency), paid=paid)
    assert earned(page.text)["Selling shop"] == gets
    assert f"Amounts in {currency}." in words_of(page)


def test_what_was_entered_stays_while_the_document_is_broken(reader: FlaskClient) -> None:
    fields = {"paid": "77", "upline-2__rank": "owner", "upline-2__state": "inactive", "seller__sales": "unmet"}
    page = send(reader, PLAIN + "oops: 1\n", RESULT, **fields).text
    assert 'name="paid" value="77"' in page
    assert '<option selected value="owner">owner</option>' in page
    assert '<option value="inactive" selected>' in page
    assert '<input type="hidden" name="seller.sales" value="unmet">' in page
    assert "As soon as the document is sound" in page


def test_the_customer_is_asked_for_where_a_rule_asks_and_may_be_new_returning_or_not_named(reader: FlaskClient) -> None:
    plan = PLAIN.replace('"0.1"}', '"0.1", where: {customer: returning}}')
    amounts = {"": "0.00", "new": "0.00", "returning": "10.00", "unknown": "0.00", "<b>": "0.00"}
    for customer, amount in amounts.items():
        page = send(reader, plan, paid="100", customer=customer).text
        assert earned(page)["Selling shop"] == amount
        assert '<select name="customer">' in page
        assert "<b>" not in page
    assert 'name="customer" value="returning"' in send(reader, PLAIN, customer="returning").text
    assert '<option value="unknown" selected>未注明</option>' in send(reader, plan, lang="zh", customer="unknown").text


def test_sales_that_a_rule_asks_for_may_be_reached_or_not(reader: FlaskClient) -> None:
    plan = PLAIN.replace('"0.1"}', '"0.1", requires: {min_personal_sales_minor: 100}}')
    assert earned(send(reader, plan, paid="100", seller__sales="met").text)["Selling shop"] == "10.00"
    unmet = send(reader, plan, paid="100", seller__sales="unmet")
    assert earned(unmet.text)["Selling shop"] == "0.00"
    assert "requirements not met requires_not_met" in words_of(unmet)
