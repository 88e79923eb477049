"""The secret of the embedded default: made once, for its owner's eyes alone."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.setting_checks import SHORTEST_PEPPER, SettingsError

_SECRET = re.compile(rf"[!-~]{{{SHORTEST_PEPPER},}}")


def own_secret(var_dir: Path) -> str:
    """The secret of the embedded default, made once; of two commands that make it at once both get the same.

    Raises:
        SettingsError: it can neither be read nor made.
    """
    path = var_dir / "secret"
    try:
        if not path.exists():
            make_secret(path)
        secret = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise SettingsError([render_both(Text("{path}: {strerror}", path=path, strerror=error.strerror))]) from error
    if not _SECRET.fullmatch(secret):
        raise SettingsError(
            [render_both(Text("{path} is not the secret that was made here: bring it back", path=path))]
        )
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret for its owner's eyes only; it appears complete, and never over another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"secret.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())  # a database that outlives its secret has keys that nobody can use
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
