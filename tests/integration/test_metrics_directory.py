"""The directory of the figures of one service: whose it is, and what goes when nobody holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distrib import metrics_directory
from distrib.metrics_directory import (
    FILE_BYTES,
    VARIABLE,
    allocate_files,
    claim_directory,
    left_in,
    provide_directory,
)

COMMAND = """
import os, sys
from pathlib import Path
from distrib.metrics_directory import claim_directory

directory = claim_directory(Path(sys.argv[1]))
fork = os.fork()
print(fork, flush=True) if fork else None
sys.stdin.read()
"""


def claimed(parent: Path) -> set[str]:
    """The names of the directories that there are."""
    return {path.name for path in parent.iterdir() if path.is_dir()}


def test_a_directory_is_held_as_long_as_any_process_of_its_service_lives(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        child = int(service.stdout.readline())
        service.send_signal(signal.SIGKILL)
        service.wait(30)
        other = claim_directory(tmp_path)
        assert len(claimed(tmp_path)) == 2
        os.kill(child, signal.SIGKILL)
        service.stdout.read()  # ends when the child has
    [left] = left_in(tmp_path)
    assert claimed(tmp_path) == {left.name, other.path.name}
    third = claim_directory(tmp_path)
    assert claimed(tmp_path) == {other.path.name, third.path.name}
    for directory in (other, third):
        directory.remove()
    assert claimed(tmp_path) == set()


def test_a_service_whose_var_dir_cannot_be_written_has_its_directory_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "var").write_text("a file")
    directory = claim_directory(tmp_path / "var" / "metrics")
    assert (directory.path.parent, directory.path.name[:16]) == (tmp_path, "distrib-metrics-")
    directory.remove()
    assert list(tmp_path.iterdir()) == [tmp_path / "var"]


def test_a_directory_is_provided_once_and_not_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "/named")
    assert metrics_directory.provide_directory.__wrapped__() is None
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("DISTRIB_VAR_DIR", str(tmp_path))
    provide_directory.cache_clear()
    try:
        directory = provide_directory()
        assert directory is not None
        assert directory.path.parent == tmp_path / "metrics"
        assert (os.environ[VARIABLE], provide_directory()) == (str(directory.path), directory)
        directory.remove()
    finally:
        provide_directory.cache_clear()


def test_a_process_has_room_to_count_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    allocate_files()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == [
        f"{kind}_{os.getpid()}.db" for kind in ("counter", "gauge_livesum", "histogram")
    ]
    assert [path.stat().st_blocks * 512 for path in files] == [FILE_BYTES] * 3
    files[0].write_bytes(b"counted")
    allocate_files()
    assert files[0].read_bytes() == b"counted"


def test_where_there_is_no_room_a_process_counts_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(metrics_directory, "_IN_MEMORY", tmp_path)
    monkeypatch.setattr("atexit.register", ended.append)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    allocate_files()
    own = Path(os.environ[VARIABLE])
    assert own.parent == tmp_path / f"distrib-metrics-of-{os.geteuid()}"
    assert (own / f"counter_{os.getpid()}.db").stat().st_size == FILE_BYTES
    [remove] = ended
    remove()  # type: ignore[operator]
    assert not own.exists()
