"""``python -m tests.tools.vendor``: fetches what the console's pages load, checks it, and unpacks it.

``config/console-assets.toml`` pins each package by the digest that the npm registry gives it; what is unpacked is
committed, with its licences, and ``SHA256SUMS`` says what it is, so that a test can tell that nobody edited it.
Packages that come as modules become one file (``tests.tools.bundle``).
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.bundle import make_bundle, this_platform

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "config" / "console-assets.toml"
VENDORED = ROOT / "distrib" / "console" / "static" / "vendor"
SUMS = "SHA256SUMS"
_REGISTRY = "https://registry.npmjs.org"
_SYMBOL = '<symbol id="tabler-{name}"[^>]*>.*?</symbol>'


class WrongDigest(Exception):
    """A package is not what is pinned."""


def main() -> int:
    """Fetches, unpacks and bundles every package; ends with 1 where a digest is not the pinned one."""
    wrong = []
    for unpack in _steps():
        try:
            unpack()
        except WrongDigest as error:
            wrong.append(str(error))
    (VENDORED / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums().items()))
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def assets() -> dict[str, dict[str, Any]]:
    """What is pinned and comes as it is, by package."""
    return {name: table for name, table in _pinned().items() if name not in ("bundler", "bundles")}


def bundles() -> dict[str, dict[str, Any]]:
    """What is made of modules, by name."""
    made: dict[str, dict[str, Any]] = _pinned()["bundles"]
    return made


def sums() -> dict[str, str]:
    """The digests of all that is unpacked, by path."""
    files = sorted(path for path in VENDORED.rglob("*") if path.is_file() and path.name != SUMS)
    return {str(path.relative_to(VENDORED)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _pinned() -> dict[str, dict[str, Any]]:
    return tomllib.loads(ASSETS.read_text("utf-8"))


def _steps() -> Iterator[Any]:
    for name, package in assets().items():
        yield lambda name=name, package=package: _unpack(_fetched(name, package), package)
    for bundle in bundles().values():
        yield lambda bundle=bundle: _bundle(bundle)


def _bundle(bundle: dict[str, Any]) -> None:
    bundler, platform = _pinned()["bundler"], this_platform()
    pin = {"version": bundler["version"], "integrity": bundler["integrity"][platform]}
    program = _fetched(f"@{bundler['name']}/{platform}", pin)
    packages = {name: _fetched(name, package) for name, package in bundle["packages"].items()}
    made = make_bundle(program, bundler["options"], packages, bundle)
    _write(bundle["to"], made.script)
    _write(bundle["license_to"], made.licences)


def _fetched(name: str, package: dict[str, Any]) -> bytes:
    """The archive of a package; raises ``WrongDigest``."""
    address = f"{_REGISTRY}/{name}/-/{name.rpartition('/')[2]}-{package['version']}.tgz"
    with urllib.request.urlopen(address, timeout=60) as answer:
        archive: bytes = answer.read()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if digest != package["integrity"]:
        raise WrongDigest(f"{name} {package['version']}: {digest}")
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
