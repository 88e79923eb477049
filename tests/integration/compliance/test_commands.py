"""The command line of compliance: report, run, decide, and local overrides with their sign-offs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.programs.tenants import ProgramDraft, create_program
from tests.world.documents import line, settled
from tests.world.world import World, chain

Run = Callable[..., Result]
PLAN = {
    "code": "p",
    "currency": "CNY",
    "policy": "cn",
    "declarations": {"minimum_age": 18},
    "rules": [{"id": "own", "pay": "seller", "rate": "0.10"}],
}


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command as a shell would, on the world's servers, with a directory of overrides of its own."""
    for name, value in world.container.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "overrides").mkdir()
    monkeypatch.setenv("DISTRIB_POLICY_OVERRIDES", str(tmp_path / "overrides"))
    world.publish(PLAN)
    return lambda *arguments: CliRunner().invoke(cli, ["compliance", *arguments], catch_exceptions=False)


def deep(world: World) -> None:
    """51 levels with an entry line sold lately at the bottom."""
    world.join(*chain(*(f"s{number}" for number in range(51))))
    now = world.container.now()
    world.earn(settled("e", "o", "s50", line(39_900, entry=True), paid_at=now, occurred_at=now))


def test_a_report_without_anything_serious_is_done(run: Run, world: World) -> None:
    world.join(("a", None))
    result = run("report")
    assert result.exit_code == 0
    assert "Structure" in result.output
    assert json.loads(run("report", "--json").output)["program"] == "test"


def test_a_report_with_something_serious_is_done_with_findings(run: Run, world: World, tmp_path: Path) -> None:
    deep(world)
    result = run("report", "--lang", "zh")
    assert result.exit_code == 1
    for words in ("CN-M01", "推荐树 s0", "三级以上", "结构", "人数 51"):
        assert words in result.output, words
    shown = json.loads(run("report", "--format", "json", "--as-of", "2019-01-01T00:00:00Z").output)
    assert shown["structure"]["persons"] == 0
    paper = tmp_path / "report.pdf"
    assert run("report", "--format", "pdf", "--language", "en", "--output", str(paper)).exit_code == 1
    assert paper.read_bytes().startswith(b"%PDF")


def test_the_monitors_run_on_demand_and_their_case_is_decided(run: Run, world: World) -> None:
    deep(world)
    result = run("run", "--json")
    assert (result.exit_code, json.loads(result.output)["cases_opened"]) == (1, ["tree:s0"])
    [case] = json.loads(run("cases", "--json").output)
    number = str(case["case_no"])
    who = ("--decided-by", "Han Meimei", "--reason", "51 levels")
    assert "is frozen" in run("decide", number, "freeze", *who).output
    decided = json.loads(run("decide", number, "release", *who, "--json").output)
    assert (decided["state"], decided["decisions"][0]["decided_by"]) == ("released", "Han Meimei")
    assert "released" in run("cases").output


def override(tmp_path: Path, **keys: object) -> str:
    path = tmp_path / "cn.yaml"
    path.write_text(json.dumps({"pack": "cn", **keys}), "utf-8")
    return str(path)


def test_a_stricter_override_is_taken_and_judges_from_then_on(run: Run, tmp_path: Path, world: World) -> None:
    tighter = override(tmp_path, monitors=[{"id": "CN-M04", "when": {"persons": {"at_least": 5}}}])
    result = run("override", tighter, "--json")
    assert (result.exit_code, json.loads(result.output)["loosened"]) == (0, [])
    world.join(*((f"s{number}", "s0" if number else None) for number in range(5)))
    report = json.loads(run("report", "--json").output)
    assert ("CN-M04", "persons 5") in {(finding["id"], finding["figure"]) for finding in report["findings"]}
    assert [pack["is_overridden"] for pack in report["packs"]] == [False, True]


def test_a_looser_override_needs_a_name_which_the_report_tells(run: Run, tmp_path: Path, world: World) -> None:
    looser = override(tmp_path, monitors=[{"id": "CN-M04", "when": {"persons": {"at_least": 500}}}])
    with pytest.raises(Refusal) as refused:
        run("override", looser)
    assert refused.value.code == "policy_loosened"
    assert [problem.detail for problem in refused.value.problems] == ["CN-M04: persons ≥ 120 → persons ≥ 500"]
    container = world.container
    with container.begin() as conn:
        policies = container.policies
        create_program(conn, ProgramDraft("second", "CNY", "Asia/Shanghai", "cn"), container.now(), policies)
    signed = run("override", looser, "--signed-off-by", "Wang Fang", "--reason", "counsel's letter of 3 March")
    assert signed.exit_code == 0
    report = json.loads(run("report", "--program", "second", "--json").output)
    [sign_off] = report["sign_offs"]
    assert (sign_off["signed_off_by"], sign_off["loosened"]) == (
        "Wang Fang",
        ["CN-M04: persons ≥ 120 → persons ≥ 500"],
    )
    assert report["packs"][0]["is_overridden"] is True


def test_an_override_that_was_put_there_by_hand_and_loosens_stops_everything(run: Run, tmp_path: Path) -> None:
    (tmp_path / "overrides" / "cn.yaml").write_text("{pack: cn, max_tree_levels: 9}", "utf-8")
    with pytest.raises(Refusal) as refused:
        run("report", "--program", "test")
    assert refused.value.code == "policy_loosened"


def test_a_penalty_is_recorded_listed_and_withdrawn(run: Run, world: World) -> None:
    world.join(("a", None))
    about = ("--kind", "criminal", "--decided-on", "2001-03-09", "--reason", "organising")
    added = run("penalty", "add", "p-1", "--shop", "a", "--authority", "海珠区法院", *about)
    assert (added.exit_code, "p-1: shop a, criminal, 2001-03-09: in force / 计入" in added.output) == (0, True)
    shown = json.loads(run("penalty", "add", "p-2", "--organiser", "boss", *about, "--json").output)
    assert (shown["organiser_id"], shown["lapses_on"], shown["recorded_by"]) == ("boss", None, "cli")
    assert json.loads(run("penalty", "add", "p-2", "--organiser", "boss", *about, "--json").output) == shown
    assert "withdrawn / 已撤回" in run("penalty", "withdraw", "p-1", "--reason", "annulled on appeal").output
    listed = json.loads(run("penalty", "list", "--json").output)
    assert [(row["id"], row["status"]) for row in listed] == [("p-1", "withdrawn"), ("p-2", "in_force")]
    assert [row["id"] for row in json.loads(run("penalty", "list", "--shop", "a", "--json").output)] == ["p-1"]
    assert "organiser boss" in run("penalty", "list").output
    [shown] = json.loads(run("report", "--json").output)["penalties"]
    assert (shown["id"], shown["subject"], shown["trees"]) == ("p-2", "organiser:boss", 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--shop", "a", "--organiser", "b", "--decided-on", "2001-03-09", "--reason", "r"), "invalid"),
        (("--decided-on", "2001-03-09", "--reason", "r"), "invalid"),
        (("--shop", "a", "--decided-on", "9 March", "--reason", "r"), "invalid"),
        (("--shop", "a", "--decided-on", "2001-03-09", "--reason", " "), "invalid"),
        (("--shop", "nobody", "--decided-on", "2001-03-09", "--reason", "r"), "shop_unknown"),
    ],
)
def test_a_penalty_that_cannot_be_is_refused_by_name(run: Run, arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        run("penalty", "add", "p", "--kind", "criminal", *arguments)
    assert refused.value.code == code
