"""What is known against the packages that the locks pin: ``python3 dev.py advisories``.

A hole that is known fails; a registry that cannot be reached, or knows nothing of a package, is told and fails nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_WITHIN_S = 120
COMMAND = [
    str(Path(sys.executable).with_name("pip-audit")),
    "--locked",
    "--format",
    "json",
    "--progress-spinner",
    "off",
    "--timeout",
    "10",
    str(ROOT),
]


def ask(command: Sequence[str] = COMMAND) -> list[dict[str, Any]] | None:
    """The packages as the registry answers about them; None where it does not answer."""
    try:
        answered = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
        packages: list[dict[str, Any]] = json.loads(answered.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return packages


def verdict(packages: Sequence[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """The exit status and what is to be said: every hole, and how many packages nothing could be learned about.

    >>> verdict(None)
    (0, ['advisories: the registry cannot be reached, nothing was learned'])
    >>> verdict([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}])
    (1, ['a 1: CVE-1, mended in 2', 'advisories: 1 holes in 1 packages, 0 packages unknown'])
    """
    if packages is None:
        return 0, ["advisories: the registry cannot be reached, nothing was learned"]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in {' or '.join(hole['fix_versions']) or 'none'}"
        for package in packages
        for hole in package.get("vulns", ())
    ]
    unknown = sum("skip_reason" in package for package in packages)
    return int(bool(holes)), [
        *holes,
        f"advisories: {len(holes)} holes in {len(packages)} packages, {unknown} packages unknown",
    ]


def main() -> int:
    """Asks and tells; 1 where there is a hole."""
    status, lines = verdict(ask())
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
