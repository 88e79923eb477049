"""Workers that do not renew their file hang; those that have ended have none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from distrib.worker_health import FRESH_FOR, NAME, forget_health, read_health, write_health

NOW = datetime(2026, 3, 9, 2, tzinfo=UTC)


def test_the_file_says_what_the_workers_are_at_until_it_is_old_or_gone(tmp_path: Path) -> None:
    assert read_health(tmp_path, NOW) is None
    write_health(tmp_path / "var", NOW, {"running": 2})
    assert [path.name for path in (tmp_path / "var").iterdir()] == [NAME]
    read = read_health(tmp_path / "var", NOW + FRESH_FOR)
    assert read is not None
    assert read["running"] == 2
    assert read_health(tmp_path / "var", NOW + FRESH_FOR * 1.01) is None
    forget_health(tmp_path / "var")
    forget_health(tmp_path / "var")
    assert read_health(tmp_path / "var", NOW) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seen_at": 1}', '{"seen_at": "then"}'])
def test_what_is_no_such_file_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)
    assert read_health(tmp_path, NOW) is None
