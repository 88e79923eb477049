"""How far a command is, on the terminal beside what it prints; nothing where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """Yields bars that stand on standard error while the block runs, and leave no trace."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        yield progress
