"""The pages of the API say what the description says, in both languages, and no script runs in them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from distrib.api.calls.operations import REGISTERED
from distrib.api.http.auth import scope_of
from distrib.api.http.shapes import load_body
from distrib.api.openapi.document import description_of
from distrib.api.openapi.examples import requests
from distrib.api.openapi.pages import CONTEXT, docs_blueprint
from distrib.api.openapi.reading import METHODS, nouns_of, texts_of
from distrib.domain.texts import Text
from distrib.languages import render
from distrib.languages.web import serve_languages

DOCUMENT = description_of("1.2.3")
NOUNS = nouns_of(DOCUMENT)
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if method in METHODS
}
SAME_IN_BOTH = {"SHA-256", "持续经营值"}
PAGES = ["/docs", "/docs/errors", *(f"/docs/calls/{place}" for place in NOUNS)]


@pytest.fixture(scope="module")
def reader() -> FlaskClient:
    app = Flask("pages", static_folder=None)
    serve_languages(app)
    app.register_blueprint(docs_blueprint(lambda: DOCUMENT))
    return app.test_client()


def test_every_call_of_the_description_is_read_with_what_it_takes_and_answers() -> None:
    shown = {(call.method, call.path): call for noun in NOUNS.values() for call in noun.calls}
    assert shown.keys() == OPERATIONS.keys()
    for key, operation in OPERATIONS.items():
        call = shown[key]
        wanted = {parameter["name"] for parameter in operation.get("parameters", [])}
        assert {name for name, *_ in call.parameters} >= wanted, key
        assert [media for media, _ in call.body] == list(operation.get("requestBody", {}).get("content", {})), key
        assert [answer.status for answer in call.answers] == [code for code in operation["responses"] if code < "4"]
        assert call.refusals, key
        assert "Keys of the role" not in " ".join(call.description), key  # a page says that from the two below
        assert (call.roles, call.scope) == (operation["x-roles"], scope_of(call.name)), key
        assert not " ".join(call.description).startswith(call.summary), key


def test_every_body_has_an_example_that_its_shape_takes() -> None:
    with_body = {operation["operationId"] for operation in OPERATIONS.values() if "requestBody" in operation}
    assert with_body == requests().keys()
    for name, example in requests().items():
        for body in example.values() if name == "post_events" else [example]:
            load_body(REGISTERED[name][0].body.schema, body)  # raises where it does not fit


def test_the_chinese_pages_say_the_description_in_chinese_and_the_english_ones_as_it_is(reader: FlaskClient) -> None:
    for noun in NOUNS.values():
        chinese, english = (
            unescape(re.sub("<[^>]+>", "", reader.get(f"/docs/calls/{noun.place}?lang={language}").text))
            for language in ("zh", "en")
        )
        for text in filter(None, texts_of([noun])):
            assert text.replace("`", "") in english
            said = render(Text(text, CONTEXT), "zh")
            assert said.replace("`", "") in chinese
            assert said != text or text in SAME_IN_BOTH, text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_link_of_a_page_leads_nowhere_and_nothing_comes_from_elsewhere(reader: FlaskClient, language: str) -> None:
    texts = {path: reader.get(path, query_string={"lang": language}).text for path in PAGES}
    places = {path: set(re.findall(r'id="([^"]+)"', text)) for path, text in texts.items()}
    for path, text in texts.items():
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in text
        assert "<script" not in text
        assert "style=" not in text
        assert "&lt;a " not in text  # a link that stands there as text
        for link in re.findall(r'href="([^"]+)"', text):
            page, _, place = link.partition("#")
            assert not page.startswith("http"), (path, link)
            assert not place or place in places[page.partition("?")[0] or path], (path, link)


def test_a_page_is_in_the_language_of_the_address_else_of_the_reader(reader: FlaskClient) -> None:
    chinese = reader.get("/docs", headers={"Accept-Language": "zh-CN"}).text
    assert "HTTP 接口" in chinese
    assert "结账将要固定的数字" in chinese
    assert 'href="/docs/calls/payouts"' in chinese
    english = reader.get("/docs?lang=en", headers={"Accept-Language": "zh-CN"}).text
    assert "The HTTP API" in english
    assert 'href="/docs/calls/payouts?lang=en"' in english
    assert reader.get("/docs/calls/nothing").status_code == 404
