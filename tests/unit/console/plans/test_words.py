"""The console has words in both languages for everything that a plan can say and an explanation can answer."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

import pytest

from distrib.console.plans import reference, summary_texts
from distrib.console.plans import texts as plan_texts
from distrib.console.plans.summary import plan_summary, title_of
from distrib.domain.plans.conditions import METRICS
from distrib.domain.plans.document import CHOICES, KEYS
from distrib.domain.plans.document_limits import CAP_KEYS
from distrib.domain.plans.document_rules import CHANNELS, WHERE
from distrib.domain.plans.plan import compile_plan
from distrib.domain.plans.rules import PAYS
from distrib.domain.plans.schema_words import WORDS
from distrib.domain.policies.policy import SEVERITIES
from distrib.domain.settlement import seats
from distrib.languages import LANGUAGES, render
from distrib.services.plans import words as plan_words
from distrib.services.plans.trials import SEATS
from tests.unit.domain.plans.test_schema import SOUND

TABLES = {
    "page": plan_texts.TEXTS,
    "summary": summary_texts.TEXTS,
    "reference": reference.TEXTS,
    "reasons": plan_words.REASONS,
    "severities": plan_words.SEVERITIES,
}


def holes(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("name", TABLES)
def test_both_languages_say_the_same_figures(name: str) -> None:
    for text in TABLES[name].values():
        english, chinese = (render(text, language) for language in LANGUAGES)
        assert english.strip()
        assert chinese.strip()
        assert holes(english) == holes(chinese)


def test_whatever_a_plan_may_say_has_words() -> None:
    texts = summary_texts.TEXTS
    choices = {f"{key}.{word}" for key, words in CHOICES.items() for word in words}
    facts = {f"fact.{key}" for key in KEYS if key not in ("code", "title", "rules")}
    assert choices | facts <= set(texts)
    named = {"pay": PAYS, "cap": CAP_KEYS, "metric": METRICS, "channel": CHANNELS, "where": WHERE}
    for prefix, words in named.items():
        assert {f"{prefix}.{word}" for word in words} <= set(texts)
    assert {f"seat.{seat}" for seat in SEATS} | {f"channel.{word}" for word in CHANNELS} <= set(plan_texts.TEXTS)
    assert set(plan_words.SEVERITIES) == set(SEVERITIES)


def test_every_reason_of_an_explanation_has_words() -> None:
    reasons = {value for name, value in vars(seats).items() if name.isupper() and isinstance(value, str)}
    assert {"paid", "no_upline", "rule_cap", "requires_not_met"} <= reasons
    assert reasons - {"seller", "upline", "chain", "leader", "opener"} <= set(plan_words.REASONS)


def test_what_the_schema_says_of_a_key_ends_as_a_sentence_of_its_language() -> None:
    for words in WORDS.values():
        for text in words.values():
            assert render(text, "en").endswith(".")
            assert render(text, "zh").endswith("。")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_plan_that_says_everything_is_put_into_words(language: str) -> None:
    summary = plan_summary(compile_plan(SOUND), language)
    texts = [text for rule in summary.rules for text in (rule.who, *rule.earns, rule.of, rule.lines, *rule.limits)]
    texts += [text for fact in summary.facts for text in (fact.name, fact.text)]
    assert {fact.key for fact in summary.facts} == set(KEYS) - {"code", "title", "rules"}
    assert summary.title == "方案"
    assert all(not re.search(r"[{}]|None", text) for text in texts)


def test_a_rule_is_told_with_its_figures_and_its_limits() -> None:
    document = {
        "code": "a",
        "currency": "CNY",
        "ranks": [{"code": "m"}, {"code": "o"}],
        "rules": [
            {
                "id": "s",
                "pay": "seller",
                "rate": {"m": "0.05", "default": "0.125"},
                "group": "g",
                "where": {"channel": ["community"], "not": {"sku": ["B", "A"]}},
                "requires": {"min_rank": "o", "min_personal_sales_minor": 5, "window_days": 30},
                "cap": {"per_order_minor": 100, "per_customer_minor": 200},
            },
            {"id": "t", "pay": "seller", "amount_minor": 88, "group": "g"},
            {
                "id": "u",
                "pay": "upline",
                "tier": 1,
                "of": {"rule": "s"},
                "slab_mode": "marginal",
                "slabs": [{"from_minor": 0, "rate": "0"}, {"from_minor": 150, "rate": "0.1"}],
            },
            {"id": "r", "pay": "upline", "tier": 1, "of": "remaining", "rate": "0.1", "group": "besides"},
        ],
    }
    seller, piece, upline, rest = plan_summary(compile_plan(document), "en").rules
    assert seller.earns == ("m: 5%", "every other rank: 12.5%")
    assert seller.lines == "channel community (社区团购); not sku A, B"
    assert seller.limits == (
        "whoever has the rank o or a higher one",
        "whoever has own sales of at least 0.05 CNY within 30 days",
        "at most 1.00 CNY an order",
        "at most 2.00 CNY from one customer ever",
        "not together with t: on a line the first that matches is taken",
    )
    assert (piece.earns, piece.of) == (("0.88 CNY a piece",), "")
    assert upline.earns == ("each part at its own slab:", "from 0.00 CNY: 0%", "from 1.50 CNY: 10%")
    assert (upline.of, upline.limits) == ("what the rule s paid on the line", ())
    assert rest.of == "what was paid for the line, less what lower tiers were paid"
    assert rest.limits == ("in addition to the others (group besides)",)


def test_a_rule_says_of_which_customers_it_is_in_both_languages() -> None:
    def lines(where: Mapping[str, object], language: str) -> str:
        rule = {"id": "s", "pay": "seller", "rate": "0.1", "where": where}
        return plan_summary(compile_plan({"code": "a", "currency": "CNY", "rules": [rule]}), language).rules[0].lines

    both = {"customer": "returning", "not": {"customer": {"is": "new", "within_orders": 3, "within_days": 30}}}
    assert lines(both, "en") == (
        "customer returning; not customer new"
        " (new: fewer than 3 earlier orders; the first order paid less than 30 days before)"
    )
    assert lines({"customer": {"is": "new", "within_days": 7}}, "en") == (
        "customer new (new: the first order paid less than 7 days before)"
    )
    assert "老客" in lines(both, "zh")
    assert "此前订单少于 3 个" in lines(both, "zh")


def test_a_title_is_read_in_the_readers_language_or_in_any() -> None:
    def title(given: object, language: str) -> str:
        return title_of(compile_plan({**SOUND, "title": given}), language)

    assert title({"en-GB": "Shop", "zh-CN": "店铺"}, "zh") == "店铺"
    assert title({"en-GB": "Shop", "zh-CN": "店铺"}, "en") == "Shop"
    assert title({"fr": "Boutique"}, "zh") == "Boutique"
    assert title("店", "en") == "店"
