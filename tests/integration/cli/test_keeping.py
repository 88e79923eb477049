"""Who keeps a process alive: what dies is started again, what cannot start as it is set is given up with its status."""

from __future__ import annotations

import subprocess
import sys

from distrib.settings import REPOSITORY

KEEPS = """
import sys, time
from distrib.cli.service.keeping import Kept, KeptModule
kept = Kept("web", KeptModule(sys.argv[1], sys.argv[2:], {"SAID": "so"}), gives_up=[4], is_fresh=True)
while (status := kept.keep()) is None:
    time.sleep(0.01)
print(status)
"""


def outcome_of(module: str, *arguments: str) -> tuple[str, int]:
    """The status with which a module is given up, and how often it was started."""
    command = [sys.executable, "-c", KEEPS, module, *arguments]
    kept = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120)
    return kept.stdout.splitlines()[-1], kept.stderr.count("No module named")


def test_what_never_starts_is_given_up_after_three_starts() -> None:
    assert outcome_of("distrib.nowhere") == ("1", 3)


def test_who_says_that_it_cannot_start_as_it_is_set_is_believed_at_once() -> None:
    ends = "import os; assert os.environ['SAID'] == 'so'; os._exit(4)"
    assert outcome_of("timeit", "-n", "1", "-r", "1", ends)[0] == "4"
