"""Who runs the servers, and what that account reaches: ourselves, or another for root, whom PostgreSQL refuses.

Nothing here changes the rights of a directory that is not ours.
"""

import errno
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

NOBODY = 65534
_ASKED_AT_MOST = 3
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}


class As(TypedDict, total=False):
    """Keywords of `subprocess` that make a child run as another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account the servers run under."""

    uid: int
    gid: int

    def as_child(self) -> As:
        """The arguments of `subprocess` that start a child as this account; none where it is our own."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give the account what we made for it."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)

    def can(self, test: str, path: Path) -> bool:
        """Whether the account passes `test -x`, `-r` or `-w` on a path; asked of the system, as that account.

        Raises:
            InterruptedError: whoever was sent to ask was killed each time, which is no "no".
        """
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        for _ in range(_ASKED_AT_MOST):
            status = subprocess.run(command, cwd="/", env=ENVIRONMENT, check=False, **self.as_child()).returncode
            if status >= 0:
                return status == 0
        raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR), str(path))


def account_for(data: Path) -> Account:
    """The account for the servers on this data: ours; for root the data's, if any yet, else an unprivileged one."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    if data.exists() and data.stat().st_uid != 0:
        return Account(uid=data.stat().st_uid, gid=data.stat().st_gid)
    return unprivileged()


def unprivileged() -> Account:
    """The machine's `postgres` account, else nobody."""
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        return Account(uid=NOBODY, gid=NOBODY)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def make_directory(path: Path, mode: int, account: Account | None = None) -> Path:
    """A directory with exactly this mode, whatever the umask, owned by an account where one is given."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if account:
            account.own(path)
    return path


def copy_readable(source: Path, target: Path) -> None:
    """Copy a tree so that everybody can read it; what was executable stays so."""
    shutil.copytree(source, target, symlinks=True)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
