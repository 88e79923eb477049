"""What refusals are: each has a stable code, an HTTP status and a text in both languages.

A refusal is a class in the room of its noun, derived from ``NamedRefusal``; those not moved there yet stand in
``CODES`` below. The table knows both, so that the API, the command line and the inbox say the same word for the same
thing (``distrib.api.http.codes`` has it whole).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self, dataclass_transform

from distrib.domain.texts import Text, Wording

_BRACE = re.compile(r"{(\w+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where (a JSON pointer or path) and what."""

    pointer: str
    detail: Wording


class CannotStart(Exception):
    """What keeps a command or a process from its work and is no mistake in an input: one message, in one line."""

    def __init__(self, text: Text) -> None:
        """Keep what is said."""
        self.text = text
        super().__init__(str(text))


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal code means: HTTP status, and the message that the catalogues know."""

    status: int
    message: str
    of_order: Text | None = None
    """The message where no line is named."""


CODES: dict[str, Code] = {
    # of no noun
    "bad_request": Code(400, "The request is not usable."),
    "not_json": Code(400, "The body is not JSON: {reason}"),
    "unauthorized": Code(401, "A valid API key is needed."),
    "forbidden": Code(403, "The key's role may not do this."),
    "scope_missing": Code(403, "The key's scopes do not reach this: it takes {scope}."),
    "metrics_closed": Code(
        403, "The figures are for this machine alone, or for the key that DISTRIB_METRICS_KEY sets."
    ),
    "not_found": Code(404, "There is no such thing here."),
    "method_not_allowed": Code(405, "The method is not allowed here."),
    "not_acceptable": Code(406, "No acceptable representation."),
    "request_timeout": Code(408, "The request did not come in time."),
    "id_conflict": Code(409, "The id {id} is known with other content."),
    "conflict": Code(409, "The request conflicts with the present state."),
    "too_large": Code(413, "The request is larger than {limit}."),
    "uri_too_long": Code(414, "The request line is too long."),
    "unsupported_media_type": Code(415, "Send {expected}."),
    "invalid": Code(422, "The input does not fit."),
    "too_many_requests": Code(429, "Too many requests; the next may come in {seconds} s."),
    "too_many_bad_keys": Code(429, "Too many calls with keys that are not good; try again in {seconds} s."),
    "too_many_values": Code(422, "The body holds more than {most} values."),
    "headers_too_large": Code(431, "The headers are too large."),
    "internal": Code(500, "Something went wrong on our side."),
    "unavailable": Code(503, "Try again in a moment."),
    "program_busy": Code(503, "The program has as many calls under way as it may have; try again in a moment."),
    "backlog_full": Code(503, "As much of the program waits to be settled as may wait; try again in {seconds} s."),
    "idempotency_key_reused": Code(422, "The Idempotency-Key was used with other content."),
    "form_expired": Code(400, "The form is no longer good; load the page again and send it once more."),
    # simulations and files of history
    "simulation_unknown": Code(404, "There is no simulation {id}."),
    "simulation_ended": Code(409, "The simulation {id} has ended."),
    "simulation_not_done": Code(409, "The simulation {id} is not done."),
    "simulation_given_up": Code(500, "The simulation ended its worker time and again, and was given up."),
    "history_unreadable": Code(422, "The history cannot be read."),
    "history_unwritable": Code(500, "The history cannot be written: {reason}"),
    "history_busy": Code(409, "Another export is writing to {directory}."),
    "history_of_another": Code(409, "{directory} holds the history of the program {code}."),
    "history_worker_lost": Code(500, "A process ended in the middle of its work; nothing is lost: start again."),
    "history_too_little": Code(422, "Files of history do not tell what is asked."),
    "simulations_waiting": Code(409, "{most} simulations wait already; cancel one, or wait for one to end."),
    # months
    "period_invalid": Code(422, "{period} is not a month like 2026-03."),
    "period_not_over": Code(409, "{period} is not over yet."),
    "events_pending": Code(409, "{events} accepted events of the period or before are still to be worked on."),
    "evaluation_in_sequence": Code(409, "Months are evaluated in sequence: {next} comes next."),
    # changes that wait, tasks, imports
    "change_unknown": Code(404, "No change waits."),
    "change_in_force": Code(409, "The change is in force: propose another one."),
    "task_unknown": Code(404, "There is no task {id}."),
    "task_ended": Code(409, "The task {id} has ended."),
    "tasks_waiting": Code(409, "{most} of your tasks have not ended; start another once one has."),
    "task_has_no_file": Code(404, "The task {id} has no file, or has it no more."),
    "task_given_up": Code(503, "It was begun {attempts} times and came to no end; start it again."),
    "import_refused": Code(422, "{rows} rows were refused."),
}


def title_of(code: str) -> Text:
    """Puts a code into words: the same for every occurrence, as RFC 9457 asks of a title.

    >>> str(title_of("sponsor_unknown"))
    'Sponsor unknown'
    """
    return Text(code.replace("_", " ").capitalize(), "title")


class Refusal(Exception):
    """A business refusal, named by a code of ``CODES``; one that has a class is raised as that, not as this.

    Args:
        code: a key of ``CODES``.
        problems: every single thing that is wrong, where there are several.
        params: what fills the braces of the code's message.
    """

    code: str
    problems: Sequence[Problem]
    params: Mapping[str, object]

    def __init__(self, code: str, /, problems: Sequence[Problem] = (), **params: object) -> None:
        self.code = code
        self.problems = tuple(problems)
        self.params = params
        super().__init__(str(self.text))

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, object]]:
        """How a refusal goes to another process: as it is, and not made anew of its text, as other exceptions are."""
        return _unmade, (type(self), *self.args), self.__dict__

    def listing(self, problems: Sequence[Problem]) -> Self:
        """Lists these as what is wrong, in place of what is listed; returns the refusal."""
        self.problems = tuple(problems)
        return self

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status

    @property
    def text(self) -> Text:
        """What happened."""
        code = CODES[self.code]
        if code.of_order is not None and "line" not in self.params:
            return Text(code.of_order.message, **self.params)
        return Text(code.message, **self.params)


def _unmade(kind: type[Refusal], *args: object) -> Refusal:
    """A refusal whose values follow."""
    return kind.__new__(kind, *args)


class Said(NamedTuple):
    """A message of a refusal in both languages, with the same named braces."""

    en: str
    zh: str


class _Alias(str):
    """The name by which a value is given, where the class has that name for something else."""

    __slots__ = ()


def called(*, alias: str) -> str:
    """Declares a value that is given as ``alias``, and fills the brace of that name."""
    return _Alias(alias)


@dataclass_transform(kw_only_default=True, field_specifiers=(called,))
class NamedRefusal(Refusal):
    """A refusal that has a class of its own, which says its code, its status, and what is said in both languages.

    What fills the braces is declared as fields are: each is a keyword that has to be given, unless it has a default,
    and one forgotten or misspelt is a type error. ``problems`` is one where the refusal lists what is wrong.

    >>> class ShelfFull(NamedRefusal, code="shelf_full", status=409):
    ...     said = Said("The shelf {shelf} is full.", "货架 {shelf} 已满。")
    ...     shelf: str
    >>> refusal = ShelfFull(shelf="A 3")
    >>> refusal.code, refusal.status, str(refusal), refusal.shelf
    ('shelf_full', 409, 'The shelf A 3 is full.', 'A 3')
    >>> del CODES["shelf_full"]
    """

    said: ClassVar[Said]
    of_order: ClassVar[Said | None] = None
    """What is said where no line is named."""
    _fields: ClassVar[Mapping[str, str]]
    """By the name by which a value is given the name of its field."""
    _required: ClassVar[frozenset[str]]

    def __init_subclass__(cls, *, code: str, status: int) -> None:
        """Registers the class in ``CODES``; a text that names what no field has is a mistake of the class."""
        if code in CODES:
            raise TypeError(f"{code} is the code of two refusals")
        defaults = {name: cls.__dict__[name] for name in cls.__annotations__ if name in cls.__dict__}
        aliases = {name: str(value) for name, value in defaults.items() if isinstance(value, _Alias)}
        cls.code = code
        cls._fields = {aliases.get(name, name): name for name in cls.__annotations__}
        cls._required = frozenset(cls._fields.keys() - (defaults.keys() - aliases.keys()))
        for said in (cls.said, cls.of_order or cls.said):
            braces = set(_BRACE.findall(said.en))
            if braces != set(_BRACE.findall(said.zh)) or not braces <= cls._fields.keys():
                raise TypeError(f"{cls.__name__}: the texts do not name the same fields")
        CODES[code] = Code(status, cls.said.en, None if cls.of_order is None else Text(cls.of_order.en))

    if TYPE_CHECKING:

        def __init__(self) -> None:
            """Of a class without fields; with fields it takes these, by name."""

    else:

        def __init__(self, **given: object) -> None:
            if not self._required <= given.keys() <= self._fields.keys():
                wrong = sorted((self._required - given.keys()) | (given.keys() - self._fields.keys()))
                raise TypeError(f"{type(self).__name__} takes {sorted(self._fields)}: {wrong}")
            self.__dict__ |= {self._fields[name]: value for name, value in given.items()}
            super().__init__(self.code, given.pop("problems", ()), **given)
