"""A build of the service to be measured: this one, or the checkout of another commit with a ``.venv`` of its own.

Another build is only ever spoken to as its users do: by its commands and over HTTP. No figure is computed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distrib.cli.bench.failures import BenchFailed
from distrib.cli.service.local import HOST, free_port, is_ready
from distrib.domain.texts import Text
from distrib.settings import PREFIX, REPOSITORY, Settings

STARTS_WITHIN_S = 180.0
ENDS_WITHIN_S = 30.0
_APP = "wsgi:app"
_OWN_APP = "distrib.wsgi:app"
_LAST_LINES = 15
_NAMES_OF_SETTINGS = (
    "from dataclasses import fields; from distrib.settings import Settings; print(*[f.name for f in fields(Settings)])"
)


@dataclass(frozen=True, slots=True)
class Build:
    """Where the code lies, and the Python that runs it."""

    directory: Path = REPOSITORY
    python: str = sys.executable

    def understood(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Those of the variables that are settings of the build: an older one refuses what it does not know.

        Raises:
            BenchFailed: the build does not say which settings it has.
        """
        if self.directory == REPOSITORY:
            return dict(variables)
        names = {f"{PREFIX}{name.upper()}" for name in self._python(_NAMES_OF_SETTINGS, {}).split()}
        return {name: value for name, value in variables.items() if name.removesuffix("_FILE") in names}

    def open_program(self, variables: Mapping[str, str]) -> str:
        """Migrates the database that the variables name and opens a program in it, by commands; returns a key.

        Raises:
            BenchFailed: a command fails.
        """
        program = ["create", "bench", "--currency", "CNY", "--time-zone", "Asia/Shanghai", "--policy", "open"]
        self._command(variables, "migrate")
        self._command(variables, "program", *program)
        return self._command(variables, "key", "create", "--role", "orders", "--name", "bench").splitlines()[-1]

    @contextmanager
    def service(self, variables: Mapping[str, str], log: Path, app: str = "") -> Iterator[RunningBuild]:
        """An app of the build under gunicorn as the build configures it, on a port of its own, until the block ends.

        The service itself where no app is named.

        It serves all rounds: each round's database has the same name, and connections are opened anew.
        """
        port = free_port()
        is_own = self.directory == REPOSITORY  # which may be installed, without the checkout that another one is
        config = (Settings.config_dir if is_own else self.directory / "config") / "gunicorn.conf.py"
        app = app or (_OWN_APP if is_own else _APP)
        place = ["--config", str(config), "--chdir", str(self.directory), "--bind", f"{HOST}:{port}", app]
        environment = {**os.environ, **self.understood(variables)}
        with log.open("wb") as output:
            command = [self.python, "-m", "gunicorn", *place]
            process = subprocess.Popen(command, env=environment, cwd=self.directory, stdout=output, stderr=output)
            try:
                _wait_until_ready(process, port, log)
                yield RunningBuild(port, process.pid)
            finally:
                end(process)

    def _command(self, variables: Mapping[str, str], *words: str) -> str:
        return self._python("from distrib.cli import main; main()", self.understood(variables), *words)

    def _python(self, code: str, variables: Mapping[str, str], *words: str) -> str:
        command, environment = [self.python, "-c", code, *words], {**os.environ, **variables}
        done = subprocess.run(command, env=environment, cwd=self.directory, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailed(Text("a command of the other build failed"), log=done.stderr)
        return done.stdout


@dataclass(frozen=True, slots=True)
class RunningBuild:
    """A service that a bench started: where it listens, and its first process."""

    port: int
    pid: int


def build_in(directory: Path) -> Build:
    """The build of a checkout.

    Raises:
        BenchFailed: it has no ``.venv``.
    """
    python = directory.absolute() / ".venv" / "bin" / "python"
    if not python.exists():
        raise BenchFailed(Text("there is no Python of its own"), detail=python)
    return Build(directory.absolute(), str(python))


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process: asked first, killed where it does not listen."""
    process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise BenchFailed(Text("the service does not come up"), log="\n".join(lines[-_LAST_LINES:]))
        time.sleep(0.05)
