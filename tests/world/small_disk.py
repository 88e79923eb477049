"""A file system of a test's own, small enough to be filled: in memory, mounted where the account may mount."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SIZE_MB: Final = 1_536
"""Room for a service and some minutes of its log of changes; filling the rest takes a second, and as much memory."""
HOURS_MB: Final = 6_144
"""Room for as long as one likes: the log grows to 4 GiB (``distrib.embedded.postgres``)."""
_MAY_MOUNT: Final = 21
"""The number of CAP_SYS_ADMIN among a process's capabilities (capabilities(7))."""
_PIECE_BYTES: Final = 2**20


def may_mount() -> bool:
    """Whether this process may mount a file system."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        effective = next(line.split()[1] for line in lines if line.startswith("CapEff"))
        return bool(int(effective, 16) >> _MAY_MOUNT & 1)
    return False


@contextmanager
def small_disk(directory: Path, size_mb: int = SIZE_MB) -> Iterator[None]:
    """Gives a directory a file system of its own while the block runs, where that is allowed."""
    directory.mkdir(parents=True, exist_ok=True)
    if not may_mount():
        yield
        return
    words = ["-t", "tmpfs", "-o", f"size={size_mb}m,mode=0711", "distrib-test", str(directory)]
    subprocess.run(["mount", *words], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True, capture_output=True)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """Leaves no byte on a small file system until the block ends.

    Raises:
        AssertionError: it is none of its own.
    """
    assert os.path.ismount(directory), f"{directory} has no file system of its own"
    filler = directory / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(_PIECE_BYTES))
        with suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(512))
        yield
    finally:
        filler.unlink(missing_ok=True)
