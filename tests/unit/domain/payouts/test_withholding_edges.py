"""The edges of withholding, where a bracket, a year and a payment begin and end; and payees as they are shown."""

from __future__ import annotations

import pytest

from distrib.domain.payouts.personal_data import Payee, is_account_text, masked, masked_accounts, masked_name
from distrib.domain.payouts.withholding import (
    CUMULATIVE,
    PER_PAYMENT,
    IncomeSoFar,
    cumulative_tax,
    is_reportable,
    months_unbroken,
    per_payment_tax,
    tax_of_payment,
)


@pytest.mark.parametrize(
    ("taxable_minor", "tax_minor"),
    [
        (3_600_000, 108_000),
        (14_400_000, 1_188_000),
        (30_000_000, 4_308_000),
        (42_000_000, 7_308_000),
        (66_000_000, 14_508_000),
        (96_000_000, 25_008_000),
        (100_000_000, 26_808_000),
    ],
)
def test_the_yearly_tax_at_the_end_of_each_bracket(taxable_minor: int, tax_minor: int) -> None:
    income_minor = (taxable_minor + 500_000) * 5 // 4
    assert cumulative_tax(income_minor, 1) == tax_minor


@pytest.mark.parametrize(
    ("gross_minor", "tax_minor"),
    [(2_500_000, 400_000), (2_510_000, 402_400), (6_250_000, 1_300_000), (6_260_000, 1_303_200)],
)
def test_what_lies_above_a_bracket_of_one_payment_bears_the_next_rate(gross_minor: int, tax_minor: int) -> None:
    # 25,100.00: 20,080.00 taxable, 30 % less 2,000.00; 62,600.00: 50,080.00 taxable, 40 % less 7,000.00
    assert per_payment_tax(gross_minor) == tax_minor


def test_what_lies_above_a_bracket_of_the_year_bears_the_next_rate() -> None:
    # 36,100.00 taxable: 10 % less 2,520.00
    assert cumulative_tax((3_610_000 + 500_000) * 5 // 4, 1) == 109_000


def test_five_thousand_yuan_of_every_month_are_free() -> None:
    assert [cumulative_tax(625_000 * months, months) for months in (1, 12)] == [0, 0]
    assert [cumulative_tax(625_000 * months + 100, months) for months in (1, 12)] == [2, 2]


def test_a_tax_of_half_a_fen_is_a_fen() -> None:
    assert [per_payment_tax(80_000 + rest) for rest in (0, 2, 3)] == [0, 0, 1]
    assert [cumulative_tax(625_000 + rest, 1) for rest in (20, 21)] == [0, 1]


def test_a_payment_bears_what_is_not_yet_held_back_and_never_more_than_itself() -> None:
    assert tax_of_payment(PER_PAYMENT, 300_000, IncomeSoFar(), 1) == 44_000
    assert tax_of_payment(PER_PAYMENT, 300_000, IncomeSoFar(0, 43_999), 1) == 1
    assert tax_of_payment(PER_PAYMENT, 300_000, IncomeSoFar(0, 44_001), 1) == 0
    assert tax_of_payment(PER_PAYMENT, 10, IncomeSoFar(10**9, 0), 1) == 10
    assert tax_of_payment(CUMULATIVE, 1_000_000, IncomeSoFar(), 1) == 9_000
    assert tax_of_payment(CUMULATIVE, 1_000_000, IncomeSoFar(), 2) == 0
    assert tax_of_payment("none", 10**9, IncomeSoFar(10**9, 0), 1) == 0
    assert IncomeSoFar() == (0, 0)


def test_why_a_number_of_months_is_refused_is_said() -> None:
    for months in (0, 13):
        with pytest.raises(ValueError, match=r"^a year has 1 to 12 months$"):
            cumulative_tax(1, months)
    assert cumulative_tax(1, 12) == cumulative_tax(1, 1) == 0


def test_a_year_of_pay_counts_twelve_months_and_the_year_before_none() -> None:
    year = [202600 + month for month in range(1, 13)]
    assert months_unbroken(year, 202612) == 12
    assert months_unbroken([202600, *year], 202601) == 1
    assert months_unbroken([202512, 202600, 202601], 202602) == 2


def test_an_account_shows_its_last_four_only_where_as_many_stay_hidden() -> None:
    assert [masked("1" * length) for length in (0, 7, 8, 9)] == ["****", "****", "****1111", "****1111"]
    assert masked("12345678") == "****5678"
    assert (masked_name("李雷"), masked_name("")) == ("李**", "**")
    shown = masked_accounts({"mobile": "13800001234", "bank_name": "某某银行", "bank_cnaps": "102100099996"})
    assert list(shown.items()) == [("bank_cnaps", "102100099996"), ("bank_name", "某某银行"), ("mobile", "****1234")]


def test_two_payees_are_one_by_the_kind_and_number_of_their_identity_however_typed() -> None:
    typed = Payee("李雷", " ID_Card ", "1101 0x", "person", {"mobile": "1"})
    other = Payee("李雷", "id_card", "11010X", "person", {})
    assert typed.identity == other.identity == "id_card\x0011010X"
    assert typed.account_kinds == []
    every = {"wechat_openid": "1", "alipay_login": "1", "alipay_user_id": "1", "bank_account": "1", "bank_name": "x"}
    assert Payee("a", "b", "c", "person", every).account_kinds == ["alipay", "bank", "wechat"]


@pytest.mark.parametrize(
    ("kind", "amount_minor", "year", "answer"),
    [
        ("person", 199_999, 2026, "no"),
        ("person", 200_000, 2026, "yes"),
        ("sole_trader", 200_000, 2026, "yes"),
        ("company", 199_999, 2026, "no"),
        ("company", 200_000, 2026, "check"),
        ("company", 59_999, 2025, "no"),
        ("company", 60_000, 2025, "check"),
        ("person", 60_000, 2025, "yes"),
    ],
)
def test_a_company_above_the_threshold_is_to_be_checked(kind: str, amount_minor: int, year: int, answer: str) -> None:
    assert is_reportable(kind, amount_minor, year) == answer


@pytest.mark.parametrize(
    "text",
    [
        "6222 0212 3456",
        "11010119900307123X",
        "A123456(7)",
        "军字第123号",
        "a.b+c@x.cn",
        "o-B_2-",
        "123-45-6789",
        "+86-138",
        "+1",
        "7",
    ],
)
def test_numbers_of_accounts_and_documents_are_taken_as_they_are(text: str) -> None:
    assert is_account_text(text)


@pytest.mark.parametrize(
    "text",
    ["", "=1+1", "+", "+1+1", "+a", "+1 ", "-1", "@x", "\t1", "1\n", "1;2", "1=2", '"1"', "'1", "_1", "(1)", "1|2"],
)
def test_what_a_spreadsheet_would_run_or_no_number_has_is_none(text: str) -> None:
    assert not is_account_text(text)
