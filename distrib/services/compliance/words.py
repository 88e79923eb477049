"""Compliance reports in their reader's form: words in the reader's language, money, shares, the program's own clock.

One table for the papers and the command line. No figure is computed here, nothing laid out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from distrib.domain.amounts import show_amount
from distrib.domain.policies.figures import RATIOS, SIGNS, Measured, Threshold, Thresholds, show_figure
from distrib.domain.texts import Text
from distrib.languages import CHINESE, render
from distrib.languages.readers import READERS
from distrib.services.compliance.cases import DecisionView
from distrib.services.plans.words import SEVERITIES, source_in

LANGUAGES = READERS
"""In which a report can be had on paper."""
WORDS: dict[str, Text] = {
    "title": Text("Compliance report of {program}"),
    "as_of": Text("As of {as_of} ({zone}); amounts in {currency}. Digest {digest}"),
    "packs": Text("Policy packs"),
    "caps": Text("Caps in force"),
    "plans": Text("Plans"),
    "structure": Text("Structure"),
    "largest_trees": Text("Largest trees"),
    "organisers": Text("Organisers with several trees"),
    "findings": Text("Findings"),
    "recorded": Text("Findings recorded until then"),
    "penalties_in_force": Text("Penalties in force"),
    "cases": Text("Cases and decisions"),
    "sign_offs": Text("Sign-offs of local overrides"),
    "none": Text("None."),
    "nothing_found": Text("Nothing was found."),
    "version": Text("version"),
    "source": Text("source"),
    "code": Text("plan"),
    "effective_from": Text("in force from"),
    "is_in_force": Text("in force", "report"),
    "signed_off_by": Text("signed off by"),
    "tiers": Text("uplines paid"),
    "order_cap": Text("order cap"),
    "hold_days": Text("hold days"),
    "max_tiers": Text("most uplines"),
    "max_tree_levels": Text("most levels"),
    "on_excess": Text("beyond it"),
    "figure": Text("figure", "report"),
    "threshold": Text("threshold"),
    "id": Text("id"),
    "severity": Text("severity", "report"),
    "subject": Text("subject"),
    "detail": Text("what it says"),
    "done": Text("what was done"),
    "times": Text("times"),
    "first_at": Text("first"),
    "last_at": Text("last"),
    "case_no": Text("case"),
    "state": Text("state"),
    "opened_at": Text("opened"),
    "frozen_minor": Text("held"),
    "decisions": Text("decisions"),
    "pack": Text("pack"),
    "reason": Text("reason", "report"),
    "kind": Text("kind"),
    "decided_on": Text("decided on"),
    "lapses_on": Text("lapses on"),
    "authority": Text("authority"),
    "reference": Text("reference"),
    "shop_id": Text("shop"),
    "loosened": Text("loosened"),
    "recorded_at": Text("recorded"),
    "picture": Text(
        "The largest tree, of {shop}: {drawn} of {persons} persons, those with the most persons below them and the way"
        " to the deepest. Beside each the persons of its own tree."
    ),
    "signatures": Text("Signatures"),
    "prepared_by": Text("Prepared by"),
    "reviewed_by": Text("Reviewed by"),
    "signed_for": Text("For the platform (seal)"),
    "signer_name": Text("Name and position"),
    "signature": Text("Signature"),
    "signed_on": Text("Date", "report"),
    "colon": Text(":", "report"),
}
MEASURES: dict[str, Text] = {
    "persons": Text("persons"),
    "levels": Text("levels"),
    "level": Text("level"),
    "refused": Text("refused", "report"),
    "trees": Text("trees"),
    "buyers": Text("buyers"),
    "levels_with_buyers": Text("levels with buyers"),
    "entry_minor": Text("entry takings"),
    "retail_share": Text("retail share"),
    "indirect_share": Text("indirect share"),
    "deepest_level": Text("deepest level"),
    "deep_trees": Text("trees of 3 levels and more"),
    "deep_share": Text("shops in them"),
    "entry_share": Text("entry share"),
    "persons_with_buyers": Text("persons with buyers"),
    "deepest_level_with_buyers": Text("deepest level with buyers"),
    "sales_minor": Text("sales, 12 months"),
    "retail_minor": Text("retail sales"),
    "recent_entry_minor": Text("entry takings, 12 months"),
    "direct_minor": Text("direct pay"),
    "indirect_minor": Text("indirect pay"),
    "fee_or_head_count": Text("fee or head count"),
    "penalties": Text("penalties"),
    "recruits_per_buyer": Text("new shops per new buyer"),
    "at_rank_threshold": Text("shops at the threshold"),
    "share_at_rank_threshold": Text("share at the threshold"),
    "month_retail_share": Text("retail share of the month"),
    "sponsors_with_few_buyers": Text("sponsors with few buyers"),
    "month_earners": Text("shops with that income in the month"),
    "quarter_earners": Text("shops with income in the quarter before"),
    "year_payees": Text("payees with that much in the year"),
    "payee_shops": Text("shops of one payee in the tree"),
    "payee_shops_below": Text("of these, below another of the payee"),
    "payees": Text("payees"),
}
_COUNTED_BY_MONEY = ("month_earners", "quarter_earners", "year_payees")
_VALUES: dict[str, Text] = {
    **SEVERITIES,
    "hold": Text("hold"),
    "refuse": Text("refused"),
    "detach": Text("joins as a root"),
    "administrative": Text("administrative"),
    "criminal": Text("criminal"),
    "open": Text("open"),
    "frozen": Text("frozen"),
    "released": Text("released"),
    "dismissed": Text("dismissed"),
    "freeze": Text("freeze"),
    "release": Text("release"),
    "reverse": Text("reverse"),
    "dismiss": Text("dismiss"),
    "reported": Text("reported"),
    "yes": Text("yes"),
    "no": Text("no"),
}
_SUBJECTS: dict[str, Text] = {
    "tree": Text("tree of"),
    "organiser": Text("organiser"),
    "plan": Text("plan"),
    "shop": Text("shop"),
    "program": Text("the whole program"),
    "more trees": Text("more trees"),
    "more payees": Text("more payees"),
}
_CASE, _SIGNED = Text("case {case}: {state}"), Text("signed off by {by}")
_EACH = Text(" (each: {each})")
_SHOPS = Text(" Shops: {shops}.")
_SHARES = RATIOS | {"order_cap"}
_MEASURED = ("figure", "threshold")
_CODED = ("severity", "state", "kind", "on_excess")
_NUMBERS_OF_THINGS = ("case_no", "version")


class ReportWording:
    """Words a report's headings and values for one reader.

    Args:
        language: ``zh``, or English.
    """

    def __init__(self, language: str, currency: str, time_zone: str) -> None:
        self.language = self._language = language
        self._currency, self._zone = currency, ZoneInfo(time_zone)

    def say(self, word: str, **params: object) -> str:
        """Renders a heading, the name of a column or of a measure."""
        return render((MEASURES.get(word) or WORDS[word]).with_params(**params), self._language)

    def cell(self, row: Mapping[str, object], name: str) -> str:
        """Renders a row's value as the reader reads it."""
        if name == "done":
            return self._done(row)
        if name == "detail":
            return str(row["detail_zh" if self._language == CHINESE else "detail_en"]) + self._shops(row)
        return self.value(name, row[name])

    def value(self, name: str, value: object) -> str:
        """Renders a value by its name: amounts in the currency, shares in percent, times by the program's clock."""
        if value is None:
            return "–"
        if isinstance(value, (Measured, Thresholds)):
            return self._measured(value)
        if isinstance(value, list):
            return "; ".join(self._decision(part) if isinstance(part, DecisionView) else str(part) for part in value)
        return self._instant(name, value) if isinstance(value, datetime) else self._plain(name, value)

    def _instant(self, name: str, value: datetime) -> str:
        local = value.astimezone(self._zone).replace(tzinfo=None)
        return local.isoformat(" ", "auto" if name == "as_of" else "seconds")  # a report is asked for again by as_of

    def _plain(self, name: str, value: object) -> str:
        """Renders what has one value; a plan's figures, and those that are texts, stand as they are."""
        if name == "subject":
            return self._subject(str(value))
        if name == "source":
            return source_in(str(value), self._language)
        if name in _MEASURED:
            return str(value)
        if isinstance(value, bool):
            return self._coded("yes" if value else "no")
        if name in _CODED:
            return self._coded(str(value))
        return self._figure(name, str(value)) if _is_figure(name, value) else str(value)

    def _coded(self, code: str) -> str:
        return render(_VALUES.get(code, code), self._language)

    def _figure(self, name: str, digits: str) -> str:
        if name in _SHARES:
            return f"{(Decimal(digits) * 100).quantize(Decimal('0.01'), ROUND_DOWN)} %"
        if not digits.removeprefix("-").isdigit():
            return digits
        return show_amount(int(digits), self._currency) if name.endswith("_minor") else f"{int(digits):,}"

    def _measured(self, value: Measured | Thresholds) -> str:
        """Renders what was measured, or what had to be reached."""
        if isinstance(value, Measured):
            return ", ".join(f"{self.say(name)} {self._amount(name, figure)}" for name, figure in value.figures.items())
        return ", ".join(map(self._threshold, value.bounds)) + self._each(value)

    def _threshold(self, threshold: Threshold) -> str:
        measure, kind, figure = threshold
        return f"{self.say(measure)} {SIGNS[kind]} {self._amount(measure, figure)}"

    def _amount(self, measure: str, figure: int) -> str:
        return self._figure(measure, show_figure(measure, figure))

    def _each(self, thresholds: Thresholds) -> str:
        if not thresholds.each:
            return ""
        is_money = any(bound.measure in _COUNTED_BY_MONEY for bound in thresholds.bounds)
        each = self._figure("each_minor" if is_money else "each", str(thresholds.each))
        return render(_EACH.with_params(each=each), self._language)

    def _shops(self, row: Mapping[str, object]) -> str:
        """Names the shops that a finding is about, where it lists them."""
        shop_ids = row.get("shop_ids")
        if not isinstance(shop_ids, list) or not shop_ids:
            return ""
        return render(_SHOPS.with_params(shops=", ".join(map(str, shop_ids))), self._language)

    def _subject(self, text: str) -> str:
        kind, _, rest = text.partition(":")
        return f"{render(_SUBJECTS[kind], self._language)} {rest}".rstrip() if kind in _SUBJECTS else text

    def _done(self, finding: Mapping[str, object]) -> str:
        """Renders what was done about a finding of a report."""
        if finding["case_no"] is not None:
            state = self._coded(str(finding["case_state"]))
            return render(_CASE.with_params(case=finding["case_no"], state=state), self._language)
        if finding["signed_off_by"] is not None:
            return render(_SIGNED.with_params(by=finding["signed_off_by"]), self._language)
        return self._coded("reported")

    def _decision(self, decision: DecisionView) -> str:
        recorded_at = self.value("recorded_at", decision.recorded_at)
        return f"{self._coded(decision.decision)} {recorded_at} {decision.decided_by}: {decision.reason}"


def _is_figure(name: str, value: object) -> bool:
    """Whether a value is a number to be read as one; a share comes as a decimal string."""
    return name in _SHARES or (isinstance(value, int) and name not in _NUMBERS_OF_THINGS)
