"""Whether TypeScript can be compiled here: node and the packages of ``clients/typescript`` come with no wheel."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).resolve().parents[2] / "clients" / "typescript"
PROGRAMS: Final = PLACE / "node_modules" / ".bin"
NODE: Final = shutil.which("node") if (PROGRAMS / "tsc").exists() else None
ABSENT: Final = "tests of TypeScript: `npm ci --prefix clients/typescript` brings its compiler, where there is node"
