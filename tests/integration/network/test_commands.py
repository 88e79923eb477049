"""The commands of programs, keys, plans and shops, as an operator types them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.pepper import Pepper
from distrib.services.programs.keys import authenticate
from distrib.settings import Settings
from tests.world.commands import name_servers, run
from tests.world.documents import plan_document

PROGRAM = ["program", "create", "demo", "--currency", "CNY", "--time-zone", "Asia/Shanghai", "--policy"]


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name_servers(settings, monkeypatch)


def imported(file: Path, status: int) -> dict[str, Any]:
    result = run("import", "shops", file, "--json")
    assert result.exit_code == status, result.output
    counts = json.loads(result.stdout)
    assert isinstance(counts, dict)
    return counts


def shops(settings: Settings) -> dict[str, str | None]:
    """Every shop and its sponsor."""
    engine = create_engine(str(settings.database_url))
    with engine.connect() as conn:
        statement = "SELECT s.shop_id, p.shop_id FROM shops s LEFT JOIN shops p ON p.shop_no = s.sponsor_no"
        sponsors = {row[0]: row[1] for row in conn.execute(text(statement))}
    engine.dispose()
    return sponsors


def test_a_program_is_created_once_and_listed() -> None:
    assert run(*PROGRAM, "cn").exit_code == run(*PROGRAM, "cn").exit_code == 0
    assert isinstance(run(*PROGRAM, "open").exception, Refusal)
    [listed] = json.loads(run("program", "list", "--json").stdout)
    assert (listed["code"], listed["policy"], listed["admission"]) == ("demo", "cn", "open")
    assert "Asia/Shanghai" in run("program", "list").stdout


def test_a_key_stands_alone_on_the_last_line_and_opens_its_program(settings: Settings) -> None:
    run(*PROGRAM, "open")
    key = run("key", "create", "--role", "orders").stdout.splitlines()[-1]
    engine = create_engine(str(settings.database_url))
    with engine.begin() as conn:
        opened = authenticate(conn, key, Pepper(settings.key_pepper.encode()), datetime.now(UTC))
    engine.dispose()
    assert opened is not None
    assert (opened[0].code, opened[1].role) == ("demo", "orders")
    [listed] = json.loads(run("key", "list", "--json").stdout)
    assert listed["role"] == "orders"
    assert key.split("_", 2)[2] not in run("key", "list").stdout
    assert run("key", "revoke", listed["key_id"]).exit_code == 0
    assert json.loads(run("key", "list", "--json").stdout)[0]["revoked_at"] is not None


def test_a_command_names_its_program_where_there_are_several() -> None:
    run(*PROGRAM, "open")
    run("program", "create", "second", "--currency", "USD", "--time-zone", "UTC", "--policy", "us")
    assert isinstance(run("key", "create", "--role", "orders").exception, Refusal)
    assert run("key", "create", "--role", "orders", "--program", "second").exit_code == 0
    assert run("key", "create", "--role", "emperor", "--program", "second").exit_code == 2


def test_a_plan_is_checked_and_published_from_a_file(tmp_path: Path) -> None:
    run(*PROGRAM, "cn")
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(plan_document(tiers=7, bogus=1)))
    checked = run("plan", "check", file, "--json")
    assert checked.exit_code == 1
    assert {problem["pointer"] for problem in json.loads(checked.stdout)["problems"]} == {"tiers", "bogus"}
    file.write_text(yaml.safe_dump(plan_document(rules=[{"id": "u", "pay": "upline", "tier": 1, "rate": "0.1"}])))
    assert "sign_off" in run("plan", "check", file).stdout
    publish = ("plan", "publish", file, "--effective-from", "2026-03-01")
    assert isinstance(run(*publish).exception, Refusal)
    first = json.loads(run(*publish, "--signed-off-by", "Li Lei", "--json").stdout)
    again = json.loads(run(*publish, "--signed-off-by", "Li Lei", "--json").stdout)
    assert first == again
    assert (first["version"], first["status"], first["effective_from"]) == (1, "published", "2026-02-28T16:00:00Z")
    assert "version 1" in run(*publish, "--signed-off-by", "Li Lei").stdout


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"\xff\xfe\x00", None, "is not UTF-8"),
        (b"#" * 1_000_001, None, "larger than 1,000,000"),
        (b"code: a\nrules: [\n", 3, "expected"),
        (b"code: a\ncode: b\n", 2, "stands twice"),
        (b"", None, "must be a mapping of keys, not null"),
    ],
)
def test_a_plan_that_cannot_even_be_read_is_a_finding_with_its_line(
    tmp_path: Path, content: bytes, line: int | None, words: str
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(content)
    checked = run("plan", "check", file, "--json")
    (problem,) = json.loads(checked.stdout)["problems"]
    assert (checked.exit_code, problem["line"]) == (1, line)
    assert words in problem["detail"]
    readable = run("plan", "check", file)
    assert readable.exit_code == 1
    assert words in readable.stdout


def test_a_plan_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert run("plan", "check", tmp_path / "missing").exit_code == 2


def test_a_plan_checked_without_a_program_answers_to_the_pack_it_names(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(plan_document(policy="atlantis")))
    (problem,) = json.loads(run("plan", "check", file, "--json").stdout)["problems"]
    assert (problem["pointer"], problem["detail"].split(" / ")[0]) == ("policy", "there is no policy pack atlantis")
    uplines = [{"id": "u", "pay": "upline", "tier": 1, "rate": "0.1"}]
    file.write_text(yaml.safe_dump(plan_document(policy="cn", rules=uplines)))
    assert "CN-P04" in run("plan", "check", file).stdout


def test_shops_come_from_csv_with_children_before_their_sponsors(tmp_path: Path, settings: Settings) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.csv"
    rows = [["id", "sponsor_id", "name", "joined_at", "attributes"]]
    rows += [
        [f"s{n}", f"s{n // 2}" if n else "", f'店, "{n}" 二', "2026-01-01T00:00:00+08:00", '{"n": 1}']
        for n in range(2_500, -1, -1)
    ]
    with file.open("w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out).writerows(rows)
    nobody = {"refused": 0, "refused_file": None, "detached": 0, "detached_file": None}
    assert imported(file, 0) == {"created": 2_501, "unchanged": 0, **nobody}
    assert imported(file, 0) == {"created": 0, "unchanged": 2_501, **nobody}
    sponsors = shops(settings)
    assert sponsors["s0"] is None
    assert all(sponsors[f"s{n}"] == f"s{n // 2}" for n in range(1, 2_501))


def test_refused_rows_go_beside_the_file_and_can_be_mended_there(tmp_path: Path) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.csv"
    file.write_text("id,sponsor_id,joined_at\na,,\nb,nobody,\nc,c,\nx,y,\ny,x,\n../d,,\ne,,yesterday\nf,\n", "utf-8")
    counts = imported(file, 1)
    assert (counts["created"], counts["refused"]) == (1, 7)
    beside = Path(counts["refused_file"])
    refused = {row["refused_line"]: row for row in csv.DictReader(beside.read_text("utf-8").splitlines())}
    assert {line: row["refused_code"] for line, row in refused.items()} == {
        "3": "sponsor_unknown",
        "4": "sponsor_is_self",
        "5": "sponsor_cycle",
        "6": "sponsor_cycle",
        "7": "invalid",
        "8": "invalid",
        "9": "invalid",
    }
    assert "x -> y -> x" in refused["5"]["refused_reason"]
    assert beside.stat().st_mode & 0o077 == 0
    beside.write_text(beside.read_text("utf-8").replace("b,nobody", "b,a"), "utf-8")
    assert imported(beside, 1)["created"] == 1


def test_shops_that_would_stand_too_deep_are_named_when_they_join_as_roots(tmp_path: Path) -> None:
    run(*PROGRAM, "cn")
    file = tmp_path / "shops.csv"
    file.write_text("id,sponsor_id\ne,d\nd,c\nc,b\nb,a\na,\n", "utf-8")
    for created in (5, 0):
        counts = imported(file, 0)
        assert (counts["created"], counts["refused"], counts["detached"]) == (created, 0, 1)
        [row] = csv.DictReader(Path(counts["detached_file"]).read_text("utf-8").splitlines())
        assert (row["id"], row["detached_line"], row["detached_code"]) == ("d", "3", "tree_too_deep")
        assert "introduced by c" in row["detached_reason"]


def test_a_loop_longer_than_a_batch_is_named_as_one(tmp_path: Path) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "ring.ndjson"
    lines = [json.dumps({"id": f"s{n}", "sponsor_id": f"s{(n + 1) % 1_500}"}) for n in range(1_500)]
    file.write_text("\n".join(lines))
    counts = imported(file, 1)
    assert (counts["created"], counts["refused"]) == (0, 1_500)
    codes = {json.loads(line)["refused_code"] for line in Path(counts["refused_file"]).read_text().splitlines()}
    assert codes == {"sponsor_cycle"}


def test_ndjson_lines_that_are_none_are_refused_one_by_one(tmp_path: Path, settings: Settings) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.ndjson"
    lines = [
        b'{"id": "a", "attributes": {"city": "\xe6\x9d\xad\xe5\xb7\x9e"}, "name": null}',
        b"",
        b"{",
        b"[1]",
        b'{"id": "b", "id": "b"}',
        b'{"id": "c\\u0000"}',
        b'{"id": "d\\ud800"}',
        b'{"id": "\xff"}',
        b'{"id": 7}',
        b'{"id": "e", "colour": 1}',
        b'{"id": "f", "attributes": {"x": NaN}}',
        b'{"id": "g", "attributes": [1]}',
        b"[" * 100_000,
        b'{"id": "h", "name": "' + b"x" * 2_000_000 + b'"}',
        b'{"sponsor_id": "a"}',
        b'{"id": "z", "sponsor_id": "a"}',
    ]
    file.write_bytes(b"\n".join(lines))
    counts = imported(file, 1)
    assert (counts["created"], counts["refused"]) == (2, 13)
    assert shops(settings) == {"a": None, "z": "a"}
    refused = [json.loads(line) for line in Path(counts["refused_file"]).read_text().splitlines()]
    assert sorted(row["refused_line"] for row in refused) == list(range(3, 16))
    assert imported(file, 1)["unchanged"] == 2


def test_the_file_of_refused_rows_goes_when_all_is_well(tmp_path: Path) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.ndjson"
    file.write_text('{"id": "a", "sponsor_id": "b"}\n')
    beside = Path(imported(file, 1)["refused_file"])
    file.write_text('{"id": "a", "sponsor_id": "b"}\n{"id": "b"}\n')
    assert imported(file, 0)["created"] == 2
    assert not beside.exists()


@pytest.mark.parametrize("header", ["name,sponsor_id", "id,colour", "id,id", ""])
def test_columns_that_are_none_are_wrong_use(tmp_path: Path, header: str) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.csv"
    file.write_text(f"{header}\n1,2\n")
    assert run("import", "shops", file).exit_code == 2


def test_the_depth_of_the_pack_binds_an_import(tmp_path: Path, settings: Settings) -> None:
    run(*PROGRAM, "cn")
    file = tmp_path / "shops.ndjson"
    lines = [json.dumps({"id": f"s{n}", "sponsor_id": f"s{n - 1}" if n else None}) for n in range(7)]
    file.write_text("\n".join(lines))
    assert imported(file, 0)["created"] == 7
    assert [shop for shop, sponsor in shops(settings).items() if sponsor is None] == ["s0", "s3", "s6"]


def test_settings_are_changed_by_command_and_shown() -> None:
    run(*PROGRAM, "cn")
    words = ["--admission", "review", "--identity-required", "--binding", "protected", "--protect-days", 30]
    shown = json.loads(run("program", "set", *words, "--withholding", "per_payment", "--json").stdout)
    assert (shown["admission"], shown["identity_required"], shown["withholding"]) == ("review", True, "per_payment")
    assert (shown["binding_rule"], shown["protect_days"], shown["expire_days"]) == ("protected", 30, None)
    assert "admission = open" in run("program", "set", "--admission", "open").stdout
    assert run("program", "set").exit_code == 2
    loosened = run("program", "set", "--policy", "open").exception
    assert isinstance(loosened, Refusal)
    assert loosened.code == "sign_off_required"
    assert run("program", "set", "--policy", "open", "--signed-off-by", "Li Lei").exit_code == 0
    [listed] = json.loads(run("program", "list", "--json").stdout)
    assert (listed["policy"], listed["identity_required"]) == ("open", True)


def test_an_import_asks_for_what_the_program_wants(tmp_path: Path, settings: Settings) -> None:
    run(*PROGRAM, "open", "--admission", "invite", "--identity-required")
    file = tmp_path / "shops.ndjson"
    file.write_text('{"id": "a", "identity": "1"}\n{"id": "b"}\n')
    counts = imported(file, 1)
    refused = [json.loads(line)["refused_code"] for line in Path(counts["refused_file"]).read_text().splitlines()]
    assert (counts["created"], refused) == (0, ["sponsor_required", "sponsor_required"])
    run("program", "set", "--admission", "review")
    assert imported(file, 1)["created"] == 1
    assert shops(settings) == {"a": None}


def test_shops_of_a_chinese_spreadsheet_are_read_by_its_encoding(settings: Settings, tmp_path: Path) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.csv"
    text = "id,name,joined_at,备注,\na,李雷,2026-01-01 00:00:00 -0300,x,\nb,韩梅梅,2026-01-01T00:00:00Z,y,\n"
    file.write_bytes(text.encode("gb18030"))
    assert "is not UTF-8" in CliRunner().invoke(cli, ["import", "shops", str(file)]).stderr
    done = run("import", "shops", file, "--encoding", "gb18030", "--ignore-columns", "备注", "--json")
    assert (done.exit_code, json.loads(done.stdout)["created"]) == (0, 2)
    assert set(shops(settings)) == {"a", "b"}


def test_a_row_that_is_not_of_the_encoding_says_so(tmp_path: Path) -> None:
    run(*PROGRAM, "open")
    file = tmp_path / "shops.csv"
    file.write_bytes("id,name\na,李雷\nb,Li\n".encode("gb18030"))
    counts = imported(file, 1)
    assert (counts["created"], counts["refused"]) == (1, 1)
    assert b"is not UTF-8 (byte 0xC0); give the encoding" in Path(counts["refused_file"]).read_bytes()
