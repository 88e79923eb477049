"""``python -m tests.tools.mutants``: mutation testing of distrib/domain, held against docs/mutants.md.

mutmut makes the mutants and finds which tests reach them (``[mutmut]`` in setup.cfg); ``mutants_loop`` tries them. Ends
with 1 where fewer than 98 of 100 are killed, or one survives that docs/mutants.md does not list with its reason. A
mutant's name carries a number that shifts when its function changes, so the list names function and changed lines.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parents[2]
MADE = ROOT / "mutants"
LIST = ROOT / "docs" / "mutants.md"
LEAST_KILLED_PERCENT = 98
ANY_MUTANT = "distrib.domain.ledger.x_account_name__mutmut_1"
"""mutmut makes all mutants and reads all tests even when it tries one alone."""
SURVIVING = ("survived", "no tests", "not checked")
NO_TESTS = 33
ANY_STRICT = "strict=…"
"""Stands in the list for each line in which the argument ``strict=True``, and nothing else, is another or is gone."""
QUICK = ("--tb=no", "--assert=plain")
"""Nobody reads why a mutant was killed."""


class Change(NamedTuple):
    """What identifies a mutant from one version to the next: its function, and the lines before and after."""

    function: str
    before: str
    after: str


def main(arguments: Sequence[str]) -> int:
    """Makes the mutants, tries them, prints figures; 0 where all is as the list says."""
    options = parser().parse_args(arguments)
    os.chdir(ROOT)
    if not options.again:
        shutil.rmtree(MADE, ignore_errors=True)
    # Of a function that is new or renamed mutmut would know the new tests alone.
    (MADE / "mutmut-stats.json").unlink(missing_ok=True)
    if subprocess.run([sys.executable, "-m", "mutmut", "run", ANY_MUTANT], check=False).returncode:
        return 2
    known = listed(LIST.read_text("utf-8"))
    files = [data for data in read_files() if options.only in str(data.path)]
    try_all(files, options.at_once, known if options.unlisted else {})
    return report(files, known, is_whole=not options.only)


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser(prog="python -m tests.tools.mutants", description="Mutants of distrib/domain.")
    made.add_argument("--again", action="store_true", help="keep what was killed before; try the rest")
    made.add_argument("--unlisted", action="store_true", help="leave out what docs/mutants.md lists: it takes longest")
    made.add_argument("--only", default="", metavar="FILE", help="mutants of files with this in their path")
    made.add_argument("--at-once", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    return made


def read_files() -> Iterator[SourceFileMutationData]:
    """What mutmut keeps of each file that it changed."""
    for path in sorted(MADE.rglob("*.py.meta")):
        data = SourceFileMutationData(path=path.relative_to(MADE).with_suffix(""))
        data.load()
        yield data


def try_all(files: Sequence[SourceFileMutationData], at_once: int, but: Mapping[Change, str]) -> None:
    """Tries every mutant that is not known to be killed, and writes the verdicts where mutmut reads them."""
    tests_of = read_tests()
    asked = {
        name: reached
        for name, change in survivors(files)
        if change not in but and (reached := tests_of.get(name.partition("__mutmut_")[0]))
    }
    say(f"{len(asked)} mutants to try")
    verdicts = run_loop(asked, at_once)
    for data in files:
        for name, verdict in data.exit_code_by_key.items():
            data.exit_code_by_key[name] = verdicts.get(name, NO_TESTS if verdict is None else verdict)
        data.save()


def read_tests() -> dict[str, list[tuple[str, float]]]:
    """By function the tests that reach it with the seconds they take, first the quick ones that reach few others."""
    stats = json.loads((MADE / "mutmut-stats.json").read_text("utf-8"))
    seconds, reached = stats["duration_by_test"], stats["tests_by_mangled_function_name"]
    breadth = Counter(test for tests in reached.values() for test in tests)
    return {
        function: sorted(
            ((test, seconds.get(test, 0)) for test in tests), key=lambda test: (breadth[test[0]] * test[1], test[0])
        )
        for function, tests in reached.items()
    }


def run_loop(asked: Mapping[str, Any], at_once: int) -> dict[str, int]:
    """The verdicts of one session that tries all of these."""
    to_try, verdicts = MADE / "to-try.json", MADE / "verdicts.jsonl"
    to_try.write_text(json.dumps(asked), "utf-8")
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    ours = settings["mutmut"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.tools.mutants_loop", *QUICK]
    command += [f"--mutants-to-try={to_try}"]
    command += [f"--mutants-verdicts={verdicts}", f"--mutants-at-once={at_once}"]
    command += ours["pytest_add_cli_args"].split() + ours["pytest_add_cli_args_test_selection"].split()
    subprocess.run(command, cwd=MADE, env={**os.environ, "MUTANT_UNDER_TEST": ""}, check=False)
    return dict(json.loads(line) for line in verdicts.read_text("utf-8").splitlines())


def report(files: Sequence[SourceFileMutationData], known: Mapping[Change, str], *, is_whole: bool) -> int:
    """Prints the figures and what the list does not say; the exit status."""
    figures = Counter(status_by_exit_code[verdict] for data in files for verdict in data.exit_code_by_key.values())
    surviving = {change for _, change in survivors(files)}
    unlisted = sorted(surviving - set(known))
    gone = sorted(set(known) - surviving) if is_whole else []
    lived, total = sum(figures[status] for status in SURVIVING), figures.total()
    say(f"{total} mutants: " + ", ".join(f"{count} {status}" for status, count in figures.most_common()))
    say(f"killed {(total - lived) / total:.2%}; survivors {lived}, of which not in docs/mutants.md {len(unlisted)}")
    for title, changes in (("not listed", unlisted), ("listed, but survives no more", gone)):
        for change in changes:
            say(f"{title}: | {' | '.join(map(escaped, change))} |")
    return int(bool(unlisted) or (total - lived) * 100 < total * LEAST_KILLED_PERCENT)


def survivors(files: Sequence[SourceFileMutationData]) -> Iterator[tuple[str, Change]]:
    """The mutants that no test is known to kill, each with what it changes."""
    for data in files:
        for name, verdict in data.exit_code_by_key.items():
            if status_by_exit_code[verdict] in SURVIVING:
                yield name, change_of(name, get_diff_for_mutant(name, path=data.path))


def change_of(name: str, diff: str) -> Change:
    r"""The change that a mutant makes, of its difference to the function.

    >>> change_of("distrib.domain.money.x_half_of__mutmut_3", "--- a\n+++ b\n@@ @@\n f():\n-    x = 1\n+    x = 2")
    Change(function='money.half_of', before='x = 1', after='x = 2')
    """
    module, _, mangled = name.partition("__mutmut_")[0].removeprefix("distrib.domain.").rpartition(".")
    function = ".".join([module, *mangled.removeprefix("x_").removeprefix("xǁ").split("ǁ")])
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before, after = (" ⏎ ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+"))
    return Change(function, before, after)


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def escaped(text: str) -> str:
    """A text as a cell of a Markdown table, in code."""
    return "`" + text.replace("|", "\\|") + "`"


def listed(page: str) -> dict[Change, str]:
    r"""The reason of each survivor in the tables of a page: rows of function, before, after, reason.

    >>> listed("| `money.f` | `a \\| b` | `a` | it is the same |")
    {Change(function='money.f', before='a | b', after='a'): 'it is the same'}
    >>> [after for _, _, after in listed("| `money.f` | `zip(a, b, strict=True)` | `strict=…` | of one length |")]
    ['zip(a, b, strict=False)', 'zip(a, b, strict=None)', 'zip(a, b, )']
    """
    rows = (re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in page.splitlines() if line.startswith("| `"))
    reasons: dict[Change, str] = {}
    for function, before, after, reason in rows:
        cells = (cell.strip().strip("`").replace("\\|", "|") for cell in (function, before, after))
        reasons |= dict.fromkeys(meant_by(Change(*cells)), reason.strip())
    return reasons


def meant_by(row: Change) -> list[Change]:
    """The changes that a row of the list stands for: one, or each of the only ``strict=True`` of its line."""
    before, strict, behind = row.before.partition("strict=True")
    if row.after != ANY_STRICT or not strict or "strict=" in behind:
        return [row]
    return [row._replace(after=before + other + behind) for other in ("strict=False", "strict=None", "")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
