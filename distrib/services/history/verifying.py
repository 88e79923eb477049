"""Whether a directory of history is as its manifest says. No SQL may enter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from distrib.domain.texts import Text
from distrib.services.history.manifest import FileEntry, digest_of_file, digest_words, read_manifest
from distrib.services.history.parquet import arrow_schema, file_metadata, file_schema, other_columns
from distrib.services.history.schema import READABLE


class Unlike(NamedTuple):
    """A file that is not as the manifest says, and how."""

    path: str
    what: Text


class Verified(NamedTuple):
    """How many files and rows were looked at, and what differs."""

    files: int
    rows: int
    unlike: list[Unlike]


def verify_history(directory: Path, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Verified:
    """Holds every file that a directory's manifest names against it: digest, schema, rows.

    Other files are no part of the history: an export that was killed may have left some, and the next removes them.

    Raises:
        Refusal: ``history_unreadable`` where the manifest itself is none.
    """
    manifest = read_manifest(directory)
    unlike: list[Unlike] = []
    for done, file in enumerate(manifest.files, 1):
        unlike += [Unlike(file.path, what) for what in _unlike(directory, file, manifest.program.code)]
        progress(done, len(manifest.files))
    return Verified(len(manifest.files), sum(file.rows for file in manifest.files), unlike)


def _unlike(directory: Path, file: FileEntry, program: str) -> list[Text]:
    path = directory / file.path
    try:
        size, digest = path.stat().st_size, digest_of_file(path)
    except OSError as error:
        return [Text("{reason}", reason=error.strerror)]
    if (size, digest) != (file.bytes, file.sha256):
        return [digest_words(digest, file)]
    try:
        said, rows = file_metadata(path)
    except ValueError as error:
        return [Text("is no Parquet file: {reason}", reason=error)]
    unlike = []
    schema = file_schema(path)
    known = {str(version): arrow_schema(file.kind, version) for version in READABLE}
    expected = known.get(said.get("distrib.schema_version", ""))
    if expected is None or not schema.equals(expected):
        unlike.append(other_columns(schema))
    own = (
        said.get("distrib.program"),
        said.get("distrib.kind"),
        said.get("distrib.period"),
    )
    if own != (program, file.kind, str(file.period)):
        unlike.append(Text("it says of itself {own}", own=", ".join(map(str, own))))
    if rows != file.rows:
        unlike.append(Text("it has {found} rows, not {expected}", found=rows, expected=file.rows))
    return unlike
