"""What every test can ask for: a fresh migrated database, an empty Redis, settings for both, servers to be killed.

No test may be skipped: a run in which one was is a run that failed.
"""

import gc
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from distrib.embedded import EmbeddedServers
from distrib.settings import Settings
from tests.tools import deploy_tools
from tests.world import audited, databases, earlier, pooler, typescript

hypothesis_settings.register_profile(
    "by-hand", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("ci", hypothesis_settings.get_profile("by-hand"), derandomize=True)
hypothesis_settings.register_profile("thorough", hypothesis_settings.get_profile("by-hand"), max_examples=2_000)
hypothesis_settings.register_profile(
    "mutants",
    hypothesis_settings.get_profile("ci"),
    max_examples=20,
    phases=(Phase.explicit, Phase.generate),
)
hypothesis_settings.load_profile("by-hand")

SEED = "hypothesis_seed"
LEFT_OUT = {
    "integration/pooler": None if pooler.PROGRAM else pooler.ABSENT,
    "integration/deploy": None if deploy_tools.are_there() and shutil.which("systemd-analyze") else deploy_tools.ABSENT,
    "integration/api/test_typescript.py": None if typescript.NODE else typescript.ABSENT,
    "integration/upgrade": None if earlier.earlier_build() else earlier.ABSENT,
}
"""What the machine or the checkout has not what it takes for, and why."""
collect_ignore = [place for place, reason in LEFT_OUT.items() if reason]
LONGEST = (
    "tests/integration/test_queries_at_size.py",
    "tests/acceptance/test_demo.py",
    "tests/acceptance/test_command_line.py",
    "tests/integration/cli/test_platform_world.py",
    "tests/integration/test_installed.py",
    "tests/integration/console/test_walks.py",
    "tests/property/payouts/test_withdrawals.py",
)
"""Begun first, while the other processes have enough to do: each takes more than half a minute."""
numbers = itertools.count(1)
skipped: list[str] = []
gc.disable()  # until all is collected: walking half a million objects again and again as they come took half of that


@pytest.fixture(scope="session")
def desk() -> Iterator[databases.Desk]:
    """What this test process has to itself at the shared servers."""
    with databases.own_desk() as own:
        yield own


@pytest.fixture
def database_url(desk: databases.Desk, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with today's schema and nothing in it; audited after the test if due, and gone."""
    with databases.fresh_database(desk, next(numbers)) as url:
        yield url
        if audited.is_due(request):
            audited.audit_all(url)


@pytest.fixture
def redis_url(desk: databases.Desk) -> str:
    """The address of an empty Redis database that no other test uses meanwhile."""
    databases.empty_redis(desk.scratch_redis_url)
    return desk.scratch_redis_url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings for a database and a Redis of the test's own."""
    return Settings(
        database_url=database_url, redis_url=redis_url, var_dir=tmp_path / "var", key_pepper="the pepper of the tests"
    )


@pytest.fixture
def reachable_path() -> Iterator[Path]:
    """An empty directory that other accounts can pass through, which pytest's own are not; gone after the test."""
    path = Path(tempfile.mkdtemp(prefix="distrib-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def private_servers(reachable_path: Path) -> Iterator[EmbeddedServers]:
    """A PostgreSQL and a Valkey of the test's own, to be killed at will; `distrib` is empty and not migrated."""
    with EmbeddedServers(reachable_path / "var", durable=False) as servers:
        yield servers


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the one seed of all searches where none was given, before it is handed to the processes of the run."""
    if config.getoption(SEED) is None:
        setattr(config.option, SEED, str(SystemRandom().getrandbits(64)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that was skipped."""
    if report.skipped:
        skipped.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a file that was skipped."""
    if report.skipped:
        skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make, and no more among the tests themselves."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if anything was skipped; whoever started all processes of it clears up after them."""
    if not hasattr(session.config, "workerinput"):
        databases.clear_memory()
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say by which seed was searched, what was left out, and why a run without a failed test failed."""
    for reason in filter(None, LEFT_OUT.values()):
        terminalreporter.write_line(f"not collected: {reason}")
    if not hypothesis_settings().derandomize:
        terminalreporter.write_line(f"searched by --hypothesis-seed={terminalreporter.config.getoption(SEED)}")
    if skipped:
        terminalreporter.write_line(f"failed, because tests were skipped: {', '.join(skipped)}", red=True)
