"""The one list: filters whose state is the address, columns that a person chooses, keyset pages, ticked rows.

A page says what its list is (`ListSpec`) and what stands in a row; how all of it becomes addresses and words is decided
here. What is listed is the business of the operation behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from distrib.console.frame import Visit, problem_view
from distrib.console.shop_choice import ASKED, ShopChoice, shop_meant
from distrib.domain.errors import Refusal
from distrib.domain.texts import Text
from distrib.languages import render

LIMITS: Final = (20, 50, 100, 200)
DEFAULT_LIMIT: Final = 50
MOST_COUNTED: Final = 1_000
_COUNTED_AT_ONCE: Final = 500
_ALL: Final = "all"
BEGIN, END = "begin", "end"
ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True, slots=True)
class ListFilter:
    """A field of the form above a list.

    Args:
        name: of the operation's parameter.
        options: codes with their words; without any it is typed.
        type: of the input.
        day: ``begin`` or ``end`` where a day is typed and its first instant, or that of the day after, is asked for.
        shops: where a shop is asked for, by its id, name or invite code: what narrows those that are suggested.
    """

    name: str
    label: Text
    options: Sequence[tuple[str, Text | str]] = ()
    type: str = "text"
    hint: str = ""
    day: str = ""
    shops: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column: its name in a row's cells, its heading, how it stands, and by what it can be sorted.

    Args:
        kind: ``text``, ``word`` (never broken), ``money``, ``number`` or ``date``: how its cells stand.
        sort: what the operation's ``sort`` calls it.
        is_fixed: whether it cannot be hidden.
        is_shown: whether it is shown to who chose nothing.
    """

    name: str
    label: Text
    kind: str = "text"
    sort: str = ""
    is_fixed: bool = False
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class ListTab:
    """A filter that is chosen by a click above the list."""

    name: Text
    value: str
    count: int | str | None = None


@dataclass(frozen=True, slots=True)
class BulkActions:
    """What can be done with ticked rows: where the form goes, and its buttons (name, words, tone, question)."""

    endpoint: str
    actions: Sequence[tuple[str, Text, str, Text | None]]
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class ListSpec:
    """What a list is.

    Args:
        name: under which a person's choice of columns is kept.
        endpoint: of its page.
        operation: that answers a page of it.
        cells: what stands in a row, by column, and under ``id`` what a tick stands for where the row has no id.
        kept: parameters of the address that are no filter of the form, such as the tab's.
        path: the ids in the operation's path, and in the page's.
        place: further ids in the page's path alone.
        rows: under which name the operation answers them.
        shops: of a row what holds the id of a shop, whose name then stands beside it.
        unfold: the address of what a row unfolds into.
        unfold_words: what the button says that unfolds a row, at its end; without it an arrow stands at its beginning.
        turns: the operation's order that the list can be turned to; it stands the other way round, the newest first.
        empty: what is said where there is nothing: the title and what to do.
        words_of_count: the message that says how many there are.
    """

    name: str
    endpoint: str
    operation: str
    columns: Sequence[ListColumn]
    cells: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    filters: Sequence[ListFilter] = ()
    tabs: Sequence[ListTab] = ()
    tab_parameter: str = "status"
    kept: Sequence[str] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)
    rows: str = "data"
    bulk: BulkActions | None = None
    shops: Sequence[str] = ()
    unfold: Callable[[Mapping[str, Any]], str] | None = None
    unfold_words: Text | None = None
    export: str = ""
    export_asks: Text | None = None
    turns: str = ""
    empty: tuple[Text, Text] = (Text("Nothing here yet"), Text(""))
    no_match: tuple[Text, Text] = (
        Text("Nothing fits these filters"),
        Text("Take one of them away, or reset them all."),
    )


def list_view(visit: Visit, spec: ListSpec) -> dict[str, Any]:
    """Asks for a page of the list as the address says, and makes of it what the macro ``listing`` shows.

    What the operation answered stands under ``answer``; an empty one where a filter was refused, or where what was
    typed may mean several shops, which then stand there to be chosen from.
    A filter that the operation refuses, or that names what there is not, is said above the list, with the form as it
    was filled in.
    """
    language = visit.reader.language
    asked = _asked(visit, spec)
    choices = _choices(visit, spec, asked)
    asked |= {name: choice.shop_id for name, choice in choices.items()}
    limit = _limit(visit)
    problem: dict[str, Any] | None = None
    answer: Mapping[str, Any] = {spec.rows: [], "next_cursor": None}
    if not any(choice.fits for choice in choices.values()):
        try:
            query = {**_query(visit, spec, asked), "limit": str(limit), "cursor": visit.query.get("cursor", "")}
            answer = visit.desk.call(spec.operation, spec.path, query)
        except Refusal as refusal:
            if refusal.status not in (404, 422) or (refusal.status == 404 and spec.path):
                raise
            problem = problem_view(refusal, language)
    visit.name_shops(row[name] for row in answer[spec.rows] for name in spec.shops)
    chosen = _chosen(visit, spec)
    rows = [_row(spec, row) for row in answer[spec.rows]]
    title, text = spec.no_match if any(asked.values()) or visit.query.get("cursor") else spec.empty
    values = {name: value for name, value in asked.items() if value}
    follows = answer["next_cursor"]
    return {
        "name": spec.name,
        "answer": answer,
        "action": visit.url(spec.endpoint, **spec.place, **spec.path),
        "reset": visit.url(spec.endpoint, **spec.place, **spec.path),
        "filters": [_filter(visit, entry, asked) for entry in spec.filters],
        "kept": [(name, asked[name]) for name in (*spec.kept, *_tab_names(spec)) if asked.get(name)],
        "tabs": [_tab(visit, spec, tab, values) for tab in spec.tabs],
        "problem": problem,
        "choices": [_choice_of_shop(visit, spec, values, *choice) for choice in choices.items() if choice[1].fits],
        "columns": [_column(visit, column, values, spec) for column in spec.columns if column.name in chosen],
        "every_column": [_choice(column, chosen, language) for column in spec.columns],
        "is_roomy": bool(_liked(visit, spec).get("roomy")),
        "rows": rows,
        "unfolds": spec.unfold is not None,
        "unfold_words": render(spec.unfold_words, language) if spec.unfold_words is not None else "",
        "bulk": _bulk(visit, spec, language),
        "turn": _turn(visit, spec, values),
        "export": _address(visit, spec, values, endpoint=spec.export) if spec.export else "",
        "export_asks": render(spec.export_asks, language) if spec.export_asks is not None else "",
        "count_words": _count_words(visit, spec, asked, answer),
        "count_from": _count_from(visit, spec, values, answer),
        "page_words": visit.say(Text("{count} on a page", count=limit)),
        "first": _address(visit, spec, values) if visit.query.get("cursor") else "",
        "next": _address(visit, spec, values, cursor=follows, limit=_given_limit(visit)) if follows else "",
        "empty_title": render(title, language),
        "empty_text": render(text, language),
    }


def _asked(visit: Visit, spec: ListSpec) -> dict[str, str]:
    names = [entry.name for entry in spec.filters] + list(spec.kept) + _tab_names(spec)
    if spec.turns or any(column.sort for column in spec.columns):
        names.append("sort")
    return {name: visit.query.get(name, "").strip() for name in dict.fromkeys(names)}


def asked_of(visit: Visit, spec: ListSpec) -> dict[str, str]:
    """What the list's operation is asked by this address, its page apart."""
    return _query(visit, spec, _asked(visit, spec))


def _query(visit: Visit, spec: ListSpec, asked: Mapping[str, str]) -> dict[str, str]:
    standing = {"sort": f"-{spec.turns}"} if spec.turns and not asked["sort"] else {}
    return {**spec.fixed, **asked, **standing, **_instants(visit, spec, asked)}


def _choices(visit: Visit, spec: ListSpec, asked: Mapping[str, str]) -> dict[str, ShopChoice]:
    """What was typed for a shop, by filter."""
    return {
        entry.name: shop_meant(visit, asked[entry.name], entry.shops)
        for entry in spec.filters
        if entry.shops is not None and asked[entry.name]
    }


def _choice_of_shop(
    visit: Visit, spec: ListSpec, values: Mapping[str, str], name: str, choice: ShopChoice
) -> dict[str, Any]:
    """The shops that may be meant, each with the address of its list."""
    shops = [(words, _address(visit, spec, values, **{name: shop_id})) for shop_id, words in choice.fits]
    return {"typed": choice.shop_id, "shops": shops, "has_more": choice.has_more}


def _turn(visit: Visit, spec: ListSpec, values: Mapping[str, str]) -> tuple[str, str] | None:
    """The address of the list the other way round, and what that is; None of a list that has no other way."""
    if not spec.turns:
        return None
    others = {name: value for name, value in values.items() if name != "sort"}
    if values.get("sort") == spec.turns:
        return _address(visit, spec, others), visit.say(Text("Newest first"))
    return _address(visit, spec, others, sort=spec.turns), visit.say(Text("Oldest first"))


def _instants(visit: Visit, spec: ListSpec, asked: Mapping[str, str]) -> dict[str, str]:
    """The days of filters as instants in the program's time zone; what is no day is left to be refused."""
    instants = {}
    for entry in spec.filters:
        if entry.day and (typed := asked[entry.name]):
            try:
                day = date.fromisoformat(typed)
            except ValueError:
                continue
            day += timedelta(days=1 if entry.day == END else 0)
            instants[entry.name] = datetime.combine(day, time.min, visit.reader.zone).isoformat()
    return instants


def _tab_names(spec: ListSpec) -> list[str]:
    return [spec.tab_parameter] if spec.tabs else []


def _limit(visit: Visit) -> int:
    text = visit.query.get("limit", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) in LIMITS else DEFAULT_LIMIT


def _given_limit(visit: Visit) -> int | None:
    limit = _limit(visit)
    return None if limit == DEFAULT_LIMIT else limit


def _liked(visit: Visit, spec: ListSpec) -> Mapping[str, Any]:
    liked = visit.person.preferences.get(spec.name)
    return liked if isinstance(liked, dict) else {}


def _chosen(visit: Visit, spec: ListSpec) -> set[str]:
    """The names of the columns that the person sees."""
    liked = _liked(visit, spec).get("columns")
    if not isinstance(liked, list):
        return {column.name for column in spec.columns if column.is_shown or column.is_fixed}
    return {column.name for column in spec.columns if column.is_fixed or column.name in liked}


def _row(spec: ListSpec, row: Mapping[str, Any]) -> dict[str, Any]:
    cells = spec.cells(row)
    return {"id": row.get("id", cells.get("id")), "cells": cells, "unfold": spec.unfold(row) if spec.unfold else ""}


def _filter(visit: Visit, entry: ListFilter, asked: Mapping[str, str]) -> dict[str, Any]:
    language = visit.reader.language
    return {
        "name": entry.name,
        "label": render(entry.label, language),
        "value": asked[entry.name],
        "type": entry.type,
        "hint": entry.hint or ("" if entry.shops is None else visit.say(ASKED)),
        "shops": entry.shops,
        "options": [(code, render(words, language)) for code, words in entry.options],
    }


def _tab(visit: Visit, spec: ListSpec, tab: ListTab, values: Mapping[str, str]) -> dict[str, Any]:
    others = {name: value for name, value in values.items() if name != spec.tab_parameter}
    return {
        "name": render(tab.name, visit.reader.language),
        "count": visit.reader.number(tab.count) if isinstance(tab.count, int) else tab.count,
        "is_on": values.get(spec.tab_parameter, "") == tab.value,
        "href": _address(visit, spec, others, **({spec.tab_parameter: tab.value} if tab.value else {})),
    }


def _column(visit: Visit, column: ListColumn, values: Mapping[str, str], spec: ListSpec) -> dict[str, Any]:
    sort = values.get("sort", "")
    is_on = bool(column.sort) and sort.lstrip("-") == column.sort
    direction = (DESCENDING if sort.startswith("-") else ASCENDING) if is_on else ""
    others = {name: value for name, value in values.items() if name != "sort"}
    turned = column.sort if direction == DESCENDING else f"-{column.sort}"
    return {
        "name": column.name,
        "label": render(column.label, visit.reader.language),
        "kind": column.kind,
        "sorted": direction,
        "sort_href": _address(visit, spec, others, sort=turned) if column.sort else "",
    }


def _choice(column: ListColumn, chosen: set[str], language: str) -> dict[str, Any]:
    return {
        "name": column.name,
        "label": render(column.label, language),
        "is_shown": column.name in chosen,
        "is_fixed": column.is_fixed,
    }


def _bulk(visit: Visit, spec: ListSpec, language: str) -> dict[str, Any] | None:
    if spec.bulk is None:
        return None
    return {
        "href": visit.url(spec.bulk.endpoint),
        "reason": render(spec.bulk.reason, language) if spec.bulk.reason is not None else "",
        "actions": [
            {
                "name": name,
                "label": render(words, language),
                "tone": tone,
                "asks": render(asks, language) if asks is not None else "",
            }
            for name, words, tone, asks in spec.bulk.actions
        ],
    }


def _address(visit: Visit, spec: ListSpec, values: Mapping[str, Any], endpoint: str = "", **more: Any) -> str:
    chosen = {name: value for name, value in {**values, **more}.items() if value not in ("", None)}
    return visit.url(endpoint or spec.endpoint, **spec.place, **spec.path, **chosen)


def _count_words(visit: Visit, spec: ListSpec, asked: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    """How many there are: exactly, about, more than so many, or as many as are shown until somebody has counted."""
    count, number = answer.get("count"), visit.reader.number
    if isinstance(count, int):
        if answer.get("count_is_estimate"):
            return visit.say(Text("About {count} in all", count=number(count)))
        return visit.say(Text("{count} in all", count=number(count)))
    if visit.query.get("count") == _ALL and answer["next_cursor"]:
        counted = _counted(visit, spec, asked)
        return visit.say(
            Text("{count} in all", count=number(counted.rows))
            if counted.is_exact
            else Text("More than {count} in all", count=number(counted.rows))
        )
    shown = len(answer[spec.rows])
    if answer["next_cursor"] is None and not visit.query.get("cursor"):
        return visit.say(Text("{count} in all", count=number(shown)))
    return visit.say(Text("{count} shown", count=number(shown)))


def _count_from(visit: Visit, spec: ListSpec, values: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    """Where a page that is shown asks how many there are in all; empty where it knows, or was asked that."""
    is_known = "count" in answer or (answer["next_cursor"] is None and not visit.query.get("cursor"))
    return "" if is_known or visit.query.get("count") == _ALL else _address(visit, spec, values, count=_ALL)


class _Counted(NamedTuple):
    rows: int
    is_exact: bool


def _counted(visit: Visit, spec: ListSpec, asked: Mapping[str, str]) -> _Counted:
    """How many there are, page after page as far as ``MOST_COUNTED``."""
    query, count, cursor = {**_query(visit, spec, asked), "limit": str(_COUNTED_AT_ONCE)}, 0, ""
    while count < MOST_COUNTED:
        answer = visit.desk.call(spec.operation, spec.path, {**query, "cursor": cursor})
        count, cursor = count + len(answer[spec.rows]), answer["next_cursor"]
        if not cursor:
            return _Counted(count, True)
    return _Counted(count, False)


def linked(words: str, address: str) -> Markup:
    """A cell that leads somewhere."""
    return Markup('<a href="{}">{}</a>').format(address, words)
