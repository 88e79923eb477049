"""The files under deploy name commands, settings, ports and paths that there are, and nobody may more than it takes."""

from __future__ import annotations

import json
import re
import shlex
import stat
import subprocess
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml

from distrib import __version__
from distrib.settings import Settings, read_settings
from tests.world.deployed import (
    CHART,
    CONTAINER,
    DEPLOY,
    PORT,
    ROOT,
    SYSTEMD,
    UNITS,
    check_command,
    commands,
    compose,
    values_of,
    variables,
)

OF_THE_FILES_ALONE = {"DISTRIB_SITE", "DISTRIB_UPSTREAM", "DISTRIB_IMAGE"}
"""Variables of compose and Caddy, which the service never sees."""
SETTINGS = {f"DISTRIB_{field.name.upper()}" for field in fields(Settings)}
OURS = ("migrate", "web", "worker")


def test_every_command_is_one_with_its_options_and_every_variable_a_setting() -> None:
    listed = list(commands())
    assert {name for name, _ in listed} == {
        "Containerfile",
        "compose.yaml",
        "distrib-migrate.service",
        "distrib-web.service",
        "distrib-worker.service",
        "migrate.yaml",
        "web.yaml",
        "worker.yaml",
    }
    for _, words in listed:
        check_command(words)
    with pytest.raises(click.UsageError):
        check_command(["serve", "--prot", "8000"])
    named = list(variables())
    assert len(named) > 40
    known = SETTINGS | {f"{name}_FILE" for name in SETTINGS} | OF_THE_FILES_ALONE
    assert [entry for entry in named if entry[1] not in known] == []


def test_the_image_is_made_of_what_is_there_and_of_nobody_who_could_harm() -> None:
    text = (CONTAINER / "Containerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    ignored = (CONTAINER / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line[:1] == "!"}
    assert [name for name in copied if name not in let_in and name.partition("/")[0] not in let_in] == []
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE) == [str(PORT)]
    health = json.loads(re.search(r"HEALTHCHECK [^[]*(\[.*\])", text.replace("\\\n", "")).group(1))  # type: ignore[union-attr]
    assert f"127.0.0.1:{PORT}/healthz" in health[-1]
    compile(health[-1], "HEALTHCHECK", "exec")


def test_the_service_runs_with_a_root_that_nobody_writes_and_only_the_proxy_is_reached_from_outside() -> None:
    services = compose()["services"]
    for name in OURS:
        said = services[name]
        assert (said["read_only"], said["cap_drop"], said["security_opt"]) == (
            True,
            ["ALL"],
            ["no-new-privileges:true"],
        )
        told = {value.rpartition("/")[2] for key, value in said["environment"].items() if key.endswith("_FILE")}
        assert told == set(said["secrets"]), name
    assert [name for name, said in services.items() if "ports" in said] == ["proxy"]
    assert services["proxy"]["environment"]["DISTRIB_UPSTREAM"] == f"web:{PORT}"
    assert "owner_database_url" not in {*services["web"]["secrets"], *services["worker"]["secrets"]}
    assert "worker_database_url" not in services["web"]["secrets"]
    (front,) = compose()["networks"]["front"]["ipam"]["config"]
    assert services["web"]["environment"]["DISTRIB_TRUSTED_PROXIES"] == front["subnet"]
    assert {name for name, said in services.items() if "front" in said["networks"]} == {"web", "proxy"}


def test_the_secrets_that_are_drawn_are_those_that_compose_names_and_are_good_for_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = ["sh", str(CONTAINER / "make-secrets.sh"), str(tmp_path / "secrets")]
    for _ in range(2):
        subprocess.run(draw, check=True, timeout=30)
        drawn = {path.name: path.read_text("ascii") for path in (tmp_path / "secrets").iterdir()}
    assert drawn.keys() == compose()["secrets"].keys()
    assert len(set(drawn.values())) == len(drawn)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    subprocess.run(draw, check=True, timeout=30)
    assert {path.name: path.read_text("ascii") for path in (tmp_path / "secrets").iterdir()} == drawn
    for name, value in compose()["services"]["migrate"]["environment"].items():
        told = value.replace("/run/secrets", str(tmp_path / "secrets"))
        monkeypatch.setenv(name, re.sub(r"\${DISTRIB_SITE:.*}", "fx.example.com", told))
    settings = read_settings()
    assert (settings.environment, settings.public_url) == ("production", "https://fx.example.com")
    assert drawn["owner_password"] in str(settings.owner_database_url)
    assert str(settings.database_url).startswith("postgresql://distrib_web_login:")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_may_little_is_handed_its_secrets_and_is_ended_by_its_first_process(unit: Path) -> None:
    handed = {value.partition(":")[0]: value.partition(":")[2] for value in values_of(unit, "LoadCredential")}
    told = {line.partition("=")[2] for line in values_of(unit, "Environment") if "_FILE=" in line}
    assert told == {f"%d/{name}" for name in handed}
    assert handed == {name: f"/etc/distrib/secrets/{name}" for name in handed}
    assert values_of(unit, "ProtectSystem") == ["strict"]
    assert values_of(unit, "NoNewPrivileges") == ["true"]
    if values_of(unit, "Type") == ["exec"]:
        assert values_of(unit, "KillMode") == ["mixed"]
        assert values_of(unit, "Restart") == ["always"]
        assert f"DISTRIB_VAR_DIR={values_of(unit, 'WorkingDirectory')[0]}" in values_of(unit, "Environment")
        assert values_of(unit, "WorkingDirectory") == [f"/var/lib/{name}" for name in values_of(unit, "StateDirectory")]


def test_a_shell_that_reads_the_two_files_has_settings_that_are_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["sh", str(CONTAINER / "make-secrets.sh"), str(tmp_path), "db.example"], check=True, timeout=30)
    sourced = " ".join(f". {shlex.quote(str(SYSTEMD / name))};" for name in ("settings.env", "command.env"))
    done = subprocess.run(
        ["sh", "-euc", f"set -a; {sourced} set +a; env"], capture_output=True, text=True, check=True, timeout=30
    )
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.startswith("DISTRIB_"):
            monkeypatch.setenv(name, value.replace("/etc/distrib/secrets", str(tmp_path)))
    assert read_settings().environment == "production"
    assert "PATH=/opt/distrib/bin:" in done.stdout


def test_ports_and_versions_agree_and_nothing_calls_itself_another() -> None:
    for path in [*DEPLOY.rglob("*.service"), *CHART.glob("templates/*.yaml"), CONTAINER / "Caddyfile"]:
        ports = set(re.findall(r"(?:--port[, ]+\"?|containerPort: |127\.0\.0\.1:)(\d+)", path.read_text("utf-8")))
        assert ports <= {str(PORT)}, path
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert values.keys() <= schema["properties"].keys()
    assert values["settings"].keys() <= SETTINGS
    optional = schema["properties"]["secretKeys"]["items"]["enum"]
    assert {f"DISTRIB_{name.upper()}" for name in optional} <= SETTINGS
