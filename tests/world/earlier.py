"""The build before this one, taken from the history of the checkout: its code, its schema, its service."""

from __future__ import annotations

import subprocess
import tarfile
from functools import cache
from io import BytesIO
from pathlib import Path

from distrib.settings import REPOSITORY

ABSENT = "no history in this checkout (git clone --depth?): tests/integration/upgrade is left out"
_MIGRATIONS = "distrib/store/migrations/versions"
_NEEDED = ("distrib", "workers", "config")


@cache
def earlier_build() -> str | None:
    """The commit before the newest migration came, or the last release where one is tagged; None without a history.

    A migration that is not committed yet is newer than all that are.
    """
    tagged = _git("describe", "--tags", "--match", "v[0-9]*", "--abbrev=0", "HEAD^")
    if tagged:
        return tagged
    if _git("status", "--porcelain", "--", _MIGRATIONS):
        return _git("rev-parse", "--verify", "HEAD")
    newest = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", _MIGRATIONS)
    return _git("rev-parse", "--verify", f"{newest}^") if newest else None


def unpack(commit: str, directory: Path) -> None:
    """Puts the code of a commit into a directory, where every account may read it."""
    command = ["git", "archive", "--format=tar", commit, *_NEEDED]
    archive = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, timeout=60).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(directory, filter="data")


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
