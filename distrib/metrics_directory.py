"""The directory through which the processes of one service add up their figures for ``/metrics``.

It lies under var_dir and belongs to the process that claims it and to all that are forked from that one. They share the
lock of a file in it, which the system drops with the last of them, however that ends: what nobody holds was left by a
service that was killed, and goes at the next claim.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TextIO

from distrib.settings import var_dir

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
TYPES = ("counter", "gauge_livesum", "histogram")
"""The types of figures that processes count; the client keeps those of one type and process in a file."""
FILE_BYTES = 2 * 2**20
"""Room for the series of every route, method and status."""
_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108  # nothing secret, in a directory of ours
_LOCK = "lock"


class MetricsDirectory:
    """A directory of our own, for as long as a process lives that holds its lock."""

    def __init__(self, path: Path) -> None:
        """Claim an empty directory."""
        self.path = path
        self._lock: TextIO = (path / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


@cache
def provide_directory() -> MetricsDirectory | None:
    """The directory of this process, claimed the first time and named in the environment for the client to read.

    None where the environment named one already, which is left to whoever made it.
    """
    if VARIABLE in os.environ:
        return None
    directory = claim_directory(var_dir() / "metrics")
    os.environ[VARIABLE] = str(directory.path)
    return directory


def allocate_files() -> None:
    """Gives the files in which this process is going to count their room on the disk, while there is some.

    The client writes to them through memory. A page of such a file that has no place on the disk yet ends the process
    (SIGBUS) once the disk is full, so all are written beforehand. Where there is no room already, this process counts
    in the machine's memory, and ``/metrics`` misses it until it is started again.
    """
    if VARIABLE not in os.environ:
        return
    try:
        _allocate_in(Path(os.environ[VARIABLE]))
    except OSError:
        parent = _IN_MEMORY if _IN_MEMORY.is_dir() else Path(tempfile.gettempdir())
        directory = claim_directory(parent / f"distrib-metrics-of-{os.geteuid()}")
        atexit.register(directory.remove)
        os.environ[VARIABLE] = str(directory.path)
        _allocate_in(directory.path)


def _allocate_in(directory: Path) -> None:
    for type_name in TYPES:
        path = directory / f"{type_name}_{os.getpid()}.db"
        if not path.exists():
            _write_zeros(path)


def _write_zeros(path: Path) -> None:
    """Makes a file of nothing but zeros, which the client takes for an empty one; none at all where it has no room."""
    try:
        path.write_bytes(bytes(FILE_BYTES))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def claim_directory(parent: Path) -> MetricsDirectory:
    """A new directory in ``parent``, from which what dead services left is cleared; in the system's for temporary files
    where ``parent`` cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with (parent / _LOCK).open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            for left in left_in(parent):
                shutil.rmtree(left, ignore_errors=True)
            return MetricsDirectory(Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent)))
    except OSError:  # servers and secrets may all be elsewhere: no reason not to serve
        return MetricsDirectory(Path(tempfile.mkdtemp(prefix="distrib-metrics-")))


def left_in(parent: Path) -> Iterator[Path]:
    """The directories in ``parent`` that no living process holds."""
    for directory in parent.iterdir():
        if directory.is_dir() and not is_held(directory):
            yield directory


def is_held(directory: Path) -> bool:
    """Whether a living process holds a directory, or it is another user's."""
    try:
        with (directory / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
