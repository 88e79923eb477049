"""Brings the programs that the files under ``deploy`` are held against: `python -m tests.tools.deploy_tools`.

They lie in an environment of their own under the user cache, pinned by hash (``deploy/tools.txt``). Where they cannot
be had, the tests that want them are left out, as `tests/conftest.py` says.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "deploy" / "tools.txt"
ABSENT = (
    "no programs to hold deploy/ against (systemd-analyze of the system, others by python -m tests.tools.deploy_tools):"
    " tests/integration/deploy is left out"
)


def place() -> Path:
    """The environment of this very list, whether it is there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "distrib" / f"deploy-tools-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:16]}"


def program(name: str) -> Path:
    """A program of the environment."""
    return place() / "bin" / name


def are_there() -> bool:
    """Whether the environment was made, to its end."""
    return (place() / "whole").exists()


def install() -> None:
    """Makes the environment, unless it is there; what a run left half done is done anew.

    Raises:
        subprocess.CalledProcessError: an index does not answer, or what it has is not what was pinned.
    """
    if are_there():
        return
    shutil.rmtree(place(), ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place())], check=True)
    pip = [str(program("python")), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    subprocess.run([*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(LIST)], check=True)
    (place() / "whole").touch()


if __name__ == "__main__":
    install()
    sys.stdout.write(f"{place()}\n")
