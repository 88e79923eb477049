"""Payouts over HTTP: two keys, files that read back, payees that nobody reads in the database."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.encryption import Sealer
from distrib.services.payouts import payee_versions
from distrib.store.database import open_engine
from tests.world.api import Api, Caller
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, settled
from tests.world.payouts import earn, payee, put
from tests.world.world import World

UP_TO = "2026-04-01T00:00:00Z"
SECRET_NAME, SECRET_NUMBER, SECRET_ACCOUNT = "欧阳锋", "11010119900307123X", "6222021234567890123"


def whom(number: str = SECRET_NUMBER, **more: Any) -> dict[str, Any]:
    """A payee as JSON."""
    accounts = {
        "bank_account": SECRET_ACCOUNT,
        "bank_name": "工商银行",
        "wechat_openid": f"o{number}",
        "alipay_login": f"{number}@example.com",
    }
    whole = {"name": SECRET_NAME, "id_type": "id_card", "id_number": number, "kind": "person", "accounts": accounts}
    return whole | more


@pytest.fixture
def funded(api: Api) -> Api:
    """Shops a (100.00) and b (7.00) with payees, and c (3.00) without."""
    world = api.world
    world.publish(SELLER_TEN_PERCENT)
    world.join(("a", None), ("b", None), ("c", None))
    admin = api.caller()
    for shop, amount in (("a", 10_000), ("b", 700), ("c", 300)):
        earn(world, shop, amount, PAID)
    admin.put("/v1/shops/a/payee", whom())
    admin.put("/v1/shops/b/payee", whom("B-2"))
    return api


def change_payee(api: Api, shop_id: str, payee: dict[str, Any]) -> dict[str, Any]:
    """Gives a shop another payee, which a second person approves; answers it."""
    assert api.caller().call("PUT", f"/v1/shops/{shop_id}/payee", payee).status_code == 202
    changed: dict[str, Any] = api.caller("finance").post(f"/v1/shops/{shop_id}/payee/approve")
    return changed


def approved(funded: Api, **more: Any) -> Caller:
    """Finance, after a batch `march` was made by another key and approved by it."""
    funded.caller().post("/v1/payouts", {"id": "march", "up_to": UP_TO, **more})
    finance = funded.caller("finance")
    finance.post("/v1/payouts/march/approve")
    return finance


def test_a_batch_is_made_by_one_key_and_approved_by_another(funded: Api) -> None:
    finance, second = funded.caller("finance"), funded.caller("finance")
    answer = finance.call("POST", "/v1/payouts", {"id": "march", "up_to": UP_TO})
    made = json.loads(answer.text)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/payouts/march")
    assert [(row["shop_id"], row["net_minor"]) for row in made["lines"]] == [("a", 10_000), ("b", 700)]
    assert made["refused"] == [{"shop_id": "c", "code": "payee_missing", "amount_minor": 300}]
    assert finance.call("POST", "/v1/payouts", {"id": "march", "up_to": "2026-04-01T08:00:00+08:00"}).status_code == 200
    assert finance.refused("POST", "/v1/payouts/march/approve") == (409, "same_key")
    assert second.post("/v1/payouts/march/approve")["status"] == "approved"
    assert finance.refused("POST", "/v1/payouts/march/cancel") == (409, "payout_approved")
    other = {"id": "march", "up_to": UP_TO, "channel": "wechat"}
    assert finance.refused("POST", "/v1/payouts", other) == (409, "id_conflict")


def test_a_batch_is_read_a_page_at_a_time(funded: Api) -> None:
    finance = approved(funded)
    first = finance.get("/v1/payouts/march?limit=1")
    second = finance.get(f"/v1/payouts/march?limit=1&cursor={first['next_cursor']}")
    assert [row["shop_id"] for row in first["lines"] + second["lines"]] == ["a", "b"]
    assert second["next_cursor"] is None
    funded.caller().post("/v1/payouts", {"id": "next", "up_to": UP_TO})
    page = finance.get("/v1/payouts?limit=1")
    assert [row["id"] for row in page["data"]] == ["next"]
    assert [row["id"] for row in finance.get(f"/v1/payouts?cursor={page['next_cursor']}")["data"]] == ["march"]
    assert [row["shop_id"] for row in finance.get("/v1/payouts/march/refused")["data"]] == ["c"]
    assert finance.refused("GET", "/v1/payouts/none") == (404, "payout_unknown")


def test_results_are_told_line_by_line_and_a_single_bad_one_as_itself(funded: Api) -> None:
    finance = approved(funded)
    answer = finance.post(
        "/v1/payouts/march/results",
        {
            "results": [
                {"shop_id": "a", "status": "paid", "reference": "W1"},
                {"shop_id": "c", "status": "paid"},
                {"shop_id": "b", "status": "failed", "reason": "账户不存在"},
            ]
        },
    )
    assert [(result["status"], result.get("code")) for result in answer["results"]] == [
        ("recorded", None),
        ("refused", "line_unknown_in_payout"),
        ("recorded", None),
    ]
    assert answer["status"] == "settled"
    again = {"results": [{"shop_id": "a", "status": "paid", "reference": "W1"}]}
    assert finance.post("/v1/payouts/march/results", again)["results"][0]["status"] == "unchanged"
    for other in ({"status": "failed"}, {"status": "paid", "reference": "W2"}):
        body = {"results": [{"shop_id": "a", **other}]}
        assert finance.refused("POST", "/v1/payouts/march/results", body) == (409, "result_conflict")
    balance = finance.get("/v1/shops/a/balance")
    assert (balance["paid_minor"], balance["available_minor"], balance["reserved_minor"]) == (10_000, 0, 0)
    assert finance.get("/v1/shops/b/balance")["available_minor"] == 700
    row = finance.get(f"/v1/statements?period={datetime.now(UTC) + timedelta(hours=8):%Y-%m}")["totals"]
    assert (row["paid_minor"], row["tax_minor"]) == (10_000, 0)


def test_everything_wrong_with_a_batch_or_a_payee_is_named_at_once(funded: Api) -> None:
    admin = funded.caller()
    problem = admin.problem("POST", "/v1/payouts", {"id": "a/b", "up_to": "x", "min_minor": -1, "channel": "cash"})
    assert {error["pointer"] for error in problem["errors"]} == {"/id", "/up_to", "/min_minor", "/channel"}
    problem = admin.problem("PUT", "/v1/shops/a/payee", {"name": " ", "kind": "x", "accounts": {"pigeon": "1"}})
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {"/name", "/kind", "/id_type", "/id_number", "/accounts/pigeon"}
    assert admin.refused("PUT", "/v1/shops/nobody/payee", whom()) == (404, "shop_unknown")
    assert admin.refused("GET", "/v1/shops/c/payee") == (404, "payee_missing")
    months = {"id": "m", "up_to": UP_TO, "months_counted": [{"shop_id": "a", "months": 3}]}
    assert admin.refused("POST", "/v1/payouts", months) == (422, "invalid")


def test_a_payee_is_shown_masked_and_counts_its_versions(funded: Api) -> None:
    admin = funded.caller()
    shown = admin.get("/v1/shops/a/payee")
    assert (shown["name"], shown["id_number"], shown["version"]) == ("欧**", "****123X", 1)
    assert shown["accounts"]["bank_account"] == "****0123"
    assert admin.put("/v1/shops/a/payee", whom())["version"] == 1
    bank = {"bank": {"account": SECRET_ACCOUNT, "name": "建设银行"}}
    change_payee(funded, "a", whom(accounts=bank))
    assert admin.get("/v1/shops/a/payee")["version"] == 2
    assert admin.get("/v1/shops/a/payee")["accounts"] == {"bank_account": "****0123", "bank_name": "建设银行"}
    assert SECRET_NUMBER not in json.dumps(funded.caller("finance").get("/v1/shops/a/payee"))


def test_nothing_of_a_payee_can_be_read_in_the_database(funded: Api, database_url: str) -> None:
    approved(funded)
    engine = open_engine(database_url, None)
    with engine.begin() as conn:
        tables = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        dump = "".join(
            str(conn.execute(text(f"SELECT string_agg(t::text, E'\\n') FROM {table} t")).scalar()) for table in tables
        )
    engine.dispose()
    assert "march" in dump
    for secret in (SECRET_NAME, SECRET_NUMBER, SECRET_ACCOUNT, "example.com"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


def test_an_erased_payee_can_be_read_by_nobody_and_not_while_money_is_on_its_way(funded: Api) -> None:
    world = funded.world
    finance = approved(funded)
    assert funded.caller().refused("POST", "/v1/shops/a/erase") == (409, "payee_in_payout")
    results = {"results": [{"shop_id": "a", "status": "paid"}, {"shop_id": "b", "status": "paid"}]}
    finance.post("/v1/payouts/march/results", results)
    funded.caller().post("/v1/shops/a/erase")
    assert finance.refused("GET", "/v1/shops/a/payee") == (404, "payee_missing")
    assert world.rows("SELECT count(*) FROM payee_versions")[0][0] == 2
    assert finance.refused("GET", "/v1/payouts/march/export") == (422, "channel_unfit")
    assert change_payee(funded, "a", whom())["version"] == 2


def test_payees_survive_a_new_data_key_and_then_need_the_old_one_no_longer(funded: Api) -> None:
    world, program = funded.world, funded.world.program
    old, new = bytes(range(32)), bytes(range(1, 33))
    with world.container.begin() as conn:
        payee_versions.put_payee(Unit(conn, program, COMMAND_LINE, PAID), "c", payee(), Sealer([old]), b"p")
        conn.execute(
            text(
                "DELETE FROM payee_keys WHERE identity_hash <> (SELECT k.identity_hash FROM payee_keys k"
                " JOIN shops s USING (program_id, shop_no) WHERE s.shop_id = 'c')"
            )
        )
        assert payee_versions.reseal_payees(conn, program, Sealer([new, old])) == 1
        assert payee_versions.get_payee(conn, program, "c", Sealer([new])).name == "李**"


def test_a_generic_file_reads_back_with_its_control_figures(funded: Api) -> None:
    finance = approved(funded)
    answer = finance.call("GET", "/v1/payouts/march/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="payout-csv-1.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    names = ("payee_name", "id_no", "account_type", "account_no", "amount_yuan")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (SECRET_NAME, SECRET_NUMBER, "01", SECRET_ACCOUNT, "100.00"),
        (SECRET_NAME, "B-2", "01", SECRET_ACCOUNT, "7.00"),
    ]
    assert {(row["file_count"], row["file_total"], row["batch_no"]) for row in rows} == {("2", "107.00", "march")}
    shown = {row["shop_id"]: row["channel_no"] for row in finance.get("/v1/payouts/march")["lines"]}
    assert {row["shop_id"]: row["detail_no"] for row in rows} == shown
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,32}", number) for number in shown.values())
    files = finance.get("/v1/payouts/march/files")
    assert (files["count"], files["total_minor"]) == (2, 10_700)
    assert files["files"] == [{"part": 1, "count": 2, "total_minor": 10_700}]
    gb = finance.call("GET", "/v1/payouts/march/export?encoding=gb18030")
    assert gb.data.decode("gb18030") == answer.text


def test_names_that_a_spreadsheet_would_run_are_marked_and_numbers_for_machines_are_never_altered(funded: Api) -> None:
    accounts = {"bank_account": "6222021234567890123", "mobile": "+86 13800138000", "bank_name": "@bank"}
    change_payee(funded, "a", whom(name="=HYPERLINK(1)", accounts=accounts))
    rows = list(csv.DictReader(io.StringIO(approved(funded).call("GET", "/v1/payouts/march/export").text)))
    assert (rows[0]["payee_name"], rows[0]["bank_name"]) == ("'=HYPERLINK(1)", "'@bank")
    assert (rows[0]["account_no"], rows[0]["mobile"]) == ("6222021234567890123", "+86 13800138000")


def test_a_number_for_machines_that_a_spreadsheet_would_run_is_refused_by_name(funded: Api) -> None:
    accounts = {
        "bank": {"account": "=1+1", "cnaps": "-1"},
        "alipay_login": "@x",
        "mobile": "+86;x",
        "wechat_openid": "\t",
    }
    problem = funded.caller().problem("PUT", "/v1/shops/a/payee", whom("=cmd()", accounts=accounts))
    assert {error["pointer"] for error in problem["errors"]} == {
        "/id_number",
        "/accounts/bank/account",
        "/accounts/bank/cnaps",
        "/accounts/alipay_login",
        "/accounts/mobile",
        "/accounts/wechat_openid",
    }


def test_a_number_kept_before_it_was_checked_is_marked_and_not_run(funded: Api) -> None:
    put(funded.world, "a", payee(bank_account="=1+1"))
    rows = list(csv.DictReader(io.StringIO(approved(funded).call("GET", "/v1/payouts/march/export").text)))
    assert rows[0]["account_no"] == "'=1+1"


def test_a_wechat_file_has_the_fields_of_a_transfer_bill_in_fen(funded: Api) -> None:
    document = json.loads(approved(funded, channel="wechat").call("GET", "/v1/payouts/march/export").text)
    assert (document["count"], document["total_amount"]) == (2, 10_700)
    bill = document["bills"][0]
    assert (bill["transfer_amount"], bill["openid"], bill["transfer_scene_id"]) == (10_000, f"o{SECRET_NUMBER}", "1005")
    assert bill["user_name"] == SECRET_NAME
    assert [info["info_type"] for info in bill["transfer_scene_report_infos"]] == ["岗位类型", "报酬说明"]
    assert all(
        len(info["info_type"]) <= 15 and len(info["info_content"]) <= 32 for info in bill["transfer_scene_report_infos"]
    )
    assert len(bill["transfer_remark"]) <= 32
    assert re.fullmatch(r"[A-Za-z0-9]{1,32}", bill["out_bill_no"])


def test_an_alipay_file_has_yuan_with_two_decimals_as_texts(funded: Api) -> None:
    document = json.loads(approved(funded, channel="alipay").call("GET", "/v1/payouts/march/export").text)
    transfer = document["transfers"][1]
    assert (document["total_amount"], transfer["trans_amount"]) == ("107.00", "7.00")
    assert transfer["payee_info"] == {
        "identity": "B-2@example.com",
        "identity_type": "ALIPAY_LOGON_ID",
        "name": SECRET_NAME,
    }
    assert transfer["transfer_scene_name"] == "佣金报酬"
    assert transfer["transfer_scene_report_infos"] == [{"info_type": "佣金报酬说明", "info_content": "推广佣金"}]


def test_an_alipay_payee_may_be_an_open_id(funded: Api) -> None:
    change_payee(funded, "b", whom("B-2", accounts={"alipay_open_id": "074a1CcTG1LelxKe4xQC0zgNdId0"}))
    document = json.loads(approved(funded, channel="alipay").call("GET", "/v1/payouts/march/export").text)
    info = document["transfers"][1]["payee_info"]
    assert (info["identity"], info["identity_type"]) == ("074a1CcTG1LelxKe4xQC0zgNdId0", "ALIPAY_OPEN_ID")


def test_a_wechat_file_says_that_the_receiver_confirms_and_which_state_means_paid(funded: Api) -> None:
    finance = approved(funded, channel="wechat")
    document = json.loads(finance.call("GET", "/v1/payouts/march/export").text)
    assert document["states"]["paid"] == ["SUCCESS"]
    assert "WAIT_USER_CONFIRM" in document["states"]["open"]
    assert document["notes"] == finance.get("/v1/payouts/march/files")["notes"]
    assert any("个体工商户" in note["zh"] for note in document["notes"])


def test_a_file_leaves_only_after_approval_and_only_where_every_line_fits(funded: Api) -> None:
    finance = funded.caller("finance")
    finance.post("/v1/payouts", {"id": "march", "up_to": UP_TO})
    assert finance.refused("GET", "/v1/payouts/march/export") == (409, "payout_not_approved")
    change_payee(funded, "b", whom("B-2", accounts={}))
    funded.caller("finance").post("/v1/payouts/march/approve")
    assert finance.call("GET", "/v1/payouts/march/export?format=wechat").status_code == 200
    assert finance.refused("GET", "/v1/payouts/march/export?part=2") == (404, "part_unknown")
    earn(funded.world, "b", 40_000, PAID + timedelta(days=1))
    funded.caller().post("/v1/payouts", {"id": "next", "up_to": UP_TO})
    finance.post("/v1/payouts/next/approve")
    problem = finance.problem("GET", "/v1/payouts/next/export?format=wechat")
    assert (problem["code"], [error["pointer"] for error in problem["errors"]]) == ("channel_unfit", ["b"])
    assert finance.call("GET", "/v1/payouts/next/export?format=csv").status_code == 200


def test_a_long_batch_is_split_into_files(funded: Api) -> None:
    world = funded.world
    shops = [f"s{number:04d}" for number in range(1_001)]
    world.join(*((shop, None) for shop in shops))
    _give(world, shops)
    finance = approved(funded)
    files = finance.get("/v1/payouts/march/files")
    assert [(row["part"], row["count"]) for row in files["files"]] == [(1, 1_000), (2, 3)]
    rows = [
        row
        for part in (1, 2)
        for row in csv.DictReader(io.StringIO(finance.call("GET", f"/v1/payouts/march/export?part={part}").text))
    ]
    assert len({row["detail_no"] for row in rows}) == 1_003
    assert sum(int(row["amount_yuan"].replace(".", "")) for row in rows) == files["total_minor"] == 10_700 + 1_001 * 150


def _give(world: World, shops: list[str]) -> None:
    """Lets many shops earn 1.50 each, and gives them one payee."""
    world.earn(*(settled(f"e-{shop}", f"o-{shop}", shop, line(1_500)) for shop in shops))
    for shop in shops:
        put(world, shop, payee())


def test_batches_are_listed_by_state_and_by_the_month_they_were_made_in(funded: Api) -> None:
    ann, ben, made = funded.caller("finance"), funded.caller("finance"), "/v1/payouts"
    months = {"march": datetime(2026, 3, 31, 15, tzinfo=UTC), "april": datetime(2026, 3, 31, 17, tzinfo=UTC)}
    for number, name in enumerate(["march", "march", "april", "april"]):
        instant = months[name]
        funded.stop_clock(instant + timedelta(minutes=number))
        ann.post(made, {"id": f"{name}-{number}", "up_to": instant.isoformat(), "amounts": {"a": 100}})
    for end in ("march-0/cancel", "march-1/approve", "april-2/approve"):
        ben.post(f"{made}/{end}")
    ben.post(f"{made}/march-1/results", {"results": [{"shop_id": "a", "status": "paid"}]})

    def listed(query: str) -> list[str]:
        first = ann.get(f"{made}?limit=1&{query}")
        more = f"&cursor={first['next_cursor']}" if first["next_cursor"] else None
        rows = first["data"] + (ann.get(f"{made}?limit=1&{query}{more}")["data"] if more else [])
        assert all(row["status"] == query[6:] for row in rows if query.startswith("state="))
        return [row["id"] for row in rows]

    assert [listed(f"state={state}") for state in ("proposed", "approved", "settled", "cancelled")] == [
        ["april-3"], ["april-2"], ["march-1"], ["march-0"]
    ]  # fmt: skip
    assert (listed("month=2026-03"), listed("month=2026-04")) == (["march-1", "march-0"], ["april-3", "april-2"])
    assert (listed("month=2026-03&state=settled"), listed("month=2026-04&state=settled")) == (["march-1"], [])
    problem = ann.problem("GET", f"{made}?state=open&month=2026")
    assert {entry["pointer"] for entry in problem["errors"]} == {"?state", "?month"}
    partner = funded.caller("partner", "a").problem("GET", f"{made}?state=settled&month=2026-03")
    assert {entry["pointer"] for entry in partner["errors"]} == {"?state", "?month"}
