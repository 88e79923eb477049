"""A post that is decoded in one pass over its bytes says what it says read value by value, or is left to that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from distrib.api.http.json_body import parse_json
from distrib.domain.errors import Refusal
from distrib.domain.events import DecodedEvent
from distrib.services.orders.codec import MAX_EVENTS, are_identifiers, decode_event, decode_line, decode_post, most_keys
from tests.property.orders.test_event_contract import EXAMPLES, NOW, ODD, SETTLED, TEXTS, changed, events, paths_of

NUMERALS = [
    "1e3",
    "1.0",
    "-0",
    "-0.0",
    "1E400",
    "9" * 30,
    "9" * 5_000,
    "NaN",
    "Infinity",
    "01",
    "true",
    "null",
    "[" * 90,
]
"""Numbers and what stands where one should, as they are written."""
SPACES = st.sampled_from(["", "", "", " ", "\t", "\n ", "\r\n", "\x0b", "\xa0"])


def value_by_value(body: bytes) -> tuple[list[DecodedEvent | None], bool] | None:
    """The events of a body as they are read the long way; None where that refuses it as a whole."""
    try:
        value = parse_json(body)
    except Refusal:
        return None
    if not isinstance(value, dict) or "events" not in value:
        return [decode_event(value, NOW)], False
    raws = value["events"]
    if len(value) != 1 or not isinstance(raws, list) or not 1 <= len(raws) <= MAX_EVENTS:
        return None
    return [decode_event(raw, NOW) for raw in raws], True


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as somebody may write it: keys in any order or there twice, spaces, escapes, numbers of any form."""
    if isinstance(value, dict):
        pairs = draw(st.permutations(list(value.items())))
        if pairs and not draw(st.integers(0, 9)):
            key, inner = draw(st.sampled_from(pairs))
            pairs = [*pairs, (key, draw(st.sampled_from([inner, *ODD])))]
        inside = [f"{_text(draw, key)}{draw(SPACES)}:{draw(SPACES)}{draw(written(inner))}" for key, inner in pairs]
        return "{" + ",".join(inside) + draw(SPACES) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(draw(written(inner)) for inner in value) + "]"
    if isinstance(value, str):
        return _text(draw, value)
    if not draw(st.integers(0, 39)):
        return draw(st.sampled_from(NUMERALS))
    return json.dumps(value, default=str)


def _text(draw: st.DrawFn, value: Any) -> str:
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Bodies of posts that are fit, or almost: one event or several, and as many lines of JSON."""
    several = draw(st.lists(events(), min_size=1, max_size=3))
    value: Any = several[0] if len(several) == 1 and draw(st.booleans()) else {"events": several}
    text = draw(written(value))
    return draw(st.sampled_from(["", "", "", "\ufeff", " ", "x"])).encode() + text.encode("utf-8", "surrogatepass")


@given(bodies())
@example(json.dumps({"events": [SETTLED, SETTLED]}).encode())
@example(b'{"id":"e","id":"e","type":"order.cancelled","occurred_at":"2026-03-08T10:00:00Z","order_id":"o"}')
@example(b'{"id":"\\":","type":"order.cancelled","occurred_at":"2026-03-08T10:00:00Z","order_id":"o"}')
@example(b'{"id" :"e","type":"order.cancelled","occurred_at":"2026-03-08T10:00:00Z","order_id":":o","order_id":"o"}')
@example(
    b'{"events":[],"events":[{"id":"e","type":"group.failed","occurred_at":"2026-03-08T10:00:00Z","group_id":"g"}]}'
)
def test_what_one_pass_takes_is_what_is_read_value_by_value(body: bytes) -> None:
    quick = decode_post(body, NOW)
    if quick is not None:
        assert quick == value_by_value(body)
    line = decode_line(body, NOW)
    if line is not None:
        assert ([line], False) == value_by_value(body)


@given(events())
def test_one_pass_takes_every_good_event_as_it_is_usually_written(event: Any) -> None:
    body = json.dumps(event, default=str).encode()
    known = value_by_value(body)
    if known is not None and known[0][0] is not None:
        assert decode_post(body, NOW) == known


def test_every_odd_value_at_every_place_is_judged_as_it_is_value_by_value() -> None:
    for event in EXAMPLES:
        for path in paths_of(event):
            for value in ODD:
                for change in ("put", "add"):
                    body = json.dumps(changed(event, path, change, value), default=str).encode()
                    quick = decode_post(body, NOW)
                    assert quick is None or quick == value_by_value(body), body


def test_a_key_that_is_there_twice_is_never_taken_wherever_it_stands() -> None:
    for event in EXAMPLES:
        for path in paths_of(event):
            if not path or not isinstance(path[-1], str):
                continue
            holder: Any = event
            for step in path[:-1]:
                holder = holder[step]
            pair = f"{json.dumps(path[-1])}: {json.dumps(holder[path[-1]])}"
            body = json.dumps(event).replace(pair, f"{pair}, {pair}", 1).encode()
            assert body.count(pair.encode()) > 1
            assert (decode_post(body, NOW), value_by_value(body)) == (None, None), body


def test_the_examples_of_the_contract_are_all_taken_in_one_pass_compact_or_spaced() -> None:
    for separators in ((",", ":"), (", ", ": ")):
        body = json.dumps({"events": list(EXAMPLES)}, separators=separators, ensure_ascii=False).encode()
        quick = decode_post(body, NOW)
        assert quick is not None
        assert quick == value_by_value(body)
        for event in EXAMPLES:
            assert decode_line(json.dumps(event, separators=separators).encode(), NOW) is not None


@given(st.lists(st.one_of(st.sampled_from([t for t in TEXTS if 0 < len(t) <= 64]), st.text(min_size=1, max_size=64))))
def test_ids_judged_together_are_judged_as_one_by_one(texts: list[str]) -> None:
    assert are_identifiers(texts) == all(are_identifiers([text]) for text in texts)


@given(st.recursive(st.text(':"\\ a\n'), lambda inner: st.dictionaries(st.text(':"\\ a'), inner) | st.lists(inner)))
def test_there_are_never_more_keys_than_are_counted(value: Any) -> None:
    def keys(inner: Any) -> int:
        if isinstance(inner, dict):
            return len(inner) + sum(map(keys, inner.values()))
        return sum(map(keys, inner)) if isinstance(inner, list) else 0

    for separators in ((",", ":"), (" , ", " : ")):
        assert most_keys(json.dumps(value, separators=separators).encode()) >= keys(value)


DIGESTS_OF_BUILD_5A21C2B = {
    "db04b035a6d56db965930432cde96241": {
        "id": "e1",
        "type": "order.settled",
        "occurred_at": "2026-03-08T10:00:00+08:00",
        "order": {
            "id": "o1",
            "shop_id": "s",
            "customer_id": None,
            "currency": "CNY",
            "paid_at": "2026-03-08T01:00:00Z",
            "lines": [
                {
                    "id": "1",
                    "sku": "a",
                    "quantity": 2,
                    "paid_minor": 100,
                    "cost_minor": None,
                    "entry": False,
                    "category": "茶",
                },
                {"id": "2", "sku": "b", "quantity": 1, "paid_minor": 0, "entry": True, "list_minor": 5},
            ],
        },
    },
    "e5f2509ef1b3f8f94029399c7fe5393e": {
        "id": "r",
        "type": "order.refunded",
        "occurred_at": "2026-03-08T10:00:00.123Z",
        "refund": {"id": "r1", "order_id": "o1", "lines": None},
    },
    "7db4b75066e5fce7965c62838a018c1a": {
        "id": "g",
        "type": "group.failed",
        "occurred_at": "2026-03-08T10:00:00Z",
        "group_id": "g",
    },
}


@pytest.mark.parametrize(("digest", "event"), DIGESTS_OF_BUILD_5A21C2B.items(), ids=lambda value: str(value)[:8])
def test_an_event_that_an_earlier_build_kept_is_known_again_by_its_digest(digest: str, event: dict[str, Any]) -> None:
    for decoded in (decode_event(event, NOW), decode_line(json.dumps(event).encode(), NOW)):
        assert decoded is not None
        assert decoded.digest.hex() == digest
