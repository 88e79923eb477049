"""The walks of the documentation, run as they stand against a live service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.world.live import Live

DOCS = Path(__file__).parents[2] / "docs"
MARK = "<!-- walk-through: tests/acceptance/test_walks.py runs the shell blocks of this page against a live service -->"
OURS, SERVED = ".venv/bin/distrib", "http://127.0.0.1:8000"
"""The command and the address as the pages name them."""
WALKED = {"api.md", "customers.md", "orders.md", "programs.md", "quickstart.md"}

Document = dict[str, Any]


def walk(live: Live, page: str, program_code: str, policy: str = "open", place: Path | None = None) -> str:
    """What all shell blocks of a page print, one after another, for an admin's key of a new program.

    A block that makes keys of its own goes on with those; the address and the command are those of this service.

    Args:
        place: the directory it is walked in.
    """
    program = live.open_program(program_code, policy=policy)
    address, command = f"http://127.0.0.1:{live.port}", f"{sys.executable} -c 'from distrib.cli import main; main()'"
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE))
    run = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", spoken(script, command).replace(SERVED, address)],
        cwd=place,
        env={**os.environ, **live.container.environment(), "KEY": live.client(program).key, "URL": address},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def spoken(script: str, command: str) -> str:
    """A script that runs a command of this checkout, whether it names the one in .venv or the one on the path."""
    return f'distrib() {{ {command} "$@"; }}\n{script.replace(OURS, command)}'


def answers(output: str) -> list[Document]:
    """The JSON documents of the output, one a line, in their order."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def test_every_walk_of_a_page_is_run_here() -> None:
    assert {page.name for page in DOCS.glob("**/*.md") if MARK in page.read_text("utf-8")} == WALKED


def test_the_walk_of_the_api_ends_with_the_figures_it_leads_to(live: Live) -> None:
    output = walk(live, "api.md", "walk-api")
    assert "problem" not in output
    assert shop_row(output, "lin") == ["0", "597", "-298"]
    assert shop_row(output, "mei") == ["0", "2388", "-1194"]
    assert_the_money_lived(answers(output))


def shop_row(output: str, shop_id: str) -> list[str]:
    """Opening, earned and reversed of a shop in the exported statement."""
    row = re.search(rf"^tea,2026-03,{shop_id},CNY,(.*)$", output, re.MULTILINE)
    assert row is not None
    return row[1].split(",")[:3]


def assert_the_money_lived(documents: list[Document]) -> None:
    """Closed by the other key, paid, and taken back after that: the last answers say so."""
    closed = [document for document in documents if document.get("status") == "closed"]
    assert [document["period"] for document in closed] == ["2026-03"]
    settled = [document for document in documents if document.get("paid_count") == 1]
    [result] = settled[-1]["results"]
    assert (result["shop_id"], result["status"]) == ("mei", "recorded")
    late, balance, accounts = documents[-3:]
    assert [(row["amount_minor"], row["belongs_to_period"]) for row in late["data"]] == [(-1194, "2026-03")]
    assert (balance["paid_minor"], balance["available_minor"]) == (1194, -1194)
    assert sum(account["balance_minor"] for account in accounts["data"]) == 0


def test_the_walk_of_an_order_waits_fails_and_gives_back_exactly_what_was_earned(live: Live) -> None:
    documents = answers(walk(live, "orders.md", "walk-orders"))
    events = [document for document in documents if document.get("type") == "order.refunded"]
    assert [(event["status"], event["error"]["code"]) for event in events] == [
        ("waiting", "waits_for_order"),
        ("failed", "refund_exceeds"),
    ]
    orders = [document for document in documents if "commissions" in document]
    assert [order["status"] for order in orders] == ["partly_refunded", "cancelled"]
    assert [sums_of(order) for order in orders] == [(3000, -500), (3000, -3000)]
    explanation, balance = documents[-2:]
    assert {look["reason"] for look in explanation["looks"]} == {"paid"}
    assert (balance["held_minor"], balance["available_minor"]) == (0, 0)


def sums_of(order: Document) -> tuple[int, int]:
    """What was earned of an order and what was taken back."""
    commissions = order["commissions"]
    return sum(net["earned_minor"] for net in commissions), sum(net["reversed_minor"] for net in commissions)


def test_the_walk_of_a_customer_is_bound_kept_and_taken_over(live: Live) -> None:
    documents = answers(walk(live, "customers.md", "walk-customers"))
    outcomes = [document["outcome"] for document in documents if "outcome" in document]
    assert outcomes == ["bound", "kept", "taken_over", "bound"]
    customer, claims, _, merged = documents[-4:]
    assert customer["binding"]["shop_id"] == "han"
    assert [claim["shop_id"] for claim in claims["data"]] == ["mei", "han", "han"]
    assert (merged["id"], merged["merged_into"], merged["binding"]) == ("g-77", "c-5", customer["binding"])


def test_the_walk_of_a_program_keeps_who_answered_for_the_looser_pack(live: Live) -> None:
    documents = answers(walk(live, "programs.md", "walk-programs", policy="cn"))
    assert [document["code"] for document in documents if "status" in document] == ["sign_off_required"]
    assert documents[3]["status"] == 422
    changes, program = documents[-2:]
    assert [change["signed_off_by"] for change in changes["data"]] == [None, None, None, "Li Lei, counsel"]
    assert (program["policy"], program["admission"], program["binding"]["protect_days"]) == ("cn", "invite", 30)


def test_the_quick_start_ends_with_a_closed_month_and_a_clean_audit(live: Live, tmp_path: Path) -> None:
    output = walk(live, "quickstart.md", "walk-quick-start", place=tmp_path)
    explanation = next(document for document in answers(output) if "looks" in document)
    earned = {look["shop_id"]: look["posted_minor"] for look in explanation["looks"] if look["reason"] == "paid"}
    assert earned == {"mei": 2587, "lin": 597}
    assert re.search(r"^spring,2026-03,mei,CNY,0,2587,0,", (tmp_path / "march.csv").read_text("utf-8"), re.MULTILINE)
    assert "25.87" in output
    assert "2026-03 of spring is closed" in output
