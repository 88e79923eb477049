"""How much of this machine's memory the private PostgreSQL may keep pages in. Nothing is started here."""

import os
from collections.abc import Iterable
from pathlib import Path

LEAST_MIB, MOST_MIB = 128, 4_096
_PART = 4
_MIB = 1 << 20
# Of a container: version 2 of control groups, then version 1.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def shared_buffers() -> str:
    """The setting ``shared_buffers``: a quarter of the memory, which is what PostgreSQL's own manual begins with."""
    return f"{buffers_mib(memory_bytes())}MB"


def buffers_mib(memory: int) -> int:
    """A quarter of so many bytes of memory, in MiB, within bounds: the system's cache has its share beside.

    >>> buffers_mib(16 << 30), buffers_mib(256 << 20), buffers_mib(512 << 30)
    (4096, 128, 4096)
    """
    return min(max(memory // _PART // _MIB, LEAST_MIB), MOST_MIB)


def memory_bytes(limits: Iterable[Path] = _LIMITS) -> int:
    """The memory this process may have: the machine's, or less where a container is given less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([memory, *(int(text) for path in limits if (text := _read(path)).isdigit() and int(text) > 0)])


def _read(path: Path) -> str:
    """The text of a file; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
