"""Whatever is sent to the plan page, it answers with a page."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from distrib.console import console_blueprint
from distrib.languages.web import serve_languages
from distrib.services.plans.drafts import load_samples
from distrib.services.policies import load_policies
from tests.world.plan_page import RESULT, send

CONFIG = Path(__file__).parents[3] / "config"
SAMPLES = load_samples(CONFIG)
APP = Flask(__name__, static_folder=None)
serve_languages(APP)
APP.register_blueprint(console_blueprint(load_policies(CONFIG), SAMPLES))

FIELDS = (
    "paid",
    "quantity",
    "list",
    "cost",
    "category",
    "sku",
    "channel",
    "entry",
    "self",
    "seller__rank",
    "seller__state",
    "upline-1__rank",
    "upline-2__state",
    "leader__rank",
    "opener__rank",
    "opener__sales",
    "spoken",
    "lang",
)
words = st.sampled_from(["", "0", "1", "12.50", "1,000", "member", "owner", "retail", "inactive", "unmet", "zh", "yes"])
fields = st.dictionaries(st.sampled_from(FIELDS), words | st.text(max_size=8), max_size=8)
scraps = st.sampled_from(["", "- ", ": ", "{", "]", '"', "null", "0.5", "!!binary", "!!set", "&a", "*a", "\n", "\t"])


@st.composite
def mangled_samples(draw: st.DrawFn) -> str:
    """A sample with some of its text replaced."""
    text = draw(st.sampled_from(list(SAMPLES.values())))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(scraps | st.text(max_size=3)) + text[end:]
    return text


@given(mangled_samples() | st.text(max_size=200), fields)
def test_any_text_and_any_order_are_answered_with_a_page(text: str, entered: dict[str, str]) -> None:
    answer = send(APP.test_client(), text, RESULT, **entered)
    assert answer.status_code == 200
    assert 'id="result"' in answer.text
    assert 'id="outcome"' in answer.text
