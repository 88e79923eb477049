"""The plan page: a draft is checked, put into words and tried on an order. Nothing is stored, so no key is asked for.

Shows what services answer; what is wrong with a plan and what it pays must not be decided here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from distrib.console.frame import asset
from distrib.console.language import NAMES, NO_FORM, Form, Say, answer_page, chosen_language, render_page, speak
from distrib.console.plans.editor import editor_words
from distrib.console.plans.form import BUYERS, SALES, STATES, entered, field_of, read_trial
from distrib.console.plans.outcome import outcome_of
from distrib.console.plans.reference import plan_reference, schema_of_reader
from distrib.console.plans.summary import plan_summary
from distrib.console.plans.texts import TEXTS
from distrib.domain.errors import Refusal
from distrib.domain.plans.document_rules import CHANNELS
from distrib.domain.plans.plan import Plan
from distrib.domain.policies.policy import Policy
from distrib.domain.refusals import TooLarge
from distrib.domain.texts import Text
from distrib.languages import LANGUAGES, render
from distrib.services.plans.drafts import Draft, check_draft
from distrib.services.plans.trials import SEATS, SELLER, try_order
from distrib.services.plans.words import SEVERITIES, schema_for_editors, source_in

MOST_BYTES = 256 * 1024
FIRST_SAMPLE = "two-level-shop"
SWITCH = Text("Show in English", "switch")
"""Said in the language that the page is not in."""
View = dict[str, Any]


class PlanPage:
    """The page, the part of it that changes as its reader types, and the schema that editors ask for."""

    def __init__(self, policies: Mapping[str, Policy], samples: Mapping[str, str]) -> None:
        self._policies, self._samples = policies, samples
        self._schema = json.dumps(schema_for_editors(), ensure_ascii=False, indent=2) + "\n"

    def register(self, blueprint: Blueprint) -> None:
        """Adds the page's routes."""
        blueprint.add_url_rule("/console/plan", "show_plan", self.show)
        blueprint.add_url_rule("/console/plan", "check_plan", self.check, methods=["POST"])
        blueprint.add_url_rule("/console/plan/result", "check_plan_result", self.check_result, methods=["POST"])
        blueprint.add_url_rule("/console/plan.schema.json", "plan_schema", self.schema)

    def show(self) -> Response:
        """Answers the page with a sample in it."""
        name = request.args.get("sample", "")
        text = self._samples.get(name) or self._samples.get(FIRST_SAMPLE, "")
        return self._answer("console/plan.html", {"text": text}, sample=name if name in self._samples else "")

    def check(self) -> Response:
        """Answers the page with what became of the text that was sent."""
        return self._answer("console/plan.html", _sent())

    def check_result(self) -> Response:
        """Answers the part of the page that changes, for the text that was sent."""
        return self._answer("console/plan_result.html", _sent())

    def schema(self) -> Response:
        """Answers ``config/plan.schema.json``, so that an editor anywhere can complete and check by URL.

        With ``lang`` its texts are in that language alone, and each key says in words what it may be: for our editor.
        """
        language = request.args.get("lang")
        text = schema_of_reader(language) if language in LANGUAGES else self._schema
        return Response(text, content_type="application/schema+json")

    def _answer(self, template: str, form: Form | None, sample: str | None = None) -> Response:
        language = chosen_language(form or NO_FORM)
        say = speak(TEXTS, language)
        text = (form or NO_FORM).get("text", "").replace("\r\n", "\n")
        try:
            if form is None:
                raise TooLarge(limit=f"{MOST_BYTES // 1024} KiB")
            draft = check_draft(text, form.get("pack") or None, self._policies)
            view, status = _view(draft, form, say, language), 200
        except Refusal as refusal:
            draft = Draft("", ())
            view, status = (
                _view(draft, NO_FORM, say, language) | {"refusal": render(refusal.text, language)},
                refusal.status,
            )
        other = next(code for code in LANGUAGES if code != language)
        html = render_page(
            template,
            language,
            say=say,
            other=other,
            names=NAMES,
            switch_label=render(SWITCH, other),
            text=text,
            packs=sorted(self._policies),
            pack=(form or NO_FORM).get("pack", ""),
            samples=tuple(self._samples),
            sample=sample,
            is_own=sample is None and text not in self._samples.values(),
            reference=plan_reference(language),
            editor_words=editor_words(language),
            asset=asset,
            **view,
        )
        return answer_page(html, language, form or NO_FORM, status)


def _sent() -> Form | None:
    """Reads the form of this request; None where it is larger than a plan may be."""
    request.max_content_length = MOST_BYTES
    try:
        return request.form
    except RequestEntityTooLarge:
        return None


def _view(draft: Draft, form: Form, say: Say, language: str) -> View:
    values = entered(draft.plan, form)
    view: View = {
        "refusal": None,
        "draft": draft,
        "slips": [(slip.line, slip.problem.pointer, render(slip.problem.detail, language)) for slip in draft.slips],
        "sources": {finding.source: source_in(finding.source, language) for finding in draft.findings},
        "severities": {name: render(words, language) for name, words in SEVERITIES.items()},
        "verdict": _verdict(draft),
        "values": values,
        "channels": CHANNELS,
        "seats": _seats(draft.plan, values),
        "asks_sales": draft.plan is not None and bool(draft.plan.book.on_sales),
        "asks_customer": draft.plan is not None and bool(draft.plan.book.on_customers),
        "buyers": BUYERS,
        "states": STATES,
        "sales": SALES,
        "summary": None,
        "outcome": None,
        "wrong": [],
    }
    if draft.plan is None:
        return view
    return view | {"summary": plan_summary(draft.plan, language)} | _tried(draft, draft.plan, values, say, language)


def _tried(draft: Draft, plan: Plan, values: Mapping[str, str], say: Say, language: str) -> View:
    """Computes what the order comes to, or says why it cannot be computed."""
    trial, wrong = read_trial(plan, values, say)
    if trial is None or draft.limits is None:
        return {"wrong": wrong}
    try:
        earned = try_order(plan, draft.limits, trial)
    except Refusal as refusal:
        return {"wrong": [render(refusal.text, language)]}
    return {"outcome": outcome_of(plan, earned, say, language)}


def _verdict(draft: Draft) -> str:
    """Sums the findings up: what they mean for publishing."""
    severities = {finding.severity for finding in draft.findings}
    return "refused" if "refuse" in severities else "needs_sign_off" if "sign_off" in severities else "may_publish"


def _seats(plan: Plan | None, values: Mapping[str, str]) -> list[View]:
    """Lists each seat with the ranks to choose from: the plan's, or while there is none what stands there."""
    ranks = [] if plan is None else [rank.code for rank in plan.ranks]
    seats = []
    for seat in SEATS:
        chosen = values[field_of(seat, "rank")]
        if plan is None:
            ranks = [chosen] if chosen else []
        elif chosen not in ranks and (chosen or seat == SELLER):
            chosen = plan.lowest_rank
        seats.append(
            {
                "name": seat,
                "ranks": ranks,
                "rank": chosen,
                "may_be_empty": seat != SELLER,
                "state": values[field_of(seat, "state")],
                "sales": values[field_of(seat, "sales")],
            }
        )
    return seats
