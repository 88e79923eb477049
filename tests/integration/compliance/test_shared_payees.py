"""One payee several times in a tree, over HTTP: which shops are named, when, by which pack, and that nobody else is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from distrib.settings import Settings
from tests.world.api import Api, Caller, app_on
from tests.world.world import open_world

LI, WU = "E12345678", "E87654321"


@pytest.fixture
def cn(settings: Settings, database_url: str, redis_url: str) -> Iterator[Api]:
    """The API on a program under the pack of China."""
    opened = open_world(settings, database_url, redis_url, policy="cn")
    yield Api(app_on(opened.container), opened)
    opened.container.close()


def plant(api: Api) -> Caller:
    """A tree a > b > c with d beside b, and a tree of x alone."""
    api.world.join(("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("x", None))
    return api.caller()


def pay_to(admin: Caller, shop_id: str, number: str, id_type: str = "passport") -> None:
    payee = {"name": "Li", "id_type": id_type, "id_number": number, "kind": "person"}
    admin.put(f"/v1/shops/{shop_id}/payee", payee | {"accounts": {"alipay_login": f"{shop_id}@mail.example"}})


def pay_elsewhere(api: Api, admin: Caller, shop_id: str, number: str) -> None:
    """A payee that is not the shop's first takes a second person."""
    pay_to(admin, shop_id, number)
    api.caller("finance").post(f"/v1/shops/{shop_id}/payee/approve")


def report(admin: Caller, as_of: datetime | None = None) -> dict[str, Any]:
    query = "" if as_of is None else f"?as_of={as_of.isoformat().replace('+00:00', 'Z')}"
    answer: dict[str, Any] = admin.get(f"/v1/compliance/report{query}")
    return answer


def shared(admin: Caller, as_of: datetime | None = None) -> list[tuple[str, str, list[str]]]:
    """The severity, figure and shops of each finding about a payee."""
    found = [finding for finding in report(admin, as_of)["findings"] if finding["id"] == "OWN-M01"]
    return [(finding["severity"], finding["figure"], finding["shop_ids"]) for finding in found]


def test_a_payee_above_and_below_itself_is_found_however_far_apart(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", WU)
    pay_to(admin, "c", LI)
    assert shared(admin) == [("alert", "payee_shops 2, payee_shops_below 1", ["a", "c"])]


def test_a_payee_more_than_once_in_a_tree_is_found_though_no_shop_stands_below_another(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "c", LI)
    pay_to(admin, "d", LI)
    assert shared(admin) == [("alert", "payee_shops 2, payee_shops_below 0", ["d", "c"])]


def test_one_payee_is_one_finding_and_each_payee_has_its_own(cn: Api) -> None:
    admin = plant(cn)
    for shop_id in "abd":
        pay_to(admin, shop_id, LI)
    assert shared(admin) == [("alert", "payee_shops 3, payee_shops_below 2", ["a", "b", "d"])]
    pay_elsewhere(cn, admin, "d", WU)
    pay_to(admin, "c", WU)
    assert shared(admin) == [
        ("alert", "payee_shops 2, payee_shops_below 1", ["a", "b"]),
        ("alert", "payee_shops 2, payee_shops_below 0", ["d", "c"]),
    ]


def test_payees_of_two_trees_or_of_two_identities_are_no_finding(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "x", LI)
    pay_to(admin, "b", WU)
    pay_to(admin, "c", LI, "hk_macau_permit")
    assert shared(admin) == []


def test_the_identity_is_the_same_however_it_is_spelled(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", "E1234 5678")
    pay_to(admin, "b", "e12345678")
    assert [shop_ids for _, _, shop_ids in shared(admin)] == [["a", "b"]]


def test_the_payee_in_force_counts_and_the_report_of_a_past_instant_is_what_it_was(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", LI)
    then = cn.world.now()
    before = report(admin, then)
    pay_elsewhere(cn, admin, "b", WU)
    assert shared(admin) == []
    assert report(admin, then) == before
    assert [shop_ids for _, _, shop_ids in shared(admin, then)] == [["a", "b"]]
    admin.post("/v1/shops/b/move", {"sponsor_id": None, "reason": "own business"})
    pay_elsewhere(cn, admin, "b", LI)
    assert shared(admin) == [], "each has a tree of its own now"


def test_an_erased_payee_is_known_to_nobody(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", LI)
    admin.post("/v1/shops/b/erase")
    assert shared(admin) == []


def test_the_daily_run_records_the_finding_once_and_names_the_shops_and_no_identity(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", LI)
    first = admin.post("/v1/compliance/runs")
    [finding] = [finding for finding in first["findings"] if finding["id"] == "OWN-M01"]
    assert (finding["subject"], finding["shop_ids"]) == ("shop:a", ["a", "b"])
    assert admin.post("/v1/compliance/runs")["new_findings"] == 0
    [kept] = admin.get("/v1/compliance/findings?id=OWN-M01")["data"]
    assert (kept["severity"], kept["action"], kept["shop_ids"]) == ("alert", "reported", ["a", "b"])
    assert kept["evidence"] == {"payee_shops": 2, "payee_shops_below": 1}
    assert kept["threshold"] == "payee_shops ≥ 2, payee_shops_below ≥ 1"
    hashes = cn.world.rows("SELECT encode(identity_hash, 'hex') FROM payee_keys WHERE program_id = :program")
    said = f"{report(admin)} {first} {kept}"
    assert not [secret for secret in (LI, LI[-4:], *(row[0] for row in hashes)) if secret in said]
    assert admin.get("/v1/compliance/cases")["data"] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("shop a", "The payee of a shop is also that of a shop above it", "Shops: a, b.")),
        ("zh", ("店铺 a", "同一收款人的店铺互为上下级", "店铺：a, b。")),
    ],
)
def test_the_paper_names_the_shops_in_the_readers_language(cn: Api, language: str, words: tuple[str, ...]) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", LI)
    answer = admin.call("GET", f"/v1/compliance/report?format=pdf&language={language}")
    pages = PdfReader(io.BytesIO(answer.data)).pages
    paper = "".join(page.extract_text() for page in pages)
    flat = "".join(paper.split())
    assert [word for word in words if "".join(word.split()) not in flat] == []


def test_a_registration_is_never_refused_for_it(cn: Api) -> None:
    admin = plant(cn)
    pay_to(admin, "a", LI)
    pay_to(admin, "b", LI)
    assert admin.call("POST", "/v1/shops", {"id": "e", "sponsor_id": "b"}).status_code == 201


def test_no_more_than_so_many_payees_are_named_and_the_rest_are_counted(
    cn: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distrib.services.compliance.shared_payees.MOST_SUBJECTS", 1)
    monkeypatch.setattr("distrib.services.compliance.shared_payees.MOST_NAMED", 2)
    admin = plant(cn)
    cn.world.join(("e", "a"), ("f", "a"), ("y", "x"))
    for shop_id in "abef":
        pay_to(admin, shop_id, LI)
    for shop_id in "xy":
        pay_to(admin, shop_id, WU)
    findings = [finding for finding in report(admin)["findings"] if finding["id"] == "OWN-M01"]
    assert [(finding["subject"], finding["figure"], finding.get("shop_ids")) for finding in findings] == [
        ("shop:a", "payee_shops 4, payee_shops_below 3", ["a", "b"]),
        ("more payees", "payees 1", None),
    ]


@pytest.mark.parametrize(
    ("pack", "severities"),
    [
        ("open", ["info", "info"]),
        ("cn", ["alert", "alert"]),
        ("cn-strict", ["alert", "alert"]),
        ("us", ["alert", "info"]),
        ("eu", ["alert", "info"]),
        ("uk", ["alert", "info"]),
        ("in", ["alert", "info"]),
    ],
)
def test_every_pack_watches_it_and_says_how_grave_it_is(api: Api, pack: str, severities: list[str]) -> None:
    watched = [monitor for monitor in api.world.policies[pack].monitors if monitor.id == "OWN-M01"]
    assert [monitor.severity for monitor in watched] == severities
    days = (date(2025, 12, 31), date(2026, 1, 1))
    assert [[monitor.is_in_force(day, "CNY") for day in days] for monitor in watched] == [[False, True]] * 2
