"""Compliance over HTTP: what registrations raise, findings, cases, and the report of a past instant."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from distrib.languages.readers import READERS
from distrib.settings import Settings
from tests.world.api import Api, app_on
from tests.world.documents import line, settled
from tests.world.world import EARLY, World, chain, open_world

UPLINE: dict[str, Any] = {
    "code": "two-level",
    "currency": "CNY",
    "hold_days": 0,
    "rules": [
        {"id": "own", "pay": "seller", "rate": "0.10"},
        {"id": "up", "pay": "upline", "tier": 1, "rate": "0.05"},
    ],
}
DAY = timedelta(days=1)


@pytest.fixture
def cn(settings: Settings, database_url: str, redis_url: str) -> Iterator[Api]:
    """The API on a program under the pack of China."""
    opened = open_world(settings, database_url, redis_url, policy="cn")
    yield Api(app_on(opened.container), opened)
    opened.container.close()


def findings(api: Api, query: str = "") -> list[tuple[str, str, str, str]]:
    rows = api.caller("finance").get(f"/v1/compliance/findings{query}")["data"]
    return [(row["id"], row["subject"], row["figure"], row["action"]) for row in reversed(rows)]


def test_a_third_level_is_an_alert_and_a_fourth_is_detached(cn: Api) -> None:
    admin = cn.caller()
    for shop_id, sponsor_id in chain("a", "b", "c", "d"):
        admin.post("/v1/shops", {"id": shop_id, "sponsor_id": sponsor_id})
    assert findings(cn) == [
        ("CN-R01", "shop:c", "level 3", "allowed"),
        ("CN-R01", "shop:d", "level 4", "detached"),
    ]
    [row] = admin.get("/v1/compliance/findings?severity=alert&limit=1")["data"]
    assert row["evidence"] == {"shops": {"d": 4}}
    assert (row["pack"], row["threshold"], row["moment"]) == ("cn@2005-11-01", "level ≥ 3", "registration")


def test_a_call_leaves_one_row_however_many_shops_it_brings(cn: Api) -> None:
    drafts = [{"id": "a"}, {"id": "b", "sponsor_id": "a"}]
    drafts += [{"id": f"c{number}", "sponsor_id": "b"} for number in range(30)]
    drafts += [{"id": "x", "sponsor_id": "y"}, {"id": "y", "sponsor_id": "x"}]
    cn.caller().post("/v1/shops/batch", {"shops": drafts})
    assert findings(cn) == [
        ("CN-R01", "30 shops", "level 3", "allowed"),
        ("CN-R03", "2 shops", "refused 2", "refused"),
    ]


def test_what_was_refused_is_logged_though_the_call_was_undone(cn: Api) -> None:
    admin = cn.caller()
    admin.post("/v1/shops", {"id": "a", "identity": "one"})
    admin.post("/v1/shops", {"id": "b", "sponsor_id": "a"})
    admin.refused("POST", "/v1/shops", {"id": "twin", "identity": "one"})
    admin.refused("POST", "/v1/shops", {"id": "me", "sponsor_id": "me"})
    admin.refused("POST", "/v1/shops/a/move", {"sponsor_id": "b", "reason": "r"})
    admin.refused("POST", "/v1/shops", {"id": "lost", "sponsor_id": "nobody"})
    assert findings(cn, "?id=CN-R03") == [
        ("CN-R03", "shop:twin", "refused 1", "refused"),
        ("CN-R03", "shop:me", "refused 1", "refused"),
        ("CN-R03", "shop:a", "refused 1", "refused"),
    ]
    [newest] = admin.get("/v1/compliance/findings?limit=1")["data"]
    assert newest["evidence"] == {"shops": {"a": "sponsor_cycle"}}


def test_the_open_pack_has_nothing_to_say_about_registrations(api: Api) -> None:
    api.world.join(*chain("a", "b", "c", "d", "e"))
    assert findings(api) == []


def test_findings_come_in_pages_and_by_filter(cn: Api) -> None:
    cn.world.join(*chain("a", "b"))
    for number in range(5):
        cn.world.join((f"c{number}", "b"))
    finance = cn.caller("finance")
    first = finance.get("/v1/compliance/findings?limit=3")
    rest = finance.get(f"/v1/compliance/findings?limit=3&cursor={first['next_cursor']}")
    subjects = [row["subject"] for row in first["data"] + rest["data"]]
    assert (subjects, rest["next_cursor"]) == ([f"shop:c{number}" for number in (4, 3, 2, 1, 0)], None)
    assert finance.get("/v1/compliance/findings?severity=hold")["data"] == []
    assert finance.get("/v1/compliance/findings?since=2200-01-01T00:00:00Z")["data"] == []


def grow(world: World) -> None:
    """A tree of 30 persons in three levels, with an entry line bought in it lately."""
    world.publish(UPLINE)
    world.join(("a", None), *((f"c{number}", "a") for number in range(28)), ("g", "c0"))
    paid_at = world.container.now() - 40 * DAY
    world.earn(settled("e", "o", "g", line(39_900, entry=True), line(10_000, "2"), paid_at=paid_at))


def test_a_run_opens_a_case_that_a_person_decides(cn: Api) -> None:
    grow(cn.world)
    admin, finance = cn.caller(), cn.caller("finance")
    run = admin.post("/v1/compliance/runs")
    assert run["cases_opened"] == ["tree:a"]
    [case] = finance.get("/v1/compliance/cases")["data"]
    assert (case["finding_id"], case["state"], case["evidence"]["persons"]) == ("CN-M01", "open", 30)
    path = f"/v1/compliance/cases/{case['case_no']}"
    decision = {"decision": "freeze", "decided_by": "Han Meimei", "reason": "30 persons, 3 levels, a fee"}
    assert finance.refused("POST", f"{path}/decisions", decision) == (403, "forbidden")
    once = {"headers": {"Idempotency-Key": "k"}}
    frozen = admin.post(f"{path}/decisions", decision, **once)
    assert admin.post(f"{path}/decisions", decision, **once) == frozen
    assert admin.refused("POST", f"{path}/decisions", decision) == (409, "case_decided")
    now = cn.world.container.now()
    cn.world.earn(settled("e2", "o2", "g", line(10_000), paid_at=now, occurred_at=now))
    assert finance.get(path)["frozen_minor"] == 500
    looks = finance.get("/v1/orders/o2/explanation")["looks"]
    assert [(look["shop_id"], look["amount_minor"], look["reason"]) for look in looks] == [
        ("g", 1_000, "paid"),
        ("c0", 500, "policy"),
    ]
    states = {row["shop_id"]: row["state"] for row in finance.get("/v1/commissions?order_id=o2")["data"]}
    assert states == {"g": "available", "c0": "held"}
    assert [row["shop_id"] for row in finance.get("/v1/commissions?order_id=o2&state=held")["data"]] == ["c0"]
    assert [row["shop_id"] for row in finance.get("/v1/commissions?order_id=o2&state=available")["data"]] == ["g"]
    in_order = {row["shop_id"]: row["state"] for row in finance.get("/v1/orders/o2")["commissions"]}
    assert in_order == states
    release = {"decision": "release", "decided_by": "Li Lei", "reason": "explained"}
    released = admin.post(f"{path}/decisions", release)
    assert (released["state"], released["frozen_minor"]) == ("released", 0)
    assert [decision["decided_by"] for decision in released["decisions"]] == ["Han Meimei", "Li Lei"]
    assert finance.get("/v1/commissions?order_id=o2&state=held")["data"] == []


def test_a_case_is_opened_by_hand_about_a_shop_or_an_organiser_not_both(cn: Api) -> None:
    cn.world.join(*chain("a", "b"))
    admin = cn.caller()
    case = admin.post("/v1/compliance/cases", {"shop_id": "b", "reason": "a letter"})
    assert (case["subject"], case["finding_id"], case["reason"]) == ("tree:a", None, "a letter")
    both = {"shop_id": "a", "organiser_id": "x", "reason": "r"}
    assert admin.refused("POST", "/v1/compliance/cases", both) == (422, "invalid")
    assert admin.refused("POST", "/v1/compliance/cases", {"reason": "r"}) == (422, "invalid")
    for number in ("999999", "x", "-1", "9" * 30):
        assert admin.refused("GET", f"/v1/compliance/cases/{number}") == (404, "case_unknown")
    stranger = cn.caller(program=cn.other_program())
    assert stranger.refused("GET", f"/v1/compliance/cases/{case['case_no']}") == (404, "case_unknown")


def test_the_report_shows_plans_caps_structure_and_the_action_on_each_finding(cn: Api) -> None:
    grow(cn.world)
    cn.caller().post("/v1/compliance/runs")
    report = cn.caller("finance").get("/v1/compliance/report")
    assert [pack["version"] for pack in report["packs"]] == ["cn@2005-11-01"]
    assert report["caps"] == {"max_tiers": 1, "max_tree_levels": 3, "on_excess": "detach", "order_cap": None}
    [plan] = report["plans"]
    assert (plan["code"], plan["is_in_force"], plan["signed_off_by"]) == ("two-level", True, "Li Lei")
    assert (report["structure"]["persons"], report["structure"]["deepest_level"]) == (30, 3)
    [case] = report["cases"]
    done = {finding["id"]: finding["done"] for finding in report["findings"]}
    assert done["CN-P04"] == "signed off by Li Lei"
    assert done["CN-M01"] == f"case {case['case_no']}: open"
    assert {row["id"] for row in report["recorded"]} >= {"CN-R01", "CN-M01"}
    for finding in report["findings"]:
        assert all(finding[name] for name in ("figure", "threshold", "source", "detail_en", "detail_zh")), finding


def test_a_report_of_a_past_instant_stays_what_it_was(cn: Api) -> None:
    world = cn.world
    world.publish(UPLINE)
    world.join(*chain("a", "b"))
    finance = cn.caller("finance")
    as_of = world.container.now().isoformat().replace("+00:00", "Z")
    path = f"/v1/compliance/report?as_of={as_of}"
    before = finance.get(path)
    world.join(("c", "b"), joined_at=world.container.now())
    cn.caller().post("/v1/compliance/cases", {"shop_id": "a", "reason": "r"})
    cn.caller().post("/v1/compliance/runs")
    assert finance.get(path) == before
    now = finance.get("/v1/compliance/report")
    assert (now["structure"]["persons"], len(now["cases"])) == (3, 1)
    assert now["digest"] != before["digest"]
    early = finance.get(f"/v1/compliance/report?as_of={(EARLY - DAY).date()}T00:00:00Z")
    assert (early["structure"]["persons"], early["plans"], early["recorded"]) == (0, [], [])
    assert finance.refused("GET", "/v1/compliance/report?as_of=2200-01-01T00:00:00Z") == (422, "invalid")


def test_a_buyer_who_becomes_a_shop_later_stays_a_buyer_in_the_report_of_before(cn: Api) -> None:
    world = cn.world
    world.publish(UPLINE)
    world.join(("a", None))
    then = world.container.now() - DAY
    world.earn(settled("e", "o", "a", line(1_000), customer_id="buyer", paid_at=then, occurred_at=then))
    finance = cn.caller("finance")
    path = f"/v1/compliance/report?as_of={world.container.now().isoformat().replace('+00:00', 'Z')}"
    before = finance.get(path)
    world.join(("buyer", "a"), joined_at=world.container.now())
    assert finance.get(path) == before
    figures = [finance.get(place)["structure"] for place in (path, "/v1/compliance/report")]
    assert [(figure["retail_minor"], figure["buyers"]) for figure in figures] == [(1_000, 1), (0, 0)]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("合规报告", "三级及以上的树", "不构成法律意见", "推荐树 a", "暂扣立案", "待决定", "Asia/Shanghai")),
        ("en", ("Compliance report", "no legal advice", "tree of a", "levels ≥ 3")),
    ],
)
def test_the_report_is_a_pdf_in_chinese_and_english(cn: Api, language: str, words: tuple[str, ...]) -> None:
    grow(cn.world)
    cn.caller().post("/v1/compliance/runs")
    as_of = cn.world.container.now().isoformat().replace("+00:00", "Z")
    path = f"/v1/compliance/report?format=pdf&language={language}&as_of={as_of}"
    first = cn.caller("finance").call("GET", path)
    assert first.content_type == "application/pdf"
    assert cn.caller("finance").call("GET", path).data == first.data
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(first.data)).pages)
    for word in (*words, "CN-M01", "CN-P04"):
        assert word in text, word


@pytest.mark.parametrize(
    ("language", "whole"),
    [
        ("zh", ("严重程度", "间接佣金占比", "含消费者层级", "暂扣立案")),
        ("en", ("severity", "levels with buyers", "what was done", "information")),
    ],
)
def test_the_reports_headings_and_words_are_whole_and_no_line_begins_with_a_mark(
    cn: Api, language: str, whole: tuple[str, ...]
) -> None:
    grow(cn.world)
    cn.caller().post("/v1/compliance/runs")
    content = cn.caller("finance").call("GET", f"/v1/compliance/report?format=pdf&language={language}").data
    lines = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).splitlines()
    assert [word for word in whole if word not in lines] == []
    assert [drawn for drawn in lines if drawn.startswith(("，", "。", "；", "%"))] == []


def test_the_report_on_paper_names_the_platform_numbers_its_pages_draws_the_largest_tree_and_is_signed(cn: Api) -> None:
    grow(cn.world)
    cn.world.join(*((f"n{number:02}", "c0") for number in range(50)))
    cn.caller().call("PATCH", "/v1/program", {"title": "春茶优选"})
    finance, as_of = cn.caller("finance"), cn.world.container.now().isoformat().replace("+00:00", "Z")
    path = f"/v1/compliance/report?as_of={as_of}"
    papers = {language: finance.call("GET", f"{path}&format=pdf&language={language}").data for language in READERS}
    digest = finance.get(path)["digest"]
    for language, paper in papers.items():
        pages = PdfReader(io.BytesIO(paper)).pages
        texts = [" ".join(page.extract_text().split()) for page in pages]
        for number, text in enumerate(texts, 1):
            said = {"zh": f"第 {number} 页，共 {len(pages)} 页", "en": f"Page {number} of {len(pages)}"}
            wanted = ["春茶优选", digest, *(said if language == "both" else {language: said[language]}).values()]
            assert [word for word in said.values() if (word in text) is not (word in wanted)] == []
            assert [word for word in wanted[:2] if word not in text] == []
        whole = " ".join(texts)
        signers = {
            "zh": ("编制人", "审核人", "平台（盖章）", "签字"),
            "en": ("Prepared by", "Reviewed by", "Signature"),
        }
        picture = {"zh": ("最大的推荐树，a", "第 3 层"), "en": ("The largest tree, of a", "Level 3")}
        for one, words in [*signers.items(), *picture.items()]:
            assert [word for word in words if (word in whole) is not (language in (one, "both"))] == []
    drawn = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(papers["en"])).pages)
    assert 0 < sum(f"n{number:02}\n" in drawn for number in range(50)) < 36
    assert "more" in drawn


def test_a_customer_whose_record_names_a_shop_is_no_retail_buyer(cn: Api) -> None:
    cn.world.publish(UPLINE)
    cn.world.join(*chain("a", "b"))
    cn.caller().put("/v1/customers/person", {"shop_id": "a"})
    now = cn.world.container.now()
    cn.world.earn(
        settled("e1", "o1", "b", line(300), customer_id="person", paid_at=now, occurred_at=now),
        settled("e2", "o2", "b", line(700), customer_id="buyer", paid_at=now, occurred_at=now),
    )
    structure = cn.caller().get("/v1/compliance/report")["structure"]
    assert (structure["sales_minor"], structure["retail_minor"], structure["buyers"]) == (1_000, 700, 1)


def test_the_law_of_2026_is_in_reports_from_its_first_day_on_and_unknown_to_those_of_2025(cn: Api) -> None:
    cn.world.publish(UPLINE)
    cn.world.join(("a", None), *((f"c{number}", "a") for number in range(14)))
    december = datetime(2025, 12, 20, tzinfo=UTC)
    cn.world.earn(
        settled("e", "o", "c0", line(39_900, entry=True), line(20_000_000, "2", entry=True), paid_at=december)
    )
    finance = cn.caller("finance")
    path = "/v1/compliance/report?language=zh&as_of="
    last_of_2025, first_of_2026 = "2025-12-31T23:59:59.999999%2B08:00", "2026-01-01T00:00:00%2B08:00"
    for as_of, expected in (
        (last_of_2025, []),
        (first_of_2026, ["fee_or_head_count ≥ 1, persons ≥ 15", "entry_minor ≥ 20000000, fee_or_head_count ≥ 1"]),
    ):
        report = finance.get(f"{path}{as_of}")
        found = [finding for finding in report["findings"] if finding["id"] == "CN-M09"]
        assert [sorted(finding["threshold"].split(", ")) for finding in found] == [
            text.split(", ") for text in expected
        ]
        assert all(finding["source"].startswith("治安管理处罚法 art. 34") for finding in found)
        assert {(finding["subject"], finding["severity"]) for finding in found} <= {("tree:a", "alert")}
        drawn = PdfReader(io.BytesIO(finance.call("GET", f"{path}{as_of}&format=pdf").data)).pages
        text = "".join("".join(page.extract_text() for page in drawn).split())
        assert ("CN-M09" in text, "《治安管理处罚法》第三十四条" in text) == (bool(expected), bool(expected))


def test_the_report_of_a_past_instant_is_judged_by_the_pack_of_then(cn: Api) -> None:
    admin = cn.caller()
    before = cn.world.container.now().isoformat().replace("+00:00", "Z")
    answer = admin.call("PATCH", "/v1/program", {"policy": "cn-strict"})
    assert answer.status_code == 200, answer.text
    reports = [admin.get(f"/v1/compliance/report{query}") for query in ("", f"?as_of={before}")]
    assert [report["packs"][0]["name"] for report in reports] == ["cn-strict", "cn"]
