"""What a directory of history says of itself: the program, its plans, and every file with its digest.

``manifest.json`` is replaced as a whole when all files that it names stand; whoever reads it finds the history of one
instant. No library of files of columns may enter.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from distrib.domain.errors import Problem, Refusal
from distrib.domain.json_values import Json, JsonObject
from distrib.domain.plans.plan import compile_plan
from distrib.domain.texts import Text
from distrib.services.context import Program
from distrib.services.history.manifest_fields import Fields
from distrib.services.history.refusals import HistoryUnreadable
from distrib.services.history.schema import COLUMNS, READABLE, SCHEMA_VERSION
from distrib.services.plans.versions import Timeline, TimelineEntry

MANIFEST: Final = "manifest.json"
FORMAT: Final = "distrib-history"
_BLOCK: Final = 1 << 20


class FileEntry(NamedTuple):
    """A file of a directory.

    ``period`` is the month, 202603, or 0 of a file that is not of one. Between which instants its orders were paid, and
    those that its rows are of had settled, is in RFC 3339; None where no row has such an instant.
    """

    kind: str
    period: int
    name: str
    rows: int
    bytes: int
    sha256: str
    first_paid_at: str | None = None
    last_paid_at: str | None = None
    first_settled_at: str | None = None
    last_settled_at: str | None = None

    @property
    def path(self) -> str:
        """Where it stands in the directory."""
        return f"{self.kind}/{self.name}"


class PublishedPlan(NamedTuple):
    """A version of a plan with its document, and from when on it was in force."""

    version_no: int
    code: str
    version: int
    effective_from: str
    document: Mapping[str, Json]


class ProgramEntry(NamedTuple):
    """The program, as far as its history needs it."""

    program_id: int
    code: str
    currency: str
    time_zone: str
    policy: str


class FormerPack(NamedTuple):
    """A policy pack that the program had before, and until when."""

    policy: str
    until: str


class EvaluatedMonth(NamedTuple):
    """A month whose ranks were evaluated: from when what it decided holds, and the newest rank before it."""

    period: int
    effective_at: str
    ranks_seq: int


class Manifest(NamedTuple):
    """A directory of history: of which program, as of when, up to which event, with which files.

    ``merges`` says which merges of customers were known: where others are, orders are written again. ``waiting_from``
    is the earliest day of which something was still to be decided; None where all was done.
    """

    program: ProgramEntry
    exported_at: str
    last_event_no: int
    closed_through: int
    merges: str
    signed_overrides: Sequence[str]
    plans: Sequence[PublishedPlan]
    packs: Sequence[FormerPack]
    evaluations: Sequence[EvaluatedMonth]
    waiting_from: str | None
    files: Sequence[FileEntry]

    def files_of(self, kind: str) -> list[FileEntry]:
        """The files of a kind, by month."""
        return sorted(
            (file for file in self.files if file.kind == kind),
            key=lambda file: file.period,
        )

    def program_of(self) -> Program:
        """The program, as far as its history needs it."""
        return Program(*self.program)

    def program_at(self, instant: datetime) -> Program:
        """The program with the policy pack that it had at an instant."""
        former = (pack.policy for pack in self.packs if datetime.fromisoformat(pack.until) > instant)
        return replace(self.program_of(), policy=next(former, self.program.policy))

    def timeline(self) -> Timeline:
        """The plans that were published, compiled."""
        return Timeline(
            tuple(
                TimelineEntry(
                    plan.version_no,
                    datetime.fromisoformat(plan.effective_from),
                    plan.code,
                    plan.version,
                    compile_plan(plan.document),
                )
                for plan in self.plans
            )
        )

    @property
    def now(self) -> datetime:
        """The instant that the history was read at."""
        return datetime.fromisoformat(self.exported_at)


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat()


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replaces the manifest of a directory as a whole."""
    document = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        **manifest._asdict(),
        "program": manifest.program._asdict(),
        "signed_overrides": list(manifest.signed_overrides),
        "plans": [plan._asdict() for plan in manifest.plans],
        "packs": [pack._asdict() for pack in manifest.packs],
        "evaluations": [month._asdict() for month in manifest.evaluations],
        "files": [file._asdict() for file in manifest.files],
    }
    path = directory / f"{MANIFEST}.part"
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    path.replace(directory / MANIFEST)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Brings the names in a directory to the disk."""
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def read_manifest(directory: Path) -> Manifest:
    """Reads the manifest of a directory.

    Raises:
        Refusal: ``history_unreadable`` with what is wrong with it.
    """
    path = directory / MANIFEST
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(path, Text("{reason}", reason=error.strerror)) from error
    except ValueError as error:
        raise _unreadable(path, Text("is not JSON: {reason}", reason=error)) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _unreadable(path, Text("is no manifest of history"))
    if document.get("schema_version") not in READABLE:
        version = document.get("schema_version")
        words = Text(
            "has schema version {found}; this release reads {known}",
            found=version,
            known=SCHEMA_VERSION,
        )
        raise _unreadable(path, words)
    try:
        return _manifest_of(document)
    except ValueError as error:
        raise _unreadable(path, Text("lacks or spoils {field}", field=error)) from error


def find_manifest(directory: Path) -> Manifest | None:
    """Reads the manifest of a directory; None where there is none yet, or one of another schema version."""
    if not (directory / MANIFEST).exists():
        return None
    try:
        return read_manifest(directory)
    except Refusal:
        return None


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _manifest_of(document: JsonObject) -> Manifest:
    given = Fields(document)
    return Manifest(
        _program_of(given.fields("program")),
        given.instant("exported_at"),
        given.whole("last_event_no"),
        given.whole("closed_through"),
        given.text("merges"),
        given.texts("signed_overrides"),
        [
            PublishedPlan(
                plan.whole("version_no"),
                plan.text("code"),
                plan.whole("version"),
                plan.instant("effective_from"),
                plan.document("document"),
            )
            for plan in given.each("plans")
        ],
        [FormerPack(pack.text("policy"), pack.instant("until")) for pack in given.each("packs")],
        [
            EvaluatedMonth(month.whole("period"), month.instant("effective_at"), month.whole("ranks_seq"))
            for month in given.each("evaluations")
        ],
        given.day_or_none("waiting_from"),
        [_file_of(file) for file in given.each("files")],
    )


def _program_of(given: Fields) -> ProgramEntry:
    time_zone = given.text("time_zone")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(given.place("time_zone")) from error
    return ProgramEntry(
        given.whole("program_id"), given.text("code"), given.text("currency"), time_zone, given.text("policy")
    )


def _file_of(given: Fields) -> FileEntry:
    kind, name = given.text("kind"), given.text("name")
    if kind not in COLUMNS or "/" in name or name.startswith("."):
        raise ValueError(f"files: {kind}/{name}")
    return FileEntry(
        kind,
        given.whole("period"),
        name,
        given.whole("rows"),
        given.whole("bytes"),
        given.text("sha256"),
        given.instant_or_none("first_paid_at"),
        given.instant_or_none("last_paid_at"),
        given.instant_or_none("first_settled_at"),
        given.instant_or_none("last_settled_at"),
    )


def _unreadable(path: Path, words: Text) -> Refusal:
    return HistoryUnreadable(problems=[Problem(str(path), words)])
