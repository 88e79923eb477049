"""Finds a map by its name among ours or by its file, and reads it with what was set on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distrib.cli.imports.maps.event_map import EventMap
from distrib.cli.imports.maps.reading import read_map, with_settings
from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.services.yaml_documents import line_at, read_with_lines

DIRECTORY = Path(__file__).parent / "shipped"


class MapUnfit(Exception):
    """A map that is not there or cannot be used; ``str`` says all that is wrong with it, in both languages."""


def shipped_maps() -> dict[str, Path]:
    """Lists the maps that come with the program, by name."""
    return {path.stem: path for path in sorted(DIRECTORY.glob("*.yaml"))}


def load_map(name: str, settings: Sequence[tuple[str, str]] = ()) -> EventMap:
    """Loads a map.

    Args:
        name: of one of ours, or the path of a file.
        settings: texts by the path of a key, such as ``("order.shop_id", "Discount Code")``.

    Raises:
        MapUnfit: with every problem of it, by line and path.
    """
    path = shipped_maps().get(name, Path(name))
    try:
        document, lines = read_with_lines(path.read_text("utf-8"))
    except Refusal as refusal:
        raise MapUnfit(_worded(path.name, refusal.problems or [Problem("", refusal.text)], {})) from refusal
    except (OSError, ValueError) as error:
        known = ", ".join(shipped_maps())
        words = Text("{name} is neither a readable file nor one of the maps {known}", name=name, known=known)
        raise MapUnfit(render_both(words)) from error
    problems = with_settings(document, settings)
    event_map, wrong = read_map(document)
    if event_map is None or problems:
        raise MapUnfit(_worded(path.name, [*problems, *wrong], lines))
    return event_map


def _worded(name: str, problems: Sequence[Problem], lines: dict[str, int]) -> str:
    placed = sorted((line_at(lines, problem.pointer) or 0, problem.pointer, problem) for problem in problems)
    return "\n".join(
        f"{name}:{line}: {pointer}: {render_both(problem.detail)}".replace(":0:", ":", 1).replace(": : ", ": ")
        for line, pointer, problem in placed
    )
