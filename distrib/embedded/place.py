"""Where the servers keep what they have: data, logs, sockets.

All of it lies under var_dir, but for two exceptions: sockets, whose paths the system bounds to about a hundred
characters, and, for root, everything of a var_dir that the servers' account cannot reach; a file says where it went.
"""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from distrib.domain.texts import Text
from distrib.embedded.account import Account, account_for, make_directory
from distrib.embedded.processes import EmbeddedServersFailed

LONGEST_SOCKET = 100
POSTGRES_SOCKET = ".s.PGSQL.5432"
ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  # nosec B108  # mkdtemp, nobody can foresee the name
SHORT = Path("/tmp")  # noqa: S108  # nosec B108  # checked to be ours before use


@dataclass(frozen=True, kw_only=True)
class Place:
    """The directories of one pair of servers, and the account that works in them."""

    control: Path
    base: Path
    sockets: Path
    account: Account

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.base / "postgres"

    @property
    def postgres_log(self) -> Path:
        """What PostgreSQL has to say."""
        return self.base / "logs" / "postgres.log"

    @property
    def valkey_log(self) -> Path:
        """What Valkey has to say."""
        return self.base / "logs" / "valkey.log"

    @property
    def postgres_socket(self) -> Path:
        """The socket PostgreSQL listens on."""
        return self.sockets / POSTGRES_SOCKET

    @property
    def valkey_socket(self) -> Path:
        """The socket Valkey listens on."""
        return self.sockets / "valkey.sock"


def control_of(var_dir: Path) -> Path:
    """The directory of locks and leases; made where it is missing.

    Raises:
        EmbeddedServersFailed: it cannot be written.
    """
    control = var_dir / "embedded"
    try:
        make_directory(control, 0o711)
        make_directory(control / "leases", 0o700)
    except OSError as error:
        raise EmbeddedServersFailed(
            Text("cannot write into {var_dir}: {strerror}", var_dir=var_dir, strerror=error.strerror)
        ) from error
    if not os.access(control / "leases", os.W_OK):
        raise EmbeddedServersFailed(Text("cannot write into {control}, it is another user's", control=control))
    return control


def settle_place(control: Path) -> Place:
    """Decide where the servers live, and make what is missing there. To be called under the lock of `control`."""
    base = base_of(control)
    account = account_for(base / "postgres")
    make_directory(base / "logs", 0o700, account)
    sockets = sockets_of(base)
    make_directory(sockets, 0o700, account)
    refuse_foreign(sockets, account)
    return Place(control=control, base=base, sockets=sockets, account=account)


def base_of(control: Path) -> Path:
    """Where the data is; of new data where it goes: into var_dir, or to a place that the account can reach.

    Raises:
        EmbeddedServersFailed: a pointer in var_dir says where the data is, and it is there no more.
    """
    pointer, base = control / "data-is-in", control / "servers"
    if (base / "postgres").is_dir():
        return base
    if pointer.exists():
        named = Path(pointer.read_text(encoding="utf-8").strip())
        if not named.is_dir():
            raise EmbeddedServersFailed(
                Text("{pointer} names {named}, and there is none", pointer=pointer, named=named)
            )
        return named
    if account_for(base / "postgres").can("-x", control):
        return make_directory(base, 0o711)
    base = make_elsewhere()
    pointer.write_text(f"{base}\n", encoding="utf-8")
    return base


def make_elsewhere() -> Path:
    """A directory of ours outside var_dir that every account can pass through."""
    for parent in ELSEWHERE:
        if os.access(parent, os.W_OK):
            base = Path(tempfile.mkdtemp(prefix="distrib-", dir=parent))
            base.chmod(0o711)
            return base
    raise EmbeddedServersFailed(Text("no place that an unprivileged account can reach"))


def sockets_of(base: Path) -> Path:
    """The directory of the sockets: beside the data, or under a short name where that path is too long."""
    near = base / "sockets"
    if len(os.fsencode(near / f"{POSTGRES_SOCKET}.lock")) <= LONGEST_SOCKET:
        return near
    return SHORT / f"distrib-{hashlib.sha256(os.fsencode(base)).hexdigest()[:16]}"


def refuse_foreign(sockets: Path, account: Account) -> None:
    """Make sure that a directory with a foreseeable name is the account's alone.

    Raises:
        EmbeddedServersFailed: another account made it, or others may enter.
    """
    state = sockets.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != account.uid or stat.S_IMODE(state.st_mode) & 0o077:
        raise EmbeddedServersFailed(Text("{sockets} is not private to user {uid}", sockets=sockets, uid=account.uid))
