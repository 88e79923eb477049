"""``python -m tests.tools.vendor``: fetches what the console's pages load, checks it, and unpacks it.

``config/console-assets.toml`` pins each package by the digest that the npm registry gives it; what is unpacked is
committed, with its licences, and ``SHA256SUMS`` says what it is, so that a test can tell that nobody edited it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "config" / "console-assets.toml"
VENDORED = ROOT / "distrib" / "console" / "static" / "vendor"
SUMS = "SHA256SUMS"
_REGISTRY = "https://registry.npmjs.org"
_SYMBOL = '<symbol id="tabler-{name}"[^>]*>.*?</symbol>'


def main() -> int:
    """Fetches and unpacks every package; ends with 1 where a digest is not the pinned one."""
    wrong = []
    for name, package in assets().items():
        archive = _fetched(name, package["version"])
        digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
        if digest != package["integrity"]:
            wrong.append(f"{name} {package['version']}: {digest}")
            continue
        _unpack(archive, package)
    (VENDORED / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums().items()))
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def assets() -> dict[str, dict[str, Any]]:
    """What is pinned, by package."""
    return tomllib.loads(ASSETS.read_text("utf-8"))


def sums() -> dict[str, str]:
    """The digests of all that is unpacked, by path."""
    files = sorted(path for path in VENDORED.rglob("*") if path.is_file() and path.name != SUMS)
    return {str(path.relative_to(VENDORED)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _fetched(name: str, version: str) -> bytes:
    address = f"{_REGISTRY}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    with urllib.request.urlopen(address, timeout=60) as answer:
        archive: bytes = answer.read()
    return archive


def _unpack(archive: bytes, package: dict[str, Any]) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for inside, place in package["files"].items():
            _write(place, _without_map(_member(tar, inside)))
        sprite = package.get("sprite")
        if sprite is not None:
            _write(sprite["to"], _symbols(_member(tar, sprite["from"]).decode(), sprite["names"]).encode())


def _member(tar: tarfile.TarFile, inside: str) -> bytes:
    member = tar.extractfile(f"package/{inside}")
    if member is None:
        raise FileNotFoundError(inside)
    return member.read()


def _without_map(content: bytes) -> bytes:
    """The file without the line that names its source map, which is not served."""
    return re.sub(rb"\n?(//# sourceMappingURL=[^\n]*|/\*# sourceMappingURL=[^*]*\*/)\s*$", b"\n", content)


def _symbols(sprite: str, names: list[str]) -> str:
    """The symbols of those names as a sprite of their own."""
    symbols = []
    for name in sorted(names):
        match = re.search(_SYMBOL.format(name=re.escape(name)), sprite, re.DOTALL)
        if match is None:
            raise KeyError(name)
        symbols.append(match[0])
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _write(place: str, content: bytes) -> None:
    path = VENDORED / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
