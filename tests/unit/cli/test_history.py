"""What `distrib history` and `simulate --history` say before anything is read, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from distrib.domain.errors import Refusal
from distrib.services.history import extras
from tests.world.commands import run


@pytest.mark.parametrize("words", [("export", "--to"), ("verify",)])
def test_an_extra_that_is_missing_is_named(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras.MODULES, "parquet", "no_such_module_anywhere")
    refused = run("history", *words, tmp_path).exception
    assert isinstance(refused, Refusal)
    assert "pip install 'distrib[parquet]'" in str(refused.problems[0].detail)


def test_a_directory_without_a_manifest_is_one_message(tmp_path: Path) -> None:
    refused = run("history", "verify", tmp_path).exception
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.problems[0].pointer) == ("history_unreadable", str(tmp_path / "manifest.json"))
