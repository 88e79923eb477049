#!/usr/bin/env python3
"""The one entry for who works on distrib: makes .venv beside itself and runs things in it.

Standard library only, for it runs before anything is installed. What a command does belongs to distrib/cli, never here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMMAND = VENV / "bin" / "distrib"
DEMO_DATA = "lib/python*/site-packages/lifetimes/datasets/CDNOW_master.txt"
STAMP = VENV / "distrib-stamp"
OLDEST = (3, 11)
LOCKED = ("pylock.toml", "config/demo-data.txt", "config/pip.txt")
DESCRIBED = ("setup.cfg", "pyproject.toml")
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
MOST_TEST_WORKERS = 8
MUTANTS = "--mutants"
FAST = "--fast"
# What a change of a rule breaks is known in seconds: no test of these needs a server, a browser or a network.
FAST_TESTS = (
    "tests/unit/domain",
    "tests/unit/columns",
    "tests/unit/services",
    "tests/unit/test_worked_examples.py",
    "tests/property/customers",
    "tests/property/network",
    "tests/property/orders/test_batches.py",
    "tests/property/plans/test_document.py",
    "tests/property/plans/test_pools.py",
    "tests/property/settlement/test_caps.py",
    "tests/property/settlement/test_commission.py",
    "tests/property/settlement/test_earners.py",
    "tests/property/statements",
    "tests/property/test_money.py",
)
FAST_OPTIONS = ("-q", "--hypothesis-profile=mutants")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHTS_OWN = """\
import os, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not os.path.exists(playwright.chromium.executable_path))
"""
NO_CHROMIUM = (
    "no Chromium could be installed; the tests of pages will fail: put one on the PATH"
    " / 无法安装 Chromium，页面测试将失败：请自行安装"
)
BANDIT = ("bandit", "-q", "-c", "config/bandit.yaml", "-r", "distrib", "workers", "wsgi.py", "dev.py")

USAGE = """\
python3 dev.py COMMAND [ARGUMENTS]    arguments are passed on

  setup   make or renew .venv                      建立或更新 .venv
  demo    the whole way on real orders             用真实订单走完全程
  test    all tests, or those named                运行测试
  serve   API, console and worker                  启动服务
  check   lint, format, security, types, imports   静态检查
          with --mutants mutation testing besides  另加变异测试
  bench   the project's own benchmarks             基准测试
  soak    a service to which everything happens    混合故障下的长时间运行
          --seed S --minutes M
  advisories  known holes of what is installed     依赖漏洞检查
  materials   what it is made of, as CycloneDX     软件物料清单
"""


class SetupFailed(Exception):
    """The environment could not be made; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    """Run one command; the exit status is the command's own, or 2 for wrong use."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if command not in COMMANDS:
        print(f"dev.py: no command {command!r} / 没有这个命令\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    try:
        ensure_environment()
    except SetupFailed as failure:
        print(f"dev.py: {failure}", file=sys.stderr)
        return 1
    return COMMANDS[command](rest)


# --- the environment ---


def ensure_environment() -> None:
    """Make .venv what the locks say; at once and without a network where it already is."""
    if is_current():
        return
    with one_at_a_time():
        if not is_current():
            renew()


def is_current() -> bool:
    """Whether .venv was completely made from today's locks, here, and nobody took from it since."""
    return is_whole() and read_stamp() == wanted_stamp()


def is_whole() -> bool:
    """Whether .venv has what other tools remove that bring it to a lock by themselves (`uv sync`)."""
    return os.access(PYTHON, os.X_OK) and os.access(COMMAND, os.X_OK) and any(VENV.glob(DEMO_DATA))


def read_stamp() -> list[str]:
    """The two digests of what .venv was made from, or nothing."""
    try:
        return STAMP.read_text(encoding="ascii").split()
    except OSError:
        return []


def wanted_stamp() -> list[str]:
    """Digests of what is installed from outside and of how the project describes itself; both hold for one place."""
    return [digest_of(LOCKED), digest_of(DESCRIBED)]


def digest_of(names: tuple[str, ...]) -> str:
    """One digest over the place and the contents of these files."""
    digest = hashlib.sha256(os.fsencode(ROOT))
    for name in names:
        digest.update(hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock on .venv: of two dev.py started together the second waits and then finds the work done."""
    try:
        lock = open(ROOT / ".venv.lock", "w")  # noqa: SIM115  (a with would hide which of the two steps was refused)
    except OSError as error:
        raise SetupFailed(f"cannot write into {ROOT}: {error.strerror} / 目录不可写") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def renew() -> None:
    """Install what the locks say, then the project itself; the stamp comes last, so that a broken run is run again."""
    uv = shutil.which("uv")
    wanted = wanted_stamp()
    if not is_whole() or read_stamp()[:1] != wanted[:1]:
        STAMP.unlink(missing_ok=True)
        print(
            "dev.py: making .venv, once; this downloads what pylock.toml names / 首次准备环境 …",
            file=sys.stderr,
            flush=True,
        )
        install_locked(uv)
    install_project(uv)
    STAMP.write_text("\n".join(wanted), encoding="ascii")


def install_locked(uv: str | None) -> None:
    """Bring .venv to what pylock.toml says, every file checked against its hash, and the demo's data beside it."""
    if uv:
        if not os.access(PYTHON, os.X_OK):
            run(uv, "venv", "--quiet", "--clear", "--python", interpreter(or_by_uv=True), str(VENV))
        run(uv, "pip", "sync", "--python", str(PYTHON), "pylock.toml")  # says what it downloads, and how far it is
    else:
        make_with_venv()
        run(str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-r", "pylock.toml")
    add = (uv, "pip", "install", "--quiet", "--python", str(PYTHON)) if uv else (*pip(), "install")
    run(*add, "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", "config/demo-data.txt")


def make_with_venv() -> None:
    """A fresh .venv whose pip can read pylock.toml."""
    python = interpreter(or_by_uv=False)
    if not succeeds(python, "-c", "import ensurepip, venv"):
        raise SetupFailed(NEITHER)
    run(python, "-m", "venv", "--clear", str(VENV))
    run(*pip(), "install", "--only-binary", ":all:", "--require-hashes", "-r", "config/pip.txt")


NEITHER = (
    "needs uv (https://docs.astral.sh/uv/) or Python's venv with pip: on Debian and Ubuntu `apt install python3-venv`"
    " / 需要 uv，或 Python 的 venv 与 pip（Debian/Ubuntu：apt install python3-venv）"
)


def interpreter(or_by_uv: bool) -> str:
    """The Python to build on: this one where it is new enough, else a newer one found on the machine.

    Raises:
        SetupFailed: there is none, and uv is not there to bring one.
    """
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(OLDEST[1], OLDEST[1] + 8):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    if or_by_uv:
        return ">=3.11"
    raise SetupFailed("needs Python 3.11 or newer, or uv / 需要 Python 3.11 以上，或 uv")


def install_project(uv: str | None) -> None:
    """Put the project itself into .venv, editable; what builds it is in the lock, so this needs no network."""
    add = (uv, "pip", "install", "--quiet", "--python", str(PYTHON)) if uv else (*pip(), "install")
    run(*add, "--no-deps", "--no-build-isolation", "--editable", ".")


def pip() -> tuple[str, ...]:
    """The pip of .venv, quiet and asking nothing."""
    return (str(PYTHON), "-m", "pip", "-qq", "--no-input", "--disable-pip-version-check")


def run(*command: str) -> None:
    """Run one step of the set-up from the project's root.

    Raises:
        SetupFailed: it did not end with 0.
    """
    outcome = subprocess.run(command, cwd=ROOT, env=environment(), check=False)
    if outcome.returncode:
        raise SetupFailed(f"failed with {outcome.returncode}: {' '.join(command)} / 以上步骤失败")


def succeeds(*command: str) -> bool:
    """Whether a command ends with 0; what it says is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def environment() -> dict[str, str]:
    """The caller's environment with .venv first, UTF-8 whatever the locale, and no foreign Python's paths.

    Compiled modules are kept whatever the caller says: each of the hundreds of processes that the tests start would
    compile all of distrib anew otherwise, a third of what it takes to start.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    path = os.pathsep.join([str(VENV / "bin"), inherited.get("PATH", os.defpath)])
    trusted = {"UV_SYSTEM_CERTS": "1"} if any(map(os.path.exists, CERTIFICATES)) else {}  # as pip does by itself
    return {**trusted, **inherited, "PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONUTF8": "1"}


# --- the commands ---


def become(*command: str) -> int:
    """Replace this process by the command, so that signals and the exit status are its own."""
    sys.stdout.flush()
    os.execve(command[0], list(command), environment())


def has_chromium() -> bool:
    """Whether there is a Chromium for the tests of pages: the machine's, or Playwright's own."""
    if any(shutil.which(name) for name in CHROMIUMS):
        return True
    return succeeds(str(PYTHON), "-c", PLAYWRIGHTS_OWN)


def ensure_chromium() -> None:
    """Bring a Chromium where there is none: as root on Debian from its packages, else as Playwright downloads it."""
    if has_chromium():
        return
    print("dev.py: installing Chromium, once / 首次安装 Chromium …", file=sys.stderr, flush=True)
    apt_get = shutil.which("apt-get")
    if os.geteuid() == 0 and apt_get:
        quiet = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run([apt_get, *command], env=quiet, stdout=subprocess.DEVNULL, check=False, timeout=600)
    if not has_chromium():
        subprocess.run([str(PYTHON), "-m", "playwright", "install", "chromium"], env=environment(), check=False)
    if not has_chromium():
        print(f"dev.py: {NO_CHROMIUM}", file=sys.stderr, flush=True)


def setup(arguments: list[str]) -> int:
    """Nothing is left to do but a browser for the tests of pages, and to say so."""
    ensure_chromium()
    print(f"dev.py: {VENV} is ready / 环境就绪")
    return 0


def test(arguments: list[str]) -> int:
    """All tests, in parallel unless the caller says how many processes; with --fast those of the rules alone."""
    os.chdir(ROOT)
    if FAST in arguments:
        arguments = [*(argument for argument in arguments if argument != FAST), *FAST_OPTIONS, *FAST_TESTS]
    else:
        ensure_chromium()
    says_how_many = any(argument.startswith(("-n", "--numprocesses")) for argument in arguments)
    parallel = [] if says_how_many else ["-n", str(test_workers()), "--dist", "worksteal"]
    return become(str(PYTHON), "-m", "pytest", *parallel, *arguments)


def test_workers() -> int:
    """How many test processes: one more than the cores that we may use, for a test often waits; within bounds."""
    return max(2, min(len(os.sched_getaffinity(0)) + 1, MOST_TEST_WORKERS))


def check(arguments: list[str]) -> int:
    """Lint, format, security, types, imports, with --mutants mutation testing: all run, one that fails fails all."""
    ruff = ["--config", "config/ruff.toml", "."]
    steps = [["ruff", "check", *ruff], ["ruff", "format", "--check", *ruff], [*BANDIT], ["mypy"], ["lint-imports"]]
    if MUTANTS in arguments:
        arguments = [argument for argument in arguments if argument != MUTANTS]
        steps.append(["python", "-m", "tests.tools.mutants"])
    failed = []
    for step in steps:
        print(f"$ {' '.join(step)}", flush=True)
        command = [str(VENV / "bin" / step[0]), *step[1:], *arguments]
        if subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode:
            failed.append(" ".join(step[:3] if step[0] == "python" else step[:2]))
    print(f"dev.py: check failed: {', '.join(failed)} / 检查未通过" if failed else "dev.py: check passed / 检查通过")
    return 1 if failed else 0


def demo(arguments: list[str]) -> int:
    """`distrib demo`."""
    return become(str(COMMAND), "demo", *arguments)


def serve(arguments: list[str]) -> int:
    """`distrib serve`."""
    return become(str(COMMAND), "serve", *arguments)


def bench(arguments: list[str]) -> int:
    """`distrib bench`."""
    return become(str(COMMAND), "bench", *arguments)


def soak(arguments: list[str]) -> int:
    """A whole service under load and under faults, against the reference of the tests."""
    os.chdir(ROOT)
    return become(str(PYTHON), "-m", "tests.tools.soak", *arguments)


def advisories(arguments: list[str]) -> int:
    """What is known against the packages of the locks; no network is no failure."""
    os.chdir(ROOT)
    return become(str(PYTHON), "-m", "tests.tools.advisories", *arguments)


def materials(arguments: list[str]) -> int:
    """The bill of materials on standard output."""
    os.chdir(ROOT)
    return become(str(PYTHON), "-m", "tests.tools.materials", *arguments)


COMMANDS = {
    "setup": setup,
    "demo": demo,
    "test": test,
    "serve": serve,
    "check": check,
    "bench": bench,
    "soak": soak,
    "advisories": advisories,
    "materials": materials,
}

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
