"""What a run of the demo stands on: a program of its own, its keys, its folder, and the service that runs.

A run has a program of its own: history cannot be deleted, so a second run makes another one beside it.
No figure of the result may enter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path

from distrib.bootstrap import Container
from distrib.cli.demo.posting.guests import Guest, seat_guests
from distrib.cli.demo.posting.poster import Client
from distrib.cli.demo.posting.service import Service
from distrib.cli.demo.showing.texts import Say
from distrib.cli.demo.showing.watch import Watch
from distrib.cli.demo.sources.known import LoadedSource
from distrib.cli.service.local import HOST
from distrib.services.context import COMMAND_LINE, Program, Unit
from distrib.services.programs.keys import KeyDraft, create_key
from distrib.services.programs.tenants import ProgramDraft, create_program, list_programs

POLICY = "open"
ROLES = ("orders", "finance", "admin")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on: its program, keys and folder, and who can sign in."""

    program: Program
    earlier: tuple[str, ...]
    keys: Mapping[str, str]
    folder: Path
    guests: Sequence[Guest] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A run under way: what every step needs."""

    container: Container
    loaded: LoadedSource
    ground: Ground
    service: Service
    watch: Watch
    say: Say
    steps: list[tuple[str, float]] = field(default_factory=list)

    def client(self, role: str) -> AbstractContextManager[Client]:
        """A connection to the service with the key of a role."""
        return closing(Client(HOST, self.service.port, self.ground.keys[role], self.service.must_live))

    def step(self, name: str, total: int | None = None) -> None:
        """A step begins, of so many parts where that is known."""
        self.watch.step(self.say(name), total)
        self.steps.append((name, time.monotonic()))

    def step_seconds(self) -> dict[str, float]:
        """How long each step took until now, those of one name together."""
        seconds: dict[str, float] = {}
        ends = [began for _, began in self.steps[1:]] + [time.monotonic()]
        for (name, began), ended in zip(self.steps, ends, strict=True):
            seconds[name] = round(seconds.get(name, 0) + ended - began, 1)
        return seconds


def open_ground(container: Container, loaded: LoadedSource) -> Ground:
    """A program that no run has used, with a key for each role; the keys go to a file of the owner's."""
    source, now = loaded.history.source, container.now()
    with container.begin() as conn:
        taken = {program.code for program in list_programs(conn)}
        earlier = tuple(sorted(code for code in taken if code.startswith(source.program)))
        code = _free_code(source.program, taken)
        program = create_program(
            conn, ProgramDraft(code, source.currency, source.time_zone, POLICY), now, container.policies
        )
        pepper = container.pepper
        keys = {
            role: create_key(Unit(conn, program, COMMAND_LINE, now), KeyDraft(role, f"demo {role}", None), pepper)
            for role in ROLES
        }
        folder = container.settings.var_dir / "demo" / code
        folder.mkdir(parents=True, exist_ok=True)
        guests = seat_guests(conn, program, folder.parent, now)
    _write_keys(folder / "keys", keys)
    return Ground(program, earlier, keys, folder, guests)


def _free_code(base: str, taken: set[str]) -> str:
    """``base``, or ``base-2``, ``base-3``, … where that is taken."""
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(code for code in numbered if code not in taken)


def _write_keys(path: Path, keys: Mapping[str, str]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{role} {key}\n" for role, key in keys.items())
