"""What the API says about a wrong input, in the caller's language alone."""

from __future__ import annotations

from distrib.domain.texts import Text, Wording
from distrib.languages import render, render_both


class CallerText(Text):
    """A text of the API's own, answered in the caller's language; what the services say is answered in both."""

    __slots__ = ()


TEXTS: dict[str, Text] = {
    "required": Text("is required"),
    "required_with": Text("is required beside {other}"),
    "unknown": Text("is not a known key"),
    "null": Text("may not be null"),
    "object": Text("must be an object"),
    "list": Text("must be a list", "api"),
    "text": Text("must be a text"),
    "flag": Text("must be true or false"),
    "whole": Text("must be an integer from {low} to {high}"),
    "length": Text("must have {low} to {high} characters"),
    "surrogate": Text("holds half a character (a lone surrogate)"),
    "control": Text("holds a control character"),
    "identifier": Text(
        "must be 1 to 64 characters without control characters, '/' or spaces at the ends, and not '.' or '..'"
    ),
    "choice": Text("must be one of {choices}"),
    "time": Text("must be an RFC 3339 time with an offset"),
    "day": Text("must be a day like 2026-03-09"),
    "currency": Text("must be an ISO 4217 code"),
    "count": Text("must have {low} to {high} entries"),
    "twice": Text("is there twice"),
    "sum": Text("adds up to more than {high}"),
    "before": Text("must not be after {other}"),
    "future": Text("lies more than five minutes ahead"),
    "not_zero": Text("must not be 0"),
    "not_built": Text("is not built yet"),
    "period": Text("must be a month like 2026-03"),
    "cursor": Text("is not a cursor of this list"),
    "parameter_twice": Text("may be given once"),
    "json_syntax": Text("{what} at character {place}"),
    "json_bom": Text("it begins with a byte order mark (BOM)"),
    "json_utf8": Text("not UTF-8 at byte {place}"),
    "json_constant": Text("{name} is not a JSON number"),
    "json_number": Text("a number is too long"),
    "json_twice": Text("the key {name} is there twice"),
    "no_body": Text("this call takes no body"),
    "key_characters": Text("must be 1 to {high} visible ASCII characters"),
    "fractions": Text("it holds more than {high} fractional numbers"),
    "members": Text("an object has more than {high} keys"),
    "depth": Text("nests deeper than {high} levels"),
    "belongs_elsewhere": Text("does not go with {other}"),
    "attributes": Text("must be texts, integers, true, false or null, at most {high} of them"),
    "either_or": Text("give {one} or {other}, not both"),
    "account_number": Text("must begin with a letter or a digit and hold letters, digits and . @ / ( ) + - only"),
    "of_batches": Text("is asked of whole batches, and this key sees its own lines"),
    "sorted_by": Text("goes with the sort {sorts} only"),
    "either": Text("give {one} or {other}"),
    "no_background": Text("the program has no picture of its own"),
}


def say(key: str, **params: object) -> CallerText:
    """Builds the text of ``key`` with the values of its braces.

    >>> word(say("before", other="occurred_at"), "zh")
    '不得晚于 occurred_at'
    """
    return CallerText(TEXTS[key].message, TEXTS[key].context, **params)


def word(text: Wording, language: str) -> str:
    """Renders what is wrong: in the caller's language, or in both where a service says it."""
    return render(text, language) if isinstance(text, CallerText) else render_both(text)
