"""One request as its handler sees it: who calls, in which transaction, with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from distrib.api.calls.backend import Backend
from distrib.api.http.answers import Answer, Drawing, Stream
from distrib.api.http.pagination import Listing
from distrib.domain.policies.policy import Policy
from distrib.services.context import Actor, Program, Unit
from distrib.services.programs.limits import ProgramLimits


class UnitParts:
    """What has a unit of work: its parts are had from it by their names."""

    __slots__ = ()
    unit: Unit

    @property
    def conn(self) -> Connection:
        """The transaction of the work."""
        return self.unit.conn

    @property
    def program(self) -> Program:
        """The program that is worked in."""
        return self.unit.program

    @property
    def actor(self) -> Actor:
        """Who works."""
        return self.unit.actor

    @property
    def now(self) -> datetime:
        """When the work began."""
        return self.unit.now


@dataclass(frozen=True, slots=True)
class Call(UnitParts):
    """One request whose key is good, whose role fits and whose shape is right."""

    backend: Backend
    unit: Unit
    body: Any
    query: Mapping[str, Any]
    limits: ProgramLimits

    @property
    def policy(self) -> Policy:
        """The policy pack of the program."""
        return self.backend.policies[self.program.policy]

    def listing(self, name: str) -> Listing:
        """The list of that name (its filters are part of it), for the program of this call."""
        return Listing(f"{self.program.code} {name}", self.backend.identity_pepper)


Handler = Callable[..., Answer | Stream | Drawing]
