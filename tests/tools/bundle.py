"""Makes one file of npm packages that come as modules, with a pinned esbuild: the same bytes for the same pins.

Knows neither registry nor digests; ``tests.tools.vendor`` fetches and checks what is put in here.
"""

from __future__ import annotations

import io
import platform
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_LICENCES = ("LICENSE", "LICENSE.md", "LICENCE")


class Bundle(NamedTuple):
    """A file for pages, and the licences of all that is in it."""

    script: bytes
    licences: bytes


def this_platform() -> str:
    """This machine as esbuild names it, such as ``linux-x64``."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{sys.platform}-{machine}"


def make_bundle(
    program: bytes, options: Sequence[str], packages: Mapping[str, bytes], bundle: Mapping[str, Any]
) -> Bundle:
    """Bundles what ``bundle`` exports of its packages under one global name.

    Args:
        program: the archive of esbuild for this machine.
        packages: the archive of every package that may be imported, by name.
    """
    with tempfile.TemporaryDirectory() as place:
        room = Path(place)
        esbuild = _unpacked(program, room / "esbuild") / "bin" / "esbuild"
        for name, archive in packages.items():
            _unpacked(archive, room / "node_modules" / name)
        (room / "entry.js").write_text(_entry(bundle["exports"]))
        command = [str(esbuild), "entry.js", *options, f"--global-name={bundle['name']}"]
        script = subprocess.run(command, cwd=room, check=True, capture_output=True).stdout
        return Bundle(script, _licences(room / "node_modules", bundle["packages"]).encode())


def _entry(exports: Mapping[str, Sequence[str]]) -> str:
    return "".join(f'export {{ {", ".join(names)} }} from "{package}";\n' for package, names in exports.items())


def _unpacked(archive: bytes, place: Path) -> Path:
    """Unpacks an archive, without the directory that everything in it stands in."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        members = [member for member in tar.getmembers() if "/" in member.name]
        for member in members:
            member.name = member.name.partition("/")[2]
        tar.extractall(place, members, filter="data")
    return place


def _licences(modules: Path, packages: Mapping[str, Mapping[str, str]]) -> str:
    """Every licence once, under the packages that it is of."""
    of_text: defaultdict[str, list[str]] = defaultdict(list)
    for name, package in packages.items():
        text = next(path for path in (modules / name / inside for inside in _LICENCES) if path.exists())
        of_text[text.read_text("utf-8").strip()].append(f"{name} {package['version']} ({package['license']})")
    return "\n\n".join("\n".join([*names, "", text]) for text, names in of_text.items()) + "\n"
