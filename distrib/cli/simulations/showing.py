"""The result of a simulation, or of a check, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from distrib.cli.output import open_console, print_line, print_table, time_text
from distrib.domain.amounts import show_amount, show_percent
from distrib.domain.money import PPM
from distrib.domain.texts import Text
from distrib.languages import render

_WORDS = {
    "title": Text("{plan}: orders paid from {since} to {until}, {currency}"),
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
    "quantiles": Text("Differences: {quantiles}"),
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


def show_result(view: Mapping[str, Any], language: str) -> None:
    """Prints a simulation that is done."""
    _Shown(view, language).show()


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


class _Shown:
    """Prints one simulation."""

    def __init__(self, view: Mapping[str, Any], language: str) -> None:
        self._view, self._result, self._language = view, view["result"], language
        self._currency: str = self._result["currency"]
        self._console: Console = open_console()

    def show(self) -> None:
        """Prints every candidate, and what came since."""
        for candidate in self._result["candidates"]:
            self._show(candidate)
        view = self._view
        if "history" in view:
            self._line("files", directory=view["history"], at=view["exported_at"], event=view["last_event"])
            return
        self._line("since", event=view["last_event"], more=view["events_since"])
        if view["before"]:
            before = view["before"]
            self._line(
                "before", id=before["id"], events=before["events"], change=self._amount(before["as_it_was_minor"])
            )

    def _show(self, candidate: Mapping[str, Any]) -> None:
        view, result = self._view, self._result
        bounds = {"since": time_text(view["from"]), "until": time_text(view["to"])}
        self._line("title", plan=candidate["plan"], currency=self._currency, **bounds)
        self._table("", ("figure", "then", "now", "difference"), self._figures(candidate))
        self._line(
            "orders",
            orders=result["orders"],
            sales=self._amount(result["sales_minor"]),
            refunded=self._amount(result["refunded_minor"]),
        )
        for name in _BY:
            rows = [
                [self._say("none") if row[name] is None else row[name], *self._pair(row)]
                for row in candidate[f"by_{name}"]
            ]
            self._table("", (name, "then", "now", "difference"), rows)
        self._show_orders(candidate)
        self._show_shops(candidate["shops"])
        for finding in candidate["findings"]:
            detail = finding["detail_zh" if self._language == "zh" else "detail_en"]
            named = {name: finding[name] for name in ("severity", "id", "figure", "threshold")}
            self._line("finding", detail=detail, **named)

    def _figures(self, candidate: Mapping[str, Any]) -> list[list[object]]:
        was = self._result["as_it_was"]
        rows: list[list[object]] = []
        for word, name in (("cost", "cost"), ("earned", "earned"), ("reversed", "reversed"), ("pools", "pools")):
            then, now = was[f"{name}_minor"], candidate[f"{name}_minor"]
            rows.append([self._say(word), self._amount(then), self._amount(now), self._amount(now - then)])
        shares = [_percent(side["share_of_sales"]) for side in (was, candidate)]
        return [*rows, [self._say("share"), *shares, ""]]

    def _show_orders(self, candidate: Mapping[str, Any]) -> None:
        caps = [[row["cap"], f"{row['orders']:,}", self._amount(row["taken_minor"])] for row in candidate["caps"]]
        self._table(self._say("caps"), ("cap", "count", "took"), caps)
        failures = [
            [row["code"], f"{row['orders']:,}", self._amount(row["paid_minor"]), self._amount(row["then_minor"])]
            for row in candidate["failures"]
        ]
        self._table(self._say("failures"), ("reason", "count", "paid", "then"), failures)
        days = candidate["releases"]
        if days:
            self._line("releases", days=len(days), first=days[0]["day"], last=days[-1]["day"])

    def _show_shops(self, shops: Mapping[str, Any]) -> None:
        counts = {name: shops[name] for name in ("shops", "gaining", "losing", "unchanged", "to_zero")}
        sums = {"gained": self._amount(shops["gained_minor"]), "lost": self._amount(shops["lost_minor"])}
        self._line("spread", **counts, **sums)
        self._line("top", hundredth=_percent(shops["top_hundredth"]), tenth=_percent(shops["top_tenth"]))
        quantiles = [f"{_percent(row['share'])}: {self._amount(row['difference_minor'])}" for row in shops["quantiles"]]
        self._line("quantiles", quantiles="; ".join(quantiles))
        for name in ("gain_most", "lose_most"):
            rows = [[row["shop_id"], *self._pair(row)] for row in shops[name]]
            self._table(self._say(name), ("shop", "then", "now", "difference"), rows)

    def _table(self, title: str, words: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if rows:
            columns = {self._say(word): place > 0 for place, word in enumerate(words)}
            print_table(self._console, title, columns, rows)

    def _pair(self, row: Mapping[str, Any]) -> list[str]:
        return [self._amount(row[name]) for name in ("then_minor", "now_minor", "difference_minor")]

    def _amount(self, minor: int) -> str:
        return show_amount(minor, self._currency)

    def _say(self, word: str, **params: object) -> str:
        return render(_WORDS[word].with_params(**params), self._language)

    def _line(self, word: str, **params: object) -> None:
        print_line(self._console, self._say(word, **params))


def _percent(share: str | None) -> str:
    """A share as hundredths, exactly: no float touches it.

    >>> _percent("0.125"), _percent("-0.01"), _percent(None)
    ('12.5%', '-1%', '–')
    """
    if share is None:
        return "–"
    whole, _, part = share.lstrip("-").partition(".")
    return f"{'-' if share.startswith('-') else ''}{show_percent(int(whole) * PPM + int(part.ljust(6, '0')))}"
