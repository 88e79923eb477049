"""The files under deploy, held against the programs that they are for; the proxy is run before a real web."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from tests.tools.deploy_tools import program
from tests.world.deployed import CHART, CONTAINER, DEPLOY, UNITS
from tests.world.live import free_port, served_api
from tests.world.processes import wait_until
from tests.world.world import World

MOST_EXPOSED = 2.0
"""Of ten, as systemd reckons what a unit may do to its machine."""
OLDEST, NEWEST = "1.27", "1.36"
"""Versions of Kubernetes whose schemas the chart is held against."""
RENDER = """
import json, sys
import helm_python, kubernetes_validate, yaml
chart_at, values, *versions = json.loads(sys.argv[1])
found = helm_python.lint(chart_at)
with helm_python.Chart.load(chart_at) as chart:
    chart.validate_schema(values)
    rendered = chart.render(values, name="shop", namespace="prod")
documents = [
    document for name, text in rendered.items() if name.endswith(".yaml")
    for document in yaml.safe_load_all(text) if document
]
for document in documents:
    for version in versions:
        kubernetes_validate.validate(document, version, strict=True)
worst = [entry for entry in found["messages"] if entry["severity"] > 1]
print(json.dumps({"worst": worst, "errors": found["errors"], "documents": documents}))
"""


def output_of(*command: object, status: int = 0, **told: str) -> str:
    """What a program prints, which ends with that status."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **told},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_the_image_and_the_compose_file_are_what_their_own_tools_take() -> None:
    assert output_of(program("hadolint"), CONTAINER / "Containerfile") == ""
    told = output_of(
        program("docker-compose"),
        "-f",
        CONTAINER / "compose.yaml",
        "config",
        "--format=json",
        DISTRIB_SITE="fx.example.com",
    )
    services = json.loads(told)["services"]
    assert services["web"]["environment"]["DISTRIB_PUBLIC_URL"] == "https://fx.example.com"
    assert services["worker"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert Path(services["web"]["build"]["context"]) == DEPLOY.parent
    nameless = output_of(program("docker-compose"), "-f", CONTAINER / "compose.yaml", "config", "-q", status=1)
    assert nameless == ""


def test_systemd_takes_the_units_and_they_may_little(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "tests/conftest.py collects this where there is one"
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text("utf-8").replace("/opt/distrib/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text, "utf-8")
    units = [tmp_path / unit.name for unit in UNITS]
    done = subprocess.run(
        [analyze, "verify", *units, tmp_path / "distrib-dump.timer"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for unit in units:
        judged = output_of(analyze, "security", "--offline=true", "--no-pager", unit)
        (exposed,) = re.findall(r"exposure level for .*: ([0-9.]+)", judged)
        assert float(exposed) < MOST_EXPOSED, judged


def rendered(**values: Any) -> dict[tuple[str, str], Any]:
    """What Helm makes of the chart, by kind and name; each document fits the schemas of Kubernetes."""
    asked = json.dumps([str(CHART), values, OLDEST, NEWEST])
    told = json.loads(output_of(program("python"), "-c", RENDER, asked))
    assert (told["worst"], told["errors"]) == ([], [])
    return {(document["kind"], document["metadata"]["name"]): document for document in told["documents"]}


def test_helm_makes_documents_that_kubernetes_takes_and_the_web_sees_no_login_but_its_own() -> None:
    plain = rendered()
    assert {kind for kind, _ in plain} == {"Deployment", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    whole = rendered(
        ingress={"enabled": True, "className": "nginx", "tlsSecret": "tls"},
        secretKeys=["metrics_key", "other_pepper"],
        networkPolicy={"enabled": False},
        imagePullSecrets=[{"name": "registry"}],
        nodeSelector={"disk": "ssd"},
        worker={"replicas": 3, "processes": 4},
    )
    assert ("Ingress", "shop-distrib") in whole
    seen = {}
    for (kind, name), document in whole.items():
        if kind in ("Deployment", "Job"):
            pod = document["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            assert (
                pod["securityContext"]["runAsNonRoot"] is container["securityContext"]["readOnlyRootFilesystem"] is True
            )
            seen[name] = {
                item["key"] for volume in pod["volumes"] if "secret" in volume for item in volume["secret"]["items"]
            }
            told = {entry["name"] for entry in container["env"]}
            assert {f"DISTRIB_{key.upper()}_FILE" for key in seen[name]} <= told
    common = {"database_url", "key_pepper", "data_key", "metrics_key", "other_pepper"}
    assert seen == {
        "shop-distrib-web": common,
        "shop-distrib-worker": common | {"worker_database_url"},
        "shop-distrib-migrate": common | {"worker_database_url", "owner_database_url"},
    }
    refused = json.dumps([str(CHART), {"web": {"replicas": 0}, "settings": {"distrib_x": "1"}}])
    output_of(program("python"), "-c", RENDER, refused, status=1)


@contextmanager
def proxied(upstream: int, directory: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """Caddy with the file of this repository before a web; its port, and what trusts its own authority."""
    port, state = free_port(), directory / "caddy"
    options = (
        f"{{\n\tskip_install_trust\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {state}\n}}\n"
    )
    (directory / "Caddyfile").write_text(options + (CONTAINER / "Caddyfile").read_text("utf-8"), "utf-8")
    told = {"DISTRIB_SITE": f"localhost:{port}", "DISTRIB_UPSTREAM": f"127.0.0.1:{upstream}", "HOME": str(directory)}
    command = [str(program("caddy")), "run", "--adapter", "caddyfile", "--config", str(directory / "Caddyfile")]
    with (directory / "log").open("wb") as log:
        proxy = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **told}, stdout=log, stderr=log)
    try:
        root = state / "pki" / "authorities" / "local" / "root.crt"
        wait_until(root.exists, "it has an authority", 30)
        trusts = ssl.create_default_context(cafile=str(root))
        wait_until(lambda: answered(port, trusts, "/readyz")[0] == 200, "the proxy leads to the web", 30)
        yield port, trusts
    finally:
        proxy.terminate()
        proxy.wait(30)


def answered(port: int, trusts: ssl.SSLContext, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body over TLS; 0 where nobody answers yet."""
    connection = HTTPSConnection("localhost", port, context=trusts, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    except (OSError, ssl.SSLError):
        return 0, {}, b""
    finally:
        connection.close()


def test_the_proxy_speaks_tls_for_the_web_says_so_and_keeps_the_figures_inside(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with served_api(world.container) as live, proxied(live.port, tmp_path) as (port, trusts):
        status, headers, body = answered(port, trusts, "/readyz")
        assert (status, json.loads(body)["status"]) == (200, "ready")
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answered(port, trusts, "/metrics")[0] == 404
        key = live.client(world.program).key
        assert answered(port, trusts, "/v1/program", Authorization=f"Bearer {key}")[0] == 200
    logged = (tmp_path / "log").read_text("utf-8")
    assert key not in logged
    assert '"uri":"/v1/program"' in logged
    capfd.readouterr()
