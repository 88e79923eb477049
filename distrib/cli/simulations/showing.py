"""The result of a simulation, or of a check, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console

from distrib.cli.output import open_console, print_line, print_table, time_text
from distrib.domain.amounts import show_amount, show_percent
from distrib.domain.money import PPM
from distrib.domain.texts import Text
from distrib.languages import render

_WORDS = {
    "title": Text("{plan}: orders paid from {since} to {until}, {currency}"),
    "below": Text("Below each amount under a plan stands its difference from what was."),
    "orders": Text("{orders:,} orders, sales {sales} net of {refunded} that came back"),
    "figure": Text("figure"),
    "then": Text("as it was"),
    "now": Text("under the plan"),
    "difference": Text("difference"),
    "cost": Text("cost"),
    "earned": Text("earned"),
    "reversed": Text("taken back"),
    "pools": Text("pools", "amount"),
    "share": Text("share of sales"),
    "month": Text("month"),
    "rule": Text("rule"),
    "tier": Text("tier"),
    "rank": Text("rank"),
    "channel": Text("channel"),
    "none": Text("(pools)"),
    "cap": Text("cap"),
    "caps": Text("Orders that meet a cap"),
    "count": Text("orders"),
    "took": Text("what it took"),
    "failures": Text("Orders that would fail"),
    "reason": Text("reason"),
    "paid": Text("paid amount"),
    "releases": Text("Money held, by day of release: {days:,} days, from {first} to {last}"),
    "shop": Text("shop"),
    "gain_most": Text("Shops that gain most"),
    "lose_most": Text("Shops that lose most"),
    "spread": Text(
        "{shops:,} shops: {gaining:,} gain {gained}, {losing:,} lose {lost}, {unchanged:,} stay;"
        " {to_zero:,} go to zero."
    ),
    "top": Text("Of all gains the top hundredth of the shops get {hundredth}, the top tenth {tenth}."),
    "quantiles": Text("Differences of the shops: so large a share differ by at most so much"),
    "share_of_shops": Text("share"),
    "day": Text("day"),
    "place": Text("no."),
    "finding": Text("{severity} {id}: {detail} ({figure}; threshold {threshold})"),
    "since": Text("Seen up to event {event}; {more:,} events came since."),
    "files": Text("From the files of {directory}, as of {at}: up to event {event}."),
    "before": Text("Since simulation {id}: {events:,} events more, as it was {change}."),
    "checked": Text(
        "{differences:,} differences over {orders:,} orders ({rows:,} rows, {pools:,} pools,"
        " {ranks:,} changes of rank)."
    ),
    "again": Text(
        "{simulated:,} orders simulated as under a candidate; {in_another_order:,} of them come to something else in"
        " the order of settlement than in which they came in, for others decide about them."
    ),
    "first": Text("The first of the differences"),
    "order": Text("order"),
    "what": Text("what"),
    "content": Text("row"),
}
_BY = ("month", "rule", "tier", "rank", "channel")
_IN_TIME = ("month", "day")
_PAIR = ("now", "difference")
_AROUND: Final = 3
"""Of each column of a table: what stands around its cells."""


def show_result(view: Mapping[str, Any], language: str, console: Console | None = None) -> None:
    """Prints a simulation that is done; on standard output where no console is given."""
    _Shown(view, language, console or open_console()).show()


def show_check(view: Mapping[str, Any], language: str) -> None:
    """Prints what a check came to."""
    console = open_console()

    def say(word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), language)

    print_line(
        console, say("checked", **{name: view[name] for name in ("differences", "orders", "rows", "pools", "ranks")})
    )
    print_line(console, say("again", **{name: view[name] for name in ("simulated", "in_another_order")}))
    if view["first"]:
        rows = [
            [row.pop("order_id", row.get("pool")), row.pop("what"), _content(row)] for row in map(dict, view["first"])
        ]
        print_table(console, say("first"), {say(name): False for name in ("order", "what", "content")}, rows)


def _content(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


class _Row(NamedTuple):
    """A row of a table: what it is of, as it was (None where that is nothing), and of each candidate its cells."""

    label: object
    then: str | None
    cells: Sequence[Sequence[str]]


class _Shown:
    """Prints one simulation: candidates side by side, as many beside each other as fit, and their cells below another.

    A single candidate has a column for each of its cells.
    """

    def __init__(self, view: Mapping[str, Any], language: str, console: Console) -> None:
        self._view, self._result, self._language = view, view["result"], language
        self._currency: str = self._result["currency"]
        self._candidates: Sequence[Mapping[str, Any]] = self._result["candidates"]
        self._names = [f"{place} {candidate['plan']}" for place, candidate in enumerate(self._candidates, 1)]
        self._console = console

    def show(self) -> None:
        """Prints what was asked, every table, and what came since."""
        view, result = self._view, self._result
        plans = ", ".join(candidate["plan"] for candidate in self._candidates)
        since, until = time_text(view["from"]), time_text(view["to"])
        self._line("title", plan=plans, currency=self._currency, since=since, until=until)
        if len(self._candidates) > 1:
            self._line("below")
        self._table("", "figure", _PAIR, self._figures())
        self._line(
            "orders",
            orders=result["orders"],
            sales=self._amount(result["sales_minor"]),
            refunded=self._amount(result["refunded_minor"]),
        )
        for name in _BY:
            self._table("", name, _PAIR, self._broken_down(f"by_{name}", name))
        self._show_releases()
        self._show_orders()
        self._show_shops()
        self._show_findings()
        if "history" in view:
            self._line("files", directory=view["history"], at=view["exported_at"], event=view["last_event"])
            return
        self._line("since", event=view["last_event"], more=view["events_since"])
        if view["before"]:
            before = view["before"]
            self._line(
                "before", id=before["id"], events=before["events"], change=self._amount(before["as_it_was_minor"])
            )

    def _figures(self) -> list[_Row]:
        was = self._result["as_it_was"]
        rows = [
            _Row(
                self._say(name),
                self._amount(was[f"{name}_minor"]),
                [self._now(was[f"{name}_minor"], side[f"{name}_minor"]) for side in self._candidates],
            )
            for name in ("cost", "earned", "reversed", "pools")
        ]
        shares = [(_percent(side["share_of_sales"]), "") for side in self._candidates]
        return [*rows, _Row(self._say("share"), _percent(was["share_of_sales"]), shares)]

    def _broken_down(self, by: str, name: str) -> list[_Row]:
        """What is told apart by a key: those keys of all candidates, days and months in the order of time."""
        by_candidate = [{row[name]: row for row in candidate[by]} for candidate in self._candidates]
        keys = list(dict.fromkeys(key for of_candidate in by_candidate for key in of_candidate))
        rows = []
        for key in sorted(keys) if name in _IN_TIME else keys:
            then = next(of_candidate[key]["then_minor"] for of_candidate in by_candidate if key in of_candidate)
            now = [
                self._now(then, of_candidate[key]["now_minor"] if key in of_candidate else 0)
                for of_candidate in by_candidate
            ]
            rows.append(_Row(self._say("none") if key is None else key, self._amount(then), now))
        return rows

    def _show_releases(self) -> None:
        rows = self._broken_down("releases", "day")
        if rows:
            title = self._say("releases", days=len(rows), first=rows[0].label, last=rows[-1].label)
            self._table(title, "day", _PAIR, rows)

    def _show_orders(self) -> None:
        def cells(row: Mapping[str, Any], amounts: Sequence[str]) -> list[str]:
            return [f"{row['orders']:,}", *(self._amount(row[name]) for name in amounts)]

        for title, by, words, amounts in (
            ("caps", "cap", ("count", "took"), ("taken_minor",)),
            ("failures", "code", ("count", "paid", "then"), ("paid_minor", "then_minor")),
        ):
            by_candidate = [
                {row[by]: cells(row, amounts) for row in candidate[title]} for candidate in self._candidates
            ]
            nothing = ["0", *[self._amount(0)] * len(amounts)]
            keys = dict.fromkeys(key for of_candidate in by_candidate for key in of_candidate)
            rows = [_Row(key, None, [of_candidate.get(key, nothing) for of_candidate in by_candidate]) for key in keys]
            self._table(self._titled(title, words), "reason" if by == "code" else by, words, rows)

    def _show_shops(self) -> None:
        spreads = [candidate["shops"] for candidate in self._candidates]
        for place, shops in enumerate(spreads):
            counts = {name: shops[name] for name in ("shops", "gaining", "losing", "unchanged", "to_zero")}
            sums = {"gained": self._amount(shops["gained_minor"]), "lost": self._amount(shops["lost_minor"])}
            self._line("spread", place, **counts, **sums)
            self._line("top", place, hundredth=_percent(shops["top_hundredth"]), tenth=_percent(shops["top_tenth"]))
        shares = [row["share"] for row in spreads[0]["quantiles"]]
        rows = [
            _Row(
                _percent(share),
                None,
                [[self._amount(shops["quantiles"][number]["difference_minor"])] for shops in spreads],
            )
            for number, share in enumerate(shares)
        ]
        self._table(self._say("quantiles"), "share_of_shops", ("difference",), rows)
        for name in ("gain_most", "lose_most"):
            words = ("shop", "then", "now", "difference")
            most = max(len(shops[name]) for shops in spreads)
            rows = [
                _Row(number + 1, None, [self._shop(shops[name][number : number + 1]) for shops in spreads])
                for number in range(most)
            ]
            self._table(self._titled(name, words), "place", words, rows)

    def _shop(self, row: Sequence[Mapping[str, Any]]) -> list[str]:
        """The cells of a shop; empty where a candidate has no more."""
        if not row:
            return [""] * 4
        amounts = (self._amount(row[0][name]) for name in ("then_minor", "now_minor", "difference_minor"))
        return [str(row[0]["shop_id"]), *amounts]

    def _show_findings(self) -> None:
        for place, candidate in enumerate(self._candidates):
            for finding in candidate["findings"]:
                detail = finding["detail_zh" if self._language == "zh" else "detail_en"]
                named = {name: finding[name] for name in ("severity", "id", "figure", "threshold")}
                self._line("finding", place, detail=detail, **named)

    def _table(self, title: str, key: str, words: Sequence[str], rows: Sequence[_Row]) -> None:
        if not rows:
            return
        with_then = rows[0].then is not None
        first = {self._say(key): False} | ({self._say("then"): True} if with_then else {})
        if len(self._candidates) == 1:
            columns = first | {self._say(word): word != "shop" for word in words}
            print_table(self._console, title, columns, [[row.label, *_then(row), *row.cells[0]] for row in rows])
            return
        for places in self._groups([*first], rows):
            columns = first | {self._names[place]: True for place in places}
            print_table(self._console, title, columns, [line for row in rows for line in _lines(row, places)])

    def _groups(self, first: Sequence[str], rows: Sequence[_Row]) -> list[list[int]]:
        """Which candidates stand beside each other: as many as are as wide as the terminal, and one at the least."""
        known = [[str(row.label), *_then(row)] for row in rows]
        taken = 1 + sum(_width([heading, *of_column]) for heading, *of_column in zip(first, *known, strict=True))
        groups: list[list[int]] = []
        room = 0
        for place, name in enumerate(self._names):
            width = _width([name, *(cell for row in rows for cell in row.cells[place])])
            if not groups or width > room:
                groups.append([])
                room = self._console.width - taken
            groups[-1].append(place)
            room -= width
        return groups

    def _titled(self, word: str, words: Sequence[str]) -> str:
        """A title, and beside several candidates what stands below another in their cells."""
        if len(self._candidates) == 1:
            return self._say(word)
        return f"{self._say(word)} ({', '.join(self._say(of_cell) for of_cell in words)})"

    def _now(self, then: int, now: int) -> tuple[str, str]:
        return self._amount(now), self._amount(now - then)

    def _amount(self, minor: int) -> str:
        return show_amount(minor, self._currency)

    def _say(self, word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), self._language)

    def _line(self, word: str, place: int | None = None, **params: object) -> None:
        """A sentence, of several candidates with the name of the one at a place before it."""
        is_named = place is not None and len(self._candidates) > 1
        print_line(self._console, (f"{self._names[place or 0]}: " if is_named else "") + self._say(word, **params))


def _then(row: _Row) -> list[str]:
    return [] if row.then is None else [row.then]


def _lines(row: _Row, places: Sequence[int]) -> Iterator[list[object]]:
    """The lines of a row: the first cell of each candidate beside what the row is of, the others below."""
    for number, cells in enumerate(zip(*(row.cells[place] for place in places), strict=True)):
        head = [row.label, *_then(row)] if not number else [""] * (1 + len(_then(row)))
        if any(cells):
            yield [*head, *cells]


def _width(cells: Sequence[str]) -> int:
    """How wide a column is, with what stands around its cells."""
    return max(cell_len(cell) for cell in cells) + _AROUND


def _percent(share: str | None) -> str:
    """A share as hundredths, exactly: no float touches it.

    >>> _percent("0.125"), _percent("-0.01"), _percent(None)
    ('12.5%', '-1%', '–')
    """
    if share is None:
        return "–"
    whole, _, part = share.lstrip("-").partition(".")
    return f"{'-' if share.startswith('-') else ''}{show_percent(int(whole) * PPM + int(part.ljust(6, '0')))}"
