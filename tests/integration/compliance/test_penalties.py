"""Penalties over HTTP, and the variants of CN-M04 after one: 60 persons, and 15 persons in three levels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from distrib.domain.errors import Refusal
from distrib.services.compliance.penalties import PenaltyDraft, record_penalty, withdraw_penalty
from distrib.services.compliance.structure import Structure, measure_structure
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import shops
from distrib.services.network.moves import Move
from distrib.services.network.records import ShopChanges, change_shop
from distrib.settings import Settings
from distrib.store.database import open_engine
from tests.world.api import Api, app_on
from tests.world.documents import SELLER_TEN_PERCENT
from tests.world.world import World, chain, open_world

PATH = "/v1/compliance/penalties"
DAY = timedelta(days=1)
DRAFT: dict[str, Any] = {
    "id": "p-1",
    "shop_id": "a",
    "kind": "administrative",
    "decided_on": "2026-03-09",
    "authority": "海珠区市监局",
    "reference": "穗海市监罚字〔2026〕1号",
    "reason": "组织传销",
}


@pytest.fixture
def cn(settings: Settings, database_url: str, redis_url: str) -> Iterator[Api]:
    """The API on a program under the pack of China, with a plan that takes no fee."""
    opened = open_world(settings, database_url, redis_url, policy="open")
    opened.publish({**SELLER_TEN_PERCENT, "policy": "cn", "declarations": {"minimum_age": 18}})
    yield Api(app_on(opened.container), opened)
    opened.container.close()


def today(world: World) -> date:
    return world.program.day_of(world.container.now())


def noon(world: World, day: date) -> datetime:
    return datetime.combine(day, time(12), world.program.zone)


def penalise(world: World, penalty_id: str = "p-1", recorded_at: datetime | None = None, **content: Any) -> None:
    """Records a penalty; about the shop a, decided today, if nothing else is said."""
    draft: dict[str, Any] = {
        "id": penalty_id,
        "shop_id": None,
        "organiser_id": None,
        "kind": "administrative",
        "authority": None,
        "decided_on": today(world),
        "reference": None,
        "reason": "r",
        **content,
    }
    if draft["organiser_id"] is None and draft["shop_id"] is None:
        draft["shop_id"] = "a"
    with world.container.begin() as conn:
        record_penalty(
            Unit(conn, world.program, COMMAND_LINE, recorded_at or world.container.now()), PenaltyDraft(**draft)
        )


def withdraw(world: World, penalty_id: str = "p-1") -> None:
    with world.container.begin() as conn:
        withdraw_penalty(Unit(conn, world.program, COMMAND_LINE, world.container.now()), penalty_id, "annulled")


def organise(world: World, organiser_id: str | None, *shop_ids: str) -> None:
    with world.container.begin() as conn:
        for shop_id in shop_ids:
            wanted = ShopChanges(organiser_id=organiser_id)
            change_shop(Unit(conn, world.program, COMMAND_LINE, world.container.now()), shop_id, wanted)


def measure(world: World, as_of: datetime | None = None) -> Structure:
    with world.container.begin() as conn:
        return measure_structure(conn, world.program, world.container.policies, as_of or world.container.now())


def grave(world: World, as_of: datetime | None = None) -> list[tuple[str, str]]:
    """What CN-M04 finds: the subject and the figure."""
    return [
        (finding.subject, str(finding.figure))
        for finding in measure(world, as_of).findings
        if finding.monitor.id == "CN-M04"
    ]


def flat(persons: int, root: str = "a") -> list[tuple[str, str | None]]:
    """A tree of so many persons in two levels."""
    return [(root, None), *((f"{root}{number}", root) for number in range(1, persons))]


def deep(persons: int, root: str = "a") -> list[tuple[str, str | None]]:
    """A tree of so many persons in three levels."""
    return [*flat(persons - 1, root), (f"{root}-deep", f"{root}1")]


def test_sixty_persons_after_a_penalty_are_grave_and_fifty_nine_are_not(cn: Api) -> None:
    cn.world.join(*flat(59))
    penalise(cn.world)
    assert grave(cn.world) == []
    cn.world.join(("one-more", "a"))
    assert grave(cn.world) == [("tree:a", "persons 60, penalties 1")]
    withdraw(cn.world)
    assert grave(cn.world) == []


def test_fifteen_persons_in_three_levels_after_a_penalty_are_grave_and_fourteen_are_not(cn: Api) -> None:
    cn.world.join(*deep(14))
    penalise(cn.world)
    assert grave(cn.world) == []
    cn.world.join(("one-more", "a"))
    assert grave(cn.world) == [("tree:a", "persons 15, levels 3, penalties 1")]


def test_fifteen_persons_in_two_levels_are_not_grave_after_a_penalty(cn: Api) -> None:
    cn.world.join(*flat(15), *deep(15, "b"))
    penalise(cn.world)
    assert grave(cn.world) == []


def test_an_administrative_penalty_counts_to_the_last_instant_before_its_anniversary(cn: Api) -> None:
    """The days are those of Shanghai: the anniversary begins at 16:00 UTC of the day before."""
    cn.world.join(*deep(15))
    decided_on = date(2025, 3, 9)
    first = datetime(2025, 3, 8, 16, tzinfo=cn.world.container.now().tzinfo)
    anniversary = first.replace(year=2026)
    penalise(cn.world, recorded_at=noon(cn.world, decided_on) - timedelta(hours=11), decided_on=decided_on)
    counted = [bool(grave(cn.world, instant)) for instant in (anniversary - timedelta(microseconds=1), anniversary)]
    assert counted == [True, False]


def test_a_penalty_of_today_counts_and_one_of_the_future_cannot_be(cn: Api) -> None:
    cn.world.join(*deep(15))
    with pytest.raises(Refusal) as refused:
        penalise(cn.world, decided_on=today(cn.world) + DAY)
    assert [problem.pointer for problem in refused.value.problems] == ["/decided_on"]
    penalise(cn.world, decided_on=today(cn.world))
    assert len(grave(cn.world)) == 1


def test_a_criminal_penalty_counts_for_ever_and_an_administrative_one_of_then_does_not(cn: Api) -> None:
    cn.world.join(*deep(15), *deep(15, "b"))
    penalise(cn.world, "p-1", kind="administrative", decided_on=date(2001, 1, 1))
    penalise(cn.world, "p-2", shop_id="b", kind="criminal", decided_on=date(2001, 1, 1))
    assert [subject for subject, _ in grave(cn.world)] == ["tree:b"]


def test_a_penalty_counts_for_the_tree_its_shop_stands_in_wherever_in_it(cn: Api) -> None:
    cn.world.join(*deep(15), *deep(15, "b"))
    penalise(cn.world, shop_id="a-deep")
    assert grave(cn.world) == [("tree:a", "persons 15, levels 3, penalties 1")]
    with cn.world.container.begin() as conn:
        pack, now = cn.world.container.policies["open"], cn.world.container.now()
        shops.move_shop(Unit(conn, cn.world.program, COMMAND_LINE, now), pack, "a-deep", Move("b1", now, "a test"))
    assert [subject for subject, _ in grave(cn.world)] == ["tree:b"]


def test_a_penalty_of_an_organiser_counts_for_every_tree_that_names_him_while_it_does(cn: Api) -> None:
    cn.world.join(*deep(15), *deep(15, "b"), *deep(15, "c"))
    penalise(cn.world, organiser_id="boss")
    assert grave(cn.world) == []
    organise(cn.world, "boss", "a", "b1")
    findings = grave(cn.world)
    assert [subject for subject, _ in findings] == ["tree:a", "tree:b"]
    organise(cn.world, None, "a")
    assert [subject for subject, _ in grave(cn.world)] == ["tree:b"]


def test_trees_of_one_organiser_are_added_and_his_penalty_counts_once(cn: Api) -> None:
    cn.world.join(*deep(8), *flat(7, "b"))
    organise(cn.world, "boss", "a", "b")
    assert grave(cn.world) == []
    penalise(cn.world, "p-1", organiser_id="boss")
    assert grave(cn.world) == [("organiser:boss", "persons 15, levels 3, penalties 1")]
    penalise(cn.world, "p-2", shop_id="b1")
    [boss] = measure(cn.world).organisers
    assert boss.figures["penalties"] == 2
    assert {tree.subject: tree.figures["penalties"] for tree in measure(cn.world).largest} == {"tree:a": 1, "tree:b": 2}


def test_several_penalties_of_one_tree_are_counted_and_those_without_a_tree_are_not(cn: Api) -> None:
    cn.world.join(*deep(60), ("late", None))
    for number, shop_id in enumerate(("a", "a1", "a1")):
        penalise(cn.world, f"p-{number}", shop_id=shop_id)
    penalise(cn.world, "p-nobody", organiser_id="nobody")
    assert grave(cn.world) == [
        ("tree:a", "persons 60, penalties 3"),
        ("tree:a", "persons 60, levels 3, penalties 3"),
    ]


def test_a_past_instant_knows_nothing_of_what_was_recorded_or_withdrawn_later(cn: Api) -> None:
    cn.world.join(*deep(15))
    before = cn.world.container.now()
    penalise(cn.world, decided_on=date(2001, 1, 1), kind="criminal")
    between = cn.world.container.now()
    withdraw(cn.world)
    counts = [len(grave(cn.world, instant)) for instant in (before, between, cn.world.container.now())]
    assert counts == [0, 1, 0]
    finance = cn.caller("finance")
    reports = [finance.get(f"/v1/compliance/report?as_of={stamp(instant)}") for instant in (before, between)]
    assert [len(report["penalties"]) for report in reports] == [0, 1]
    penalise(cn.world, "p-2", decided_on=date(2001, 1, 1), kind="criminal")
    assert [finance.get(f"/v1/compliance/report?as_of={stamp(instant)}") for instant in (before, between)] == reports


def stamp(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def test_a_penalty_of_another_program_says_nothing_here(cn: Api) -> None:
    other = cn.other_program()
    stranger = cn.caller(program=other)
    cn.world.join(*deep(15))
    stranger.post("/v1/shops", {"id": "a"})
    stranger.post(PATH, DRAFT)
    stranger.post(PATH, {**DRAFT, "id": "p-2", "shop_id": None, "organiser_id": "boss"})
    organise(cn.world, "boss", "a")
    assert grave(cn.world) == []
    admin = cn.caller()
    assert admin.get(PATH)["data"] == []
    assert admin.refused("GET", f"{PATH}/p-1") == (404, "penalty_unknown")
    assert admin.refused("POST", f"{PATH}/p-1/withdraw", {"reason": "r"}) == (404, "penalty_unknown")
    assert admin.post(PATH, DRAFT)["id"] == "p-1"


def test_a_run_opens_a_case_about_the_tree_and_the_report_shows_the_penalty(cn: Api) -> None:
    cn.world.join(*deep(15))
    admin, finance = cn.caller(), cn.caller("finance")
    sent = {**DRAFT, "shop_id": "a1", "decided_on": today(cn.world).isoformat()}
    admin.post(PATH, sent)
    assert admin.post("/v1/compliance/runs")["cases_opened"] == ["tree:a"]
    [case] = finance.get("/v1/compliance/cases")["data"]
    assert (case["finding_id"], case["shop_id"], case["evidence"]["penalties"]) == ("CN-M04", "a", 1)
    report = finance.get("/v1/compliance/report")
    [penalty] = report["penalties"]
    assert {name: penalty[name] for name in sent} == sent
    assert (penalty["subject"], penalty["trees"], penalty["persons"], penalty["levels"]) == ("tree:a", 1, 2, 2)
    [finding] = [finding for finding in report["findings"] if finding["id"] == "CN-M04"]
    assert (str(finding["threshold"]), finding["done"]) == (
        "persons ≥ 15, levels ≥ 3, penalties ≥ 1",
        f"case {case['case_no']}: open",
    )
    paper = finance.call("GET", "/v1/compliance/report?format=pdf&language=zh").data
    paper_text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages).replace("\n", "")
    for word in ("计入的处罚", "p-1", "海珠区市监局", "行政处罚"):
        assert word in paper_text, word


def test_the_report_shows_an_organisers_penalty_and_one_of_a_shop_that_had_not_joined(cn: Api) -> None:
    cn.world.join(*deep(15), *flat(3, "b"))
    organise(cn.world, "boss", "a", "b")
    cn.world.join(("later", None), joined_at=cn.world.container.now() + timedelta(minutes=4))
    penalise(cn.world, "p-1", organiser_id="boss")
    penalise(cn.world, "p-2", shop_id="later", kind="criminal", decided_on=date(2001, 1, 1))
    penalties = cn.caller("finance").get("/v1/compliance/report")["penalties"]
    shown = [(row["id"], row["subject"], row["trees"], row["persons"], row["lapses_on"] is None) for row in penalties]
    assert shown == [("p-2", None, 0, None, True), ("p-1", "organiser:boss", 2, None, False)]


def test_a_penalty_sent_again_answers_as_it_stands_and_with_other_content_is_a_conflict(cn: Api) -> None:
    cn.world.join(("a", None))
    admin = cn.caller()
    first = admin.call("POST", PATH, DRAFT)
    again = admin.call("POST", PATH, {**DRAFT, "organiser_id": None})
    assert (first.status_code, again.status_code, again.json) == (201, 200, first.json)
    assert first.headers["Location"] == f"{PATH}/p-1"
    assert admin.get(f"{PATH}/p-1") == first.json
    for change in ({"decided_on": "2026-03-08"}, {"kind": "criminal"}, {"authority": None}, {"reason": "other"}):
        assert admin.refused("POST", PATH, DRAFT | change) == (409, "id_conflict")
    withdrawn = admin.post(f"{PATH}/p-1/withdraw", {"reason": "annulled"})
    assert (withdrawn["status"], withdrawn["withdrawal_reason"]) == ("withdrawn", "annulled")
    assert admin.post(f"{PATH}/p-1/withdraw", {"reason": "annulled"}) == withdrawn
    assert admin.refused("POST", f"{PATH}/p-1/withdraw", {"reason": "other"}) == (409, "penalty_withdrawn")
    assert admin.post(PATH, DRAFT) == withdrawn


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"shop_id": None}, {"/shop_id"}),
        ({"organiser_id": "boss"}, {"/shop_id"}),
        ({"kind": "moral", "decided_on": "9 March", "reason": ""}, {"/kind", "/decided_on", "/reason"}),
        ({"decided_on": "2026-02-30"}, {"/decided_on"}),
        ({"decided_on": "20260309"}, {"/decided_on"}),
        ({"decided_on": "2200-01-01", "shop_id": None}, {"/decided_on", "/shop_id"}),
        ({"decided_on": None}, {"/decided_on"}),
        ({"authority": " "}, {"/authority"}),
        ({"shop_id": None, "organiser_id": "b" * 65, "kind": None}, {"/organiser_id", "/kind"}),
        ({"shop_id": None, "organiser_id": " "}, {"/organiser_id"}),
        ({"id": "a/b", "colour": "red"}, {"/id", "/colour"}),
    ],
)
def test_all_that_is_wrong_with_a_penalty_is_reported_at_once(
    cn: Api, change: dict[str, Any], pointers: set[str]
) -> None:
    cn.world.join(("a", None))
    problem = cn.caller().problem("POST", PATH, DRAFT | change)
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == pointers


def test_a_penalty_of_an_unknown_shop_is_refused_and_one_of_an_organiser_nobody_names_is_kept(cn: Api) -> None:
    admin = cn.caller()
    assert admin.refused("POST", PATH, DRAFT) == (404, "shop_unknown")
    kept = admin.post(PATH, {**DRAFT, "shop_id": None, "organiser_id": "Boss / 老板"})
    assert (kept["shop_id"], kept["organiser_id"]) == (None, "Boss / 老板")
    assert admin.refused("POST", f"{PATH}/nobody/withdraw", {"reason": "r"}) == (404, "penalty_unknown")


def test_penalties_come_in_pages_and_by_whom_they_are_about(cn: Api) -> None:
    cn.world.join(*chain("a", "b"))
    admin, finance = cn.caller(), cn.caller("finance")
    for number in range(5):
        admin.post(PATH, {**DRAFT, "id": f"p-{number}", "shop_id": "ab"[number % 2]})
    admin.post(PATH, {**DRAFT, "id": "p-5", "shop_id": None, "organiser_id": "boss"})
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = finance.get(f"{PATH}?limit=4" + (f"&cursor={cursor}" if cursor else ""))
        ids += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
    assert ids == [f"p-{number}" for number in range(6)]
    assert [row["id"] for row in finance.get(f"{PATH}?shop_id=b")["data"]] == ["p-1", "p-3"]
    assert [row["id"] for row in finance.get(f"{PATH}?organiser_id=boss")["data"]] == ["p-5"]
    assert finance.refused("POST", PATH, DRAFT) == (403, "forbidden")


def test_of_many_who_send_one_penalty_at_once_all_get_the_same_answer(cn: Api) -> None:
    cn.world.join(("a", None))
    barrier, statuses = Barrier(4), []

    def send() -> None:
        caller = cn.caller()
        barrier.wait()
        statuses.append(caller.call("POST", PATH, DRAFT).status_code)

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 200, 201]


@pytest.mark.parametrize("table", ["penalties", "penalty_withdrawals"])
def test_the_database_itself_keeps_penalties_as_they_are(world: World, database_url: str, table: str) -> None:
    change = text(f"UPDATE {table} SET reason = 'other'")
    for acting in (world.container.worker_engine, world.container.web_engine):
        with acting.connect() as conn, pytest.raises(ProgrammingError, match="permission denied"):
            conn.execute(change)
    engine = open_engine(database_url, None)
    with engine.connect() as conn:
        flags = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = :name"
        assert tuple(conn.execute(text(flags), {"name": table}).one()) == (True, True)
        with pytest.raises(IntegrityError, match="only grows"):
            conn.execute(change)
    engine.dispose()
