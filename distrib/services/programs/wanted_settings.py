"""Settings of a program as they are asked for: their names, types and bounds, and what of them does not fit.

Nothing is read or written here; what is in force decides elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

import msgspec

from distrib.domain.customers import PROTECTED, RULES
from distrib.domain.errors import Problem, Refusal
from distrib.domain.identifiers import MAX_TEXT, is_storable_text, is_text
from distrib.domain.money import MAX_MINOR
from distrib.domain.policies.policy import Policy
from distrib.domain.policies.refusals import PolicyUnknown
from distrib.domain.sharing import JOIN_URL_PROBLEMS, join_url_problem
from distrib.domain.texts import Text
from distrib.services.programs.refusals import TimeZoneUnknown
from distrib.services.programs.tenants import ADMISSIONS, time_zones


class ProgramSettings(TypedDict, total=False):
    """Settings by name: those that are asked for, that change, or that wait. What is not named stays as it is."""

    time_zone: str
    policy: str
    admission: str
    identity_required: bool
    withholding: str
    binding_rule: str
    protect_days: int | None
    expire_days: int | None
    title: str | None
    join_url: str | None
    payee_hold_days: int
    withdrawal_least_minor: int | None
    withdrawal_most_minor: int | None
    withdrawals_per_day: int | None
    withdrawals_per_month: int | None
    withdrawal_fee_minor: int | None
    key_approval: str
    key_wait_hours: int


SETTINGS = tuple(ProgramSettings.__annotations__)
WITHHOLDINGS = ("none", "per_payment", "cumulative", "us_1099")
WAIT, SECOND_ADMIN = "wait", "second_admin"
APPROVALS = (WAIT, SECOND_ADMIN)
"""How a key made over HTTP comes to confirm money: after the program's hours, or by a second admin alone."""
MOST_WAIT_HOURS = 720
WITHDRAWAL_TERMS = {
    "withdrawal_least_minor": "least_minor",
    "withdrawal_most_minor": "most_minor",
    "withdrawals_per_day": "per_day",
    "withdrawals_per_month": "per_month",
    "withdrawal_fee_minor": "fee_minor",
}
"""The settings that are the rules of withdrawals, by name, with the name of the rule."""
MOST_DAYS = 3650
MOST_HOLD_DAYS = 90
MAX_TIMES = 1_000
"""The most withdrawals of a shop in a day or month that a rule can name."""
_BINDING_ALONE: ProgramSettings = {"protect_days": None, "expire_days": None}
_NO_WITHDRAWALS: ProgramSettings = {
    "withdrawal_least_minor": None,
    "withdrawal_most_minor": None,
    "withdrawals_per_day": None,
    "withdrawals_per_month": None,
    "withdrawal_fee_minor": None,
}
_POINTERS = {
    **{name: f"/withdrawals/{term}" for name, term in WITHDRAWAL_TERMS.items()},
    "binding_rule": "/binding/rule",
    "protect_days": "/binding/protect_days",
    "expire_days": "/binding/expire_days",
}


def settings_of(given: Mapping[str, object]) -> ProgramSettings:
    """Reads settings by name, in their order; what is no setting's name is left out.

    Raises:
        msgspec.ValidationError: a value is not of its setting's type.

    >>> settings_of({"title": None, "policy": "cn"})
    {'title': None, 'policy': 'cn'}
    """
    return msgspec.convert(given, ProgramSettings)


def with_terms(wanted: ProgramSettings) -> ProgramSettings:
    """Adds the terms that go with what is asked for: None for those not named, since a rule is set as a whole."""
    if "binding_rule" in wanted:
        wanted = {**_BINDING_ALONE, **wanted}
    if "withdrawal_least_minor" in wanted:
        wanted = {**_NO_WITHDRAWALS, **wanted}
    return wanted


def check_settings(wanted: ProgramSettings, policies: Mapping[str, Policy], signed_off_by: str | None) -> None:
    """Checks what is asked for by itself, whatever is in force.

    Raises:
        Refusal: ``invalid`` with all that does not fit; ``time_zone_unknown`` or ``policy_unknown`` where that is all.
    """
    problems, unknown = _misfits(wanted), list(_unknown(wanted, policies))
    if signed_off_by is not None and not signed_off_by.strip():
        problems.append(_problem("signed_off_by", Text("a person's name")))
    if len(unknown) == 1 and not problems:
        raise unknown[0]
    problems += [problem for refusal in unknown for problem in refusal.problems]
    if problems:
        raise Refusal("invalid", problems)


def _unknown(wanted: ProgramSettings, policies: Mapping[str, Policy]) -> Iterator[Refusal]:
    """Yields a refusal, with its problem, for each name that no zone or pack has."""
    if "time_zone" in wanted and wanted["time_zone"] not in time_zones():
        zone = TimeZoneUnknown(time_zone=wanted["time_zone"])
        yield zone.listing([_problem("time_zone", zone.text)])
    if "policy" in wanted and wanted["policy"] not in policies:
        pack = PolicyUnknown(policy=wanted["policy"])
        yield pack.listing([_problem("policy", pack.text)])


def _misfits(wanted: ProgramSettings) -> list[Problem]:
    problems = [
        _problem(name, Text("must be one of {choices}", "setting", choices=", ".join(words)))
        for name, word, words in (
            ("admission", wanted.get("admission"), ADMISSIONS),
            ("withholding", wanted.get("withholding"), WITHHOLDINGS),
            ("binding_rule", wanted.get("binding_rule"), RULES),
            ("key_approval", wanted.get("key_approval"), APPROVALS),
        )
        if word is not None and word not in words
    ]
    problems += [
        _problem(name, Text("must be {low} to {high}", low=low, high=high))
        for name, figure, low, high in (
            ("payee_hold_days", wanted.get("payee_hold_days"), 0, MOST_HOLD_DAYS),
            ("key_wait_hours", wanted.get("key_wait_hours"), 0, MOST_WAIT_HOURS),
            ("protect_days", wanted.get("protect_days"), 0, MOST_DAYS),
            ("expire_days", wanted.get("expire_days"), 1, MOST_DAYS),
        )
        if figure is not None and not low <= figure <= high
    ]
    return problems + _misfit_terms(wanted) + list(_misfit_withdrawals(wanted)) + list(_misfit_sharing(wanted))


def _misfit_terms(wanted: ProgramSettings) -> list[Problem]:
    """Checks the terms of the binding rule: protection belongs to ``protected``, and terms are set with their rule."""
    if "binding_rule" not in wanted:
        alone = [name for name in _BINDING_ALONE if name in wanted]
        return [_problem(name, Text("goes with a binding rule")) for name in alone]
    is_protected, has_days = wanted["binding_rule"] == PROTECTED, wanted["protect_days"] is not None
    if is_protected and not has_days:
        return [_problem("protect_days", Text("the rule protected needs it"))]
    if has_days and not is_protected:
        return [_problem("protect_days", Text("goes with the rule protected only"))]
    return []


def _misfit_withdrawals(wanted: ProgramSettings) -> Iterator[Problem]:
    """Checks the rules of withdrawals: set as a whole, each in its bounds, and a fee leaves something to be paid."""
    least, most = wanted.get("withdrawal_least_minor"), wanted.get("withdrawal_most_minor")
    fee = wanted.get("withdrawal_fee_minor")
    bounded = (
        ("withdrawal_least_minor", least, 1, MAX_MINOR),
        ("withdrawal_most_minor", most, 1, MAX_MINOR),
        ("withdrawals_per_day", wanted.get("withdrawals_per_day"), 1, MAX_TIMES),
        ("withdrawals_per_month", wanted.get("withdrawals_per_month"), 1, MAX_TIMES),
        ("withdrawal_fee_minor", fee, 0, MAX_MINOR),
    )
    for name, figure, low, high in bounded:
        if figure is None:
            continue
        if least is None:
            yield _problem(name, Text("goes with a least amount of withdrawals"))
        elif not low <= figure <= high:
            yield _problem(name, Text("must be {low} to {high}", low=low, high=high))
    if least is not None and most is not None and most < least:
        yield _problem("withdrawal_most_minor", Text("must not be below the least amount"))
    if least is not None and (fee or 0) >= least:
        yield _problem("withdrawal_fee_minor", Text("must be below the least amount"))


def _misfit_sharing(wanted: ProgramSettings) -> Iterator[Problem]:
    """Checks what invitations show and where they lead; None takes either back."""
    title, join_url = wanted.get("title"), wanted.get("join_url")
    if title is not None and not (is_storable_text(title) and title.strip()):
        yield _problem("title", Text("must have 1 to {most} characters", most=MAX_TEXT))
    elif title is not None and not is_text(title):
        yield _problem("title", Text("holds a control character", "service"))
    wrong = None if join_url is None else join_url_problem(join_url)
    if wrong is not None:
        yield _problem("join_url", JOIN_URL_PROBLEMS[wrong])


def _problem(name: str, words: Text) -> Problem:
    return Problem(_POINTERS.get(name, f"/{name}"), words)
