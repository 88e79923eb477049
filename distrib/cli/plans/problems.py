"""Prints what ``distrib plan check`` found: line, key, what is there and what would be right.

Each in English and, below it, in Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text as RichText

from distrib.cli.output import in_both, open_console
from distrib.domain.errors import Problem
from distrib.domain.identifiers import visible
from distrib.domain.policies.policy import Finding
from distrib.domain.texts import Text
from distrib.languages import CHINESE, LANGUAGES, render
from distrib.services.plans.words import SEVERITIES, source_in
from distrib.services.yaml_documents import line_at

_STYLES = {"refuse": "red", "sign_off": "yellow", "alert": "yellow"}


def show_problems(name: str, problems: Sequence[Problem], lines: Mapping[str, int]) -> None:
    """Prints the problems of a document in the order of its lines, and how many there are."""
    if not problems:
        return
    console = open_console()
    for line, problem in sorted(_placed(problems, lines), key=lambda placed: placed[0] or 0):
        where = name if line is None else f"{name}:{line}"
        _print(console, f"{where}: {problem.pointer}".removesuffix(": "), "bold red")
        for words in dict.fromkeys(render(problem.detail, language) for language in LANGUAGES):
            _print(console, f"    {words}")
    count = len(problems)
    counted = Text("1 problem.") if count == 1 else Text("{count} problems.", count=count)
    _print(console, in_both(counted), "bold")


def show_findings(findings: Sequence[Finding]) -> None:
    """Prints what the policy packs say: severity, figure against threshold, and the source."""
    console = open_console()
    for finding in findings:
        severity = f"{finding.severity} {render(SEVERITIES[finding.severity], CHINESE)}"
        head = f"{severity} {finding.id}: {finding.figure} ({finding.threshold})"
        _print(console, head, _STYLES.get(finding.severity, ""))
        sources = dict.fromkeys(source_in(finding.source, language) for language in LANGUAGES)
        for words in (finding.detail_en, finding.detail_zh, f"[{' / '.join(sources)}]"):
            _print(console, f"    {words}")


def _placed(problems: Sequence[Problem], lines: Mapping[str, int]) -> list[tuple[int | None, Problem]]:
    return [(line_at(lines, problem.pointer), problem) for problem in problems]


def _print(console: Console, words: str, style: str = "") -> None:
    """Prints a line unbroken, so that it can be searched for."""
    console.print(RichText(visible(words), style=style), soft_wrap=True)
