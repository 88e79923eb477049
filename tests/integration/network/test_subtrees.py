"""A subtree leaves as node-link JSON and as GraphML that networkx reads back, bounded, and without money."""

import io
import json
from datetime import timedelta
from pathlib import Path

import networkx as nx
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from distrib.cli import cli
from distrib.domain.errors import Refusal
from distrib.services.context import COMMAND_LINE, Unit
from distrib.services.network import subtrees
from distrib.services.network.branches import keep_branches
from distrib.settings import Settings
from tests.world.api import Api
from tests.world.commands import name_servers
from tests.world.documents import PAID, SELLER_TEN_PERCENT, line, refunded, settled
from tests.world.world import World, chain
from workers.branches import refresh_branches


def test_json_and_graphml_hold_the_same_tree(api: Api) -> None:
    api.world.join(*chain("a", "b", "c"), ("d", "a"), ("e", None))
    caller = api.caller("finance")
    tree = caller.get("/v1/shops/a/subtree")
    graph = nx.node_link_graph(tree, edges="edges")
    assert set(graph.edges) == {("a", "b"), ("b", "c"), ("a", "d")}
    assert graph.nodes["c"] | {"joined_at": ""} == {
        "level": 3,
        "distance": 2,
        "joined_at": "",
        "status": "active",
    }
    answer = caller.call("GET", "/v1/shops/b/subtree?format=graphml")
    assert answer.mimetype == "application/graphml+xml"
    read = nx.read_graphml(io.BytesIO(answer.data))
    assert set(read.edges) == {("b", "c")}
    assert (read.nodes["c"]["level"], read.nodes["b"]["distance"]) == (3, 0)


def test_a_tree_is_cut_at_the_levels_asked_for(api: Api) -> None:
    api.world.join(*chain("a", "b", "c", "d"))
    caller = api.caller()
    assert [node["id"] for node in caller.get("/v1/shops/a/subtree?levels=2")["nodes"]] == ["a", "b", "c"]
    assert caller.refused("GET", "/v1/shops/a/subtree?levels=0") == (422, "invalid")
    assert caller.refused("GET", "/v1/shops/a/subtree?format=dot") == (422, "invalid")
    assert caller.refused("GET", "/v1/shops/nobody/subtree") == (404, "shop_unknown")


def test_the_nearest_of_a_tree_are_answered_at_once_and_said_to_be_cut(api: Api) -> None:
    api.world.join(*chain("a", "b", "c", "d"), ("e", "a"))
    caller = api.caller("finance")
    whole = caller.get("/v1/shops/a/tree")
    assert (whole["top"]["id"], whole["is_cut"]) == ("a", False)
    assert [(shop["id"], shop["sponsor_id"], shop["level"], shop["direct_recruits"]) for shop in whole["data"]] == [
        ("b", "a", 2, 1),
        ("e", "a", 2, 0),
        ("c", "b", 3, 1),
        ("d", "c", 4, 0),
    ]
    for asked in ("most=3", "levels=2"):
        cut = caller.get(f"/v1/shops/a/tree?{asked}")
        assert [shop["id"] for shop in cut["data"]] == ["b", "e", "c"]
        assert cut["is_cut"] == (asked == "most=3")
    assert caller.refused("GET", "/v1/shops/a/tree?most=2001") == (422, "invalid")
    below = caller.get("/v1/shops/a/downline?levels=1")["data"]
    assert [shop["direct_recruits"] for shop in below] == [1, 0]


def test_a_branch_is_a_shop_with_all_below_it_and_what_they_sold_this_month(api: Api) -> None:
    world, finance = api.world, api.caller("finance")
    world.publish(SELLER_TEN_PERCENT)
    world.join(*chain("a", "b", "c"), ("d", "a"), ("e", None))

    def branches(path: str) -> dict[str, tuple[int, int] | None]:
        rows = finance.get(path)["data"]
        return {row["id"]: row["branch"] and (row["branch"]["shops"], row["branch"]["sales_minor"]) for row in rows}

    assert branches("/v1/shops/a/downline?levels=1") == {"b": None, "d": None}
    march = PAID + timedelta(days=20)
    world.earn(
        settled("e-1", "o-1", "b", line(1_000)),
        settled("e-2", "o-2", "c", line(200)),
        settled("e-3", "o-3", "e", line(30)),
        refunded("r-1", "o-2", {"1": 50}, march),
        settled("e-4", "o-4", "d", line(7), paid_at=PAID - timedelta(days=40)),
    )
    with world.begin() as conn:
        assert keep_branches(Unit(conn, world.program, COMMAND_LINE, march))
    assert branches("/v1/shops/a/downline?levels=1") == {"b": (2, 1_150), "d": (1, 0)}
    assert branches("/v1/shops?level=1") == {"a": (4, 1_150), "e": (1, 30)}
    [first, *_] = finance.get("/v1/shops?level=1")["data"]
    assert first["branch"]["period"] == "2026-03"
    assert "branch" not in api.caller("partner", "a").get("/v1/shops/a/downline?levels=1")["data"][0]
    refresh_branches(world.container)
    assert branches("/v1/shops?level=1") == {"a": (4, 0), "e": (1, 0)}


def test_names_that_xml_cannot_hold_come_out_readable(api: Api) -> None:
    """Of before names were refused that hold control characters."""
    caller = api.caller()
    caller.post("/v1/shops", {"id": "a<&>", "name": "b"})
    with api.world.begin() as conn:
        conn.execute(text("UPDATE shops SET name = :name"), {"name": "tab\there \u0001 <b> 店"})
    read = nx.read_graphml(io.BytesIO(caller.call("GET", "/v1/shops/a%3C&%3E/subtree?format=graphml").data))
    assert read.nodes["a<&>"]["name"] == "tab\there \ufffd <b> 店"


def test_a_partner_sees_as_deep_as_the_policy_looks_and_no_status(api: Api) -> None:
    api.world.join(*chain("a", "b", "c", "d", "e", "f"))
    partner = api.caller("partner", "a")
    nodes = partner.get("/v1/shops/a/subtree")["nodes"]
    assert [node["id"] for node in nodes] == ["a", "b", "c", "d"]
    assert all(node.keys() <= {"id", "name", "level", "distance", "rank", "joined_at"} for node in nodes)
    assert [node["id"] for node in partner.get("/v1/shops/d/subtree")["nodes"]] == ["d"]
    assert partner.refused("GET", "/v1/shops/e/subtree") == (403, "forbidden")
    assert api.caller("partner", "c").refused("GET", "/v1/shops/a/subtree") == (403, "forbidden")
    assert api.caller("orders").refused("GET", "/v1/shops/a/subtree") == (403, "forbidden")


def test_a_tree_too_large_is_refused_by_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtrees, "MOST_SHOPS", 5)
    world.join(("a", None), *((f"b-{n}", "a") for n in range(4)))
    world.join(("one-more", "b-1"))
    with world.container.begin() as conn:
        with pytest.raises(Refusal, match="more than 5 shops"):
            subtrees.read_subtree(Unit(conn, world.program, COMMAND_LINE, world.container.now()), "a", None)
        tree = subtrees.read_subtree(Unit(conn, world.program, COMMAND_LINE, world.container.now()), "a", 1)
    assert len(tree.nodes) == 5


@pytest.mark.parametrize("form", ["json", "graphml"])
def test_the_command_writes_what_the_service_answers(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    name_servers(settings, monkeypatch)
    world.join(*chain("a", "b", "c"))
    file = tmp_path / "tree"
    runner = CliRunner()
    shown = runner.invoke(cli, ["shops", "export", "a", "--format", form, "--levels", "1"], catch_exceptions=False)
    written = runner.invoke(
        cli, ["shops", "export", "a", "--format", form, "--levels", "1", "--output", str(file)], catch_exceptions=False
    )
    assert (shown.exit_code, written.exit_code) == (0, 0)
    assert shown.stdout_bytes == file.read_bytes()
    if form == "json":
        graph = nx.node_link_graph(json.loads(file.read_bytes()), edges="edges")
    else:
        graph = nx.read_graphml(file)
    assert set(graph.edges) == {("a", "b")}
