"""What the console's pages need from the service: a person's desk, transactions, the clock, and who may try how often.

The factory of the app fills it in; a page knows no API and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from flask import Request, current_app
from sqlalchemy import Connection

from distrib.domain.payouts.channels import Channel
from distrib.domain.policies.policy import Policy
from distrib.rates import Rates
from distrib.services.context import Actor, Program, Unit
from distrib.services.people.accounts import SignedPerson
from distrib.services.people.seats import Seat
from distrib.services.pepper import Pepper

EXTENSION = "distrib-console"
NO_VALUES: Mapping[str, str] = {}


class AnsweredFile(Protocol):
    """A file that an operation answers."""

    @property
    def chunks(self) -> Callable[[], Iterator[bytes]]:
        """Its bytes."""

    @property
    def media_type(self) -> str:
        """What it is."""

    @property
    def filename(self) -> str | None:
        """What it is called; None for what is shown and not kept."""


class PersonalDesk(Protocol):
    """A person at work in a program, within one transaction: every operation of the API by its name."""

    @property
    def unit(self) -> Unit:
        """The transaction, the program, who acts and when, as a use-case takes them."""

    @property
    def conn(self) -> Connection:
        """The transaction."""

    @property
    def program(self) -> Program:
        """The program."""

    @property
    def actor(self) -> Actor:
        """Who acts."""

    @property
    def now(self) -> datetime:
        """When."""

    @property
    def channels(self) -> Sequence[Channel]:
        """The payout channels, every version of each."""

    def may(self, name: str) -> bool:
        """Whether the person's role may call an operation."""

    def call(
        self, name: str, path: Mapping[str, str] = NO_VALUES, query: Mapping[str, str] = NO_VALUES, body: Any = None
    ) -> Any:
        """What the operation answers."""


class OpensShopDesk(Protocol):
    """Does what the owner of a shop asks in a session, in one transaction."""

    def __call__(self, token: str, visit: Callable[[PersonalDesk], Any]) -> Any:
        """What the work returns."""


class OpensDesk(Protocol):
    """Does a person's work in one transaction."""

    def __call__(self, person: SignedPerson, seat: Seat, visit: Callable[[PersonalDesk], Any]) -> Any:
        """What the work returns."""


class SignsInElsewhere(Protocol):
    """A provider at which people sign in."""

    @property
    def issuer(self) -> str:
        """Whose subjects its people are."""

    @property
    def name(self) -> str:
        """What people call it."""

    def way_there(self, back: str) -> str:
        """The address that a reader is sent to, who then comes back to that one."""

    def who_came_back(self) -> str:
        """The subject of who came back with this request."""


@dataclass(frozen=True, slots=True)
class Site:
    """The servers and secrets that pages use.

    Args:
        begin: opens a transaction under the web role.
        at_desk: does a person's work in a program.
        at_shop_desk: does what the owner of a shop asks in a session.
        rates: counts who tries to sign in.
        address_of: where a request comes from, as far as it is known.
        policies: the policy packs by name.
        provider: where people may sign in beside here; None: nowhere.
        public_url: what links to this service begin with; None: as it was reached.
    """

    begin: Callable[[], AbstractContextManager[Connection]]
    at_desk: OpensDesk
    at_shop_desk: OpensShopDesk
    pepper: Pepper
    identity_pepper: bytes
    now: Callable[[], datetime]
    rates: Rates
    address_of: Callable[[Request], str | None]
    policies: Mapping[str, Policy]
    provider: SignsInElsewhere | None = None
    public_url: str | None = None


def current_site() -> Site:
    """Returns the site of the app that serves this request."""
    installed = current_app.extensions[EXTENSION]
    if not isinstance(installed, Site):
        raise TypeError("the app was made without its site")
    return installed
