"""What the project is made of, as CycloneDX 1.6 (ECMA-424): ``python3 dev.py materials > sbom.json``.

From the lock alone, so that the same lock gives the same bytes: no time, no serial number, nothing of the machine.
"""

from __future__ import annotations

import json
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import distrib

ROOT = Path(__file__).resolve().parents[2]


def bill() -> dict[str, Any]:
    """The bill of materials: the project, and every package that the lock pins, with the hashes of its files."""
    packages = tomllib.loads((ROOT / "pylock.toml").read_text("utf-8"))["packages"]
    own = {"type": "application", "bom-ref": "distrib", "name": "distrib", "version": distrib.__version__}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own | {"licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [_component(package) for package in packages],
    }


def _component(package: dict[str, Any]) -> dict[str, Any]:
    name, version = package["name"], package["version"]
    purl = f"pkg:pypi/{name}@{version}"
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    distributed = [
        {
            "type": "distribution",
            "url": file["url"],
            "hashes": [{"alg": "SHA-256", "content": file["hashes"]["sha256"]}],
        }
        for file in files
    ]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "externalReferences": distributed,
    } | _licence(name)


def _licence(name: str) -> dict[str, Any]:
    """The licence as the installed package states it (SPDX); nothing where it states none."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:  # of another platform
        return {}
    field = "License-Expression"
    return {"licenses": [{"expression": stated[field]}]} if field in stated else {}


def main() -> int:
    """Writes the bill to standard output."""
    sys.stdout.write(json.dumps(bill(), indent=2, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
