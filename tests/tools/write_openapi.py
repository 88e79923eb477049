"""Renews docs/openapi.json from the operations: ``python -m tests.tools.write_openapi``. Needs no server."""

from __future__ import annotations

import json
from pathlib import Path

from distrib import __version__
from distrib.api.openapi.document import description_of

TARGET = Path(__file__).parents[2] / "docs" / "openapi.json"


def main() -> None:
    """Writes the description, indented, so that a change of it can be read."""
    description = description_of(__version__)
    TARGET.write_text(json.dumps(description, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
