"""Operations called inside the process, by a person who is signed in or in the session of a shop: the same roles,
shapes, trail and answers as over HTTP, without a key and without a request of their own. Pages are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flask import g
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from distrib.api.calls.backend import Backend
from distrib.api.calls.call import Call, UnitParts
from distrib.api.calls.operations import REGISTERED, Operation, check_may_call
from distrib.api.http.answers import Drawing, Stream, to_json
from distrib.api.http.auth import may_call
from distrib.api.http.shapes import load_body, load_query
from distrib.domain.errors import Refusal
from distrib.domain.payouts.channels import Channel
from distrib.services.compliance.registrations import WATCHED, note_registrations
from distrib.services.context import Actor, Program, Unit
from distrib.services.people.accounts import SignedPerson
from distrib.services.people.seats import Seat, take_seat
from distrib.services.programs.limits import ProgramLimits, read_limits
from distrib.services.sharing.shop_sessions import session_of
from distrib.transactions import in_transaction, stream_in_transaction

NO_VALUES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class File:
    """What an operation answers as a file: its chunks, or what draws it once the transaction has ended."""

    chunks: Callable[[], Iterator[bytes]]
    media_type: str
    filename: str | None


@dataclass(slots=True)
class SeatedDesk(UnitParts):
    """A person or the owner of a shop at work in a program, within one transaction.

    Args:
        after_commit: what is sent to the outside once the transaction is on disk.
    """

    backend: Backend
    unit: Unit
    limits: ProgramLimits
    after_commit: list[Callable[[], object]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> Sequence[Channel]:
        """The payout channels, every version of each."""
        return self.backend.channels

    def may(self, name: str) -> bool:
        """Whether the role at the desk may call an operation."""
        return may_call(self.actor.role, name)

    def call(
        self, name: str, path: Mapping[str, str] = NO_VALUES, query: Mapping[str, str] = NO_VALUES, body: Any = None
    ) -> Any:
        """Calls an operation by its name and returns what it would answer, or the file.

        Args:
            path: the ids of its path, by their names there.
            query: its query, as texts; empty ones count as not given.
            body: what would be sent as JSON.

        Raises:
            Refusal: as the operation does.
        """
        operation, handler = REGISTERED[name]
        check_may_call(operation, self.actor)
        given = MultiDict({key: value for key, value in query.items() if value})
        loaded = load_query(operation.query, given)
        call = self._call(operation, loaded, body)
        try:
            answer = handler(call, **path)
        except Refusal as refusal:
            self._watch(refusal, path, call.body)
            raise
        if isinstance(answer, Stream):
            return File(self._streamed(answer), answer.media_type, answer.filename)
        if isinstance(answer, Drawing):
            return File(lambda: iter([answer.draw()]), answer.media_type, None)
        if answer.after_commit is not None:
            self.after_commit.append(answer.after_commit)
        return answer.view

    def _call(self, operation: Operation, query: Mapping[str, Any], body: Any) -> Call:
        wants, reads = operation.body.schema is not None, operation.body.reads
        if reads is not None:
            loaded = reads(to_json(body))
        else:
            loaded = load_body(operation.body.schema, {} if body is None and wants else body)
        return Call(self.backend, self.unit, loaded, query, self.limits)

    def _watch(self, refusal: Refusal, path: Mapping[str, str], body: Any) -> None:
        """Keeps in mind whose registration or move was refused for what the program's pack watches."""
        shop_id = path.get("shop_id") or (body.get("id") if isinstance(body, dict) else None)
        if refusal.code in WATCHED and isinstance(shop_id, str):
            self.refused[shop_id] = refusal.code

    def _streamed(self, stream: Stream) -> Callable[[], Iterator[bytes]]:
        backend, program_id = self.backend, self.program.program_id

        def produce(conn: Connection) -> Iterator[bytes]:
            backend.enter(conn, program_id)
            yield from stream.produce(conn)

        return lambda: stream_in_transaction(backend.begin, produce)


def at_desk(backend: Backend, person: SignedPerson, seat: Seat, visit: Callable[[SeatedDesk], Any]) -> Any:
    """Does a person's work in one transaction of the seat's program, within the program's share of the service.

    Args:
        visit: what is done; the whole of it is run again where the database asks for that.

    Raises:
        Refusal: ``unauthorized`` where the seat has ended, or what the work raises.
    """
    return _serve(backend, seat.program_id, lambda conn, now: take_seat(conn, seat, now), visit)


def at_shop_desk(backend: Backend, token: str, do: Callable[[SeatedDesk], Any]) -> Any:
    """Does what the owner of a shop asks in a session, in one transaction within the program's share of the service.

    Args:
        token: the session's (``services.sharing.shop_sessions``).
        do: what is done, as a partner's key of the shop may; the whole of it is run again where the database asks.

    Raises:
        Refusal: ``session_over``, or what is done raises.
    """

    def take(conn: Connection, now: datetime) -> tuple[Program, Actor]:
        return session_of(conn, token, backend.pepper, now)

    program, _ = in_transaction(backend.begin, lambda conn: take(conn, backend.now()))
    return _serve(backend, program.program_id, take, do)


def _serve(
    backend: Backend,
    program_id: int,
    take: Callable[[Connection, datetime], tuple[Program, Actor]],
    do: Callable[[SeatedDesk], Any],
) -> Any:
    """Does what whoever ``take`` finds asks for, in the program's share, and sends what follows once it is kept."""
    desks: list[SeatedDesk] = []

    def run(conn: Connection) -> Any:
        now = backend.now()
        program, actor = take(conn, now)
        g.program, g.key_id = program.code, actor.key_id
        desk = SeatedDesk(backend, Unit(conn, program, actor, now), read_limits(conn, program.program_id))
        desks.append(desk)
        return do(desk)

    with backend.shares.turn(program_id):
        try:
            answer = in_transaction(backend.begin, run)
        except Refusal:
            if desks and desks[-1].refused:
                in_transaction(backend.begin, lambda conn: _note_refused(backend, desks[-1], conn))
            raise
    for ring in desks[-1].after_commit:
        ring()
    return answer


def _note_refused(backend: Backend, desk: SeatedDesk, conn: Connection) -> None:
    """Records what was refused, in a transaction of its own: the refusal undid that of the work."""
    backend.enter(conn, desk.program.program_id)
    policy = backend.policies[desk.program.policy]
    note_registrations(desk.unit.on(conn), policy, (), desk.refused)
