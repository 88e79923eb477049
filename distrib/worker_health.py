"""Whether the workers of a machine work, in a file that they renew, for who restarts those that do not.

The file stands under var_dir. The database and Redis may be away meanwhile: starting workers anew mends neither.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

NAME: Final = "worker-health.json"
FRESH_FOR: Final = timedelta(seconds=120)
"""Who has not renewed the file for so long hangs: a look takes less, even where each statement waits to its end."""


def write_health(var_dir: Path, now: datetime, state: dict[str, Any]) -> None:
    """Renews the file, whole or not at all; ``state`` is what else is to be read there.

    Raises:
        OSError: it cannot be written.
    """
    var_dir.mkdir(parents=True, exist_ok=True)
    unfinished = var_dir / f"{NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps({"seen_at": now.isoformat(), **state}), encoding="utf-8")
    unfinished.replace(var_dir / NAME)


def forget_health(var_dir: Path) -> None:
    """Removes the file: who ends as it should does not work, and does not hang either."""
    (var_dir / NAME).unlink(missing_ok=True)


def read_health(var_dir: Path, now: datetime) -> dict[str, Any] | None:
    """What the workers said last; None where there are none, or they have not said anything for too long."""
    try:
        state: dict[str, Any] = json.loads((var_dir / NAME).read_text(encoding="utf-8"))
        age = now - datetime.fromisoformat(state["seen_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if age <= FRESH_FOR else None
