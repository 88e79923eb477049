"""The project's description of itself holds together: dependencies, locks, reasons, versions."""

import configparser
import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import distrib

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = "pylock.production.toml"


@pytest.fixture(scope="module")
def description() -> configparser.ConfigParser:
    """setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(description: configparser.ConfigParser) -> set[str]:
    """Every package that setup.cfg asks for, extras included."""
    texts = [description["options"]["install_requires"], *description["options.extras_require"].values()]
    return {name for text in texts for name in names_of(text)}


def names_of(requirements: str) -> set[str]:
    """The packages of some lines of requirements."""
    lines = [line for line in requirements.split("\n") if line.strip()]
    return {normal(re.split(r"[\[<>=!~; ]", line)[0]) for line in lines}


def locked(name: str, key: str) -> dict[str, set[str]]:
    """The versions that a lock pins of each package, but for the project itself."""
    hashes: dict[str, set[str]] = {}
    packages: list[dict[str, Any]] = tomllib.loads((ROOT / name).read_text("utf-8"))[key]
    for package in packages:
        if package["name"] != "distrib":
            hashes.setdefault(normal(package["name"]), set()).add(package["version"])
    return hashes


def test_both_locks_pin_the_same() -> None:
    assert locked("uv.lock", "package") == locked("pylock.toml", "packages")


def test_everything_declared_is_pinned(description: configparser.ConfigParser) -> None:
    assert declared(description) <= locked("pylock.toml", "packages").keys()


def test_every_pinned_file_has_a_hash() -> None:
    packages = [tomllib.loads((ROOT / name).read_text("utf-8"))["packages"] for name in ("pylock.toml", PRODUCTION)]
    for package in itertools.chain(*packages):
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files
        assert all(file["hashes"]["sha256"] for file in files)


def test_every_dependency_has_its_reason(description: configparser.ConfigParser) -> None:
    page = (ROOT / "docs" / "adr" / "0001-dependencies.md").read_text("utf-8")
    reasons = {normal(name) for name in re.findall(r"[A-Za-z][\w-]+", page)}
    assert declared(description) <= reasons


def test_the_version_is_said_once(description: configparser.ConfigParser) -> None:
    assert description["metadata"]["version"] == "attr: distrib.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", distrib.__version__)


def test_the_lock_of_production_pins_what_all_extras_do_and_leaves_out_all_of_them(
    description: configparser.ConfigParser,
) -> None:
    whole, production = locked("pylock.toml", "packages"), locked(PRODUCTION, "packages")
    assert production.items() <= whole.items()
    assert names_of(description["options"]["install_requires"]) <= production.keys()
    assert not production.keys() & (declared(description) - names_of(description["options"]["install_requires"]))


def test_the_locks_allow_the_python_that_setup_asks_for(description: configparser.ConfigParser) -> None:
    wanted = description["options"]["python_requires"]
    for name in ("uv.lock", "pylock.toml", PRODUCTION):
        assert tomllib.loads((ROOT / name).read_text("utf-8"))["requires-python"] == wanted


def test_no_room_is_without_its_import_contracts(description: configparser.ConfigParser) -> None:
    outside = {"cli", "embedded"}  # what may read the environment and start servers
    rooms = {path.parent.name for path in (ROOT / "distrib").glob("*/__init__.py")} - outside
    held = description["importlinter:contract:environment"]["source_modules"].split()
    layered = re.findall(r"distrib\.\w+", description["importlinter:contract:layers"]["layers"])
    assert {f"distrib.{room}" for room in rooms} <= set(held) & set(layered)


def test_the_hosted_ci_runs_the_same_gate_on_the_oldest_python_and_the_newest(
    description: configparser.ConfigParser,
) -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["run"]
    oldest = description["options"]["python_requires"].removeprefix(">=")
    assert job["strategy"]["matrix"]["python"] == [oldest, "3.x"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert not [step for step in job["steps"] if "cache" in str(step)]


def test_hooks_before_a_commit_are_the_steps_of_the_check() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    entries = [hook["entry"] for hook in local["hooks"]]
    assert local["repo"] == "local"
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports"):
        assert [entry for entry in entries if entry.startswith(f".venv/bin/{tool}")], tool
