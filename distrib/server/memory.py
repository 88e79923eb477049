"""What keeps the memory of processes where it was: no two large bodies at a time, and blocks that are given back."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import tempfile
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3  # mallopt(3)
_LARGE_BYTES: Final = 1024 * 1024


class SharedPlace:
    """A place that one process of a service has at a time; made before they are forked, free when its holder ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the service
        self.is_held = False

    def take(self) -> bool:
        """Whether this process has the place now."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        self.is_held = True
        return True

    def give_back(self) -> None:
        """Leaves it to the next."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)
        self.is_held = False


def collect_what_is_left() -> None:
    """Frees what a large body left: an exception and the frames that it passed hold one another, and what was read."""
    gc.collect()
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def return_large_blocks() -> None:
    """Has each large block of memory go back to the system when it is freed, where the C library is glibc.

    By itself it raises its bound for such blocks to the largest that was ever freed, and keeps what lies below.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
