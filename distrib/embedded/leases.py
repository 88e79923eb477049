"""Who needs the servers: one file for each command, locked for as long as it lives.

The system drops a lock with its process, however that ends, so a command that was killed leaves a file and no claim.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def alone(control: Path) -> Iterator[None]:
    """Be the only one who starts or stops servers; waits for who is at it."""
    with (control / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Lease:
    """The claim of one command on the servers."""

    def __init__(self, control: Path) -> None:
        """Claim them; to be called when `alone`."""
        self._path = control / "leases" / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._file: TextIO = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def give_up(self) -> None:
        """Claim them no longer."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def anybody_left(control: Path) -> bool:
    """Whether a living command claims the servers; removes dead claims it meets. To be called when `alone`."""
    return any(is_held(path) for path in (control / "leases").iterdir())


def is_held(path: Path) -> bool:
    """Whether the command of this lease lives; removes the file if not."""
    with path.open("r+") as lease:
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    path.unlink(missing_ok=True)
    return False
