"""A manifest is read again as it was written, and one that is damaged is refused by the field that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrib.domain.errors import Refusal
from distrib.services.history.manifest import (
    EvaluatedMonth,
    FileEntry,
    FormerPack,
    Manifest,
    ProgramEntry,
    PublishedPlan,
    find_manifest,
    read_manifest,
    write_manifest,
)

NOW = "2026-06-01T00:00:00+00:00"
WRITTEN = Manifest(
    ProgramEntry(3, "shop", "CNY", "Asia/Shanghai", "open"),
    NOW,
    9,
    202604,
    "",
    ["a"],
    [PublishedPlan(1, "plain", 1, NOW, {"code": "plain", "rules": [], "title": None})],
    [FormerPack("cn", NOW)],
    [EvaluatedMonth(202604, NOW, 7)],
    "2026-05-31",
    [
        FileEntry("orders", 202604, "orders-2026-04-0.parquet", 1, 2, "00", NOW, NOW),
        FileEntry("payees", 0, "p", 0, 0, ""),
    ],
)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(tmp_path, WRITTEN)
    assert read_manifest(tmp_path) == WRITTEN


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("program", None),
        ("program/program_id", "3"),
        ("program/time_zone", "Asia/Nowhere"),
        ("exported_at", "yesterday"),
        ("exported_at", "2026-06-01"),
        ("last_event_no", True),
        ("closed_through", 1.5),
        ("merges", 0),
        ("signed_overrides", ["a", 1]),
        ("plans", {}),
        ("plans/0", 7),
        ("plans/0/document", "plain"),
        ("plans/0/effective_from", None),
        ("packs/0/until", ""),
        ("evaluations/0/ranks_seq", None),
        ("evaluations/0/effective_at", 0),
        ("waiting_from", "2026-13-01"),
        ("files/0/rows", []),
        ("files/1/sha256", None),
        ("files/0/first_paid_at", "soon"),
    ],
)
def test_what_is_spoilt_is_named(tmp_path: Path, place: str, value: object) -> None:
    write_manifest(tmp_path, WRITTEN)
    document = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    *above, name = [int(part) if part.isdecimal() else part for part in place.split("/")]
    into: Any = document
    for part in above:
        into = into[part]
    into[name] = value
    (tmp_path / "manifest.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(Refusal) as refused:
        read_manifest(tmp_path)
    [problem] = refused.value.problems
    assert (refused.value.code, problem.pointer) == ("history_unreadable", str(tmp_path / "manifest.json"))
    assert str(problem.detail) == f"lacks or spoils {place}"
    assert find_manifest(tmp_path) is None


@pytest.mark.parametrize(("kind", "name"), [("nothing", "a"), ("orders", "../a"), ("orders", ".a")])
def test_a_file_of_no_kind_or_of_elsewhere_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    write_manifest(tmp_path, WRITTEN._replace(files=[FileEntry(kind, 0, name, 0, 0, "")]))
    with pytest.raises(Refusal, match="cannot be read") as refused:
        read_manifest(tmp_path)
    assert str(refused.value.problems[0].detail) == f"lacks or spoils files: {kind}/{name}"
