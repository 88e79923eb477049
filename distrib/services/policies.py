"""Reads the policy packs from the configuration directory, each checked before it is used, and local overrides.

The only service that reads files; what a pack means is ``distrib.domain.policies.policy``'s. A pack may stand in
several dated versions (``cn.yaml``, ``cn-2027-01-01.yaml``): the one in force on the day judges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.policies.override import Override, apply_override
from distrib.domain.policies.policy import Policy, policy_from_document
from distrib.domain.policies.refusals import PolicyLoosened
from distrib.domain.texts import Text
from distrib.services.context import Unit
from distrib.services.yaml_documents import in_file, read_yaml, text_of
from distrib.store.compliance import findings as store
from distrib.store.compliance.findings import SignedOverride

OVERRIDES = "local"
"""The directory beside the packs that local overrides stand in, one file a pack."""
Clock = Callable[[], datetime]


def utc_clock() -> datetime:
    """Reads the present instant: which version of a pack judges is a matter of the day."""
    return datetime.now(UTC)


class PolicyBook(Mapping[str, Policy]):
    """The packs by name, each in the version in force today; those of another day by ``on``."""

    def __init__(self, versions: Mapping[str, Collection[Policy]], clock: Clock = utc_clock) -> None:
        self._versions = {
            name: tuple(sorted(packs, key=lambda pack: pack.valid_from)) for name, packs in versions.items()
        }
        self._clock = clock

    def __getitem__(self, name: str) -> Policy:
        return self.on(name, self._clock().date())

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)

    @property
    def is_dated(self) -> bool:
        """Whether any pack stands in more than one version."""
        return any(len(versions) > 1 for versions in self._versions.values())

    def on(self, name: str, day: date) -> Policy:
        """Chooses the version of a pack that judges on a day: the newest in force; before the first, the first."""
        versions = self._versions[name]
        in_force = [pack for pack in versions if pack.is_in_force(day)]
        begun = [pack for pack in versions if pack.valid_from <= day]
        return (in_force or begun or versions[:1])[-1]


def pack_on(policies: Mapping[str, Policy], name: str, day: date) -> Policy:
    """Chooses the version of a pack that judges on a day; a plain mapping has one."""
    return policies.on(name, day) if isinstance(policies, PolicyBook) else policies[name]


def load_policies(
    config_dir: Path,
    overrides_dir: Path | None = None,
    signed: Callable[[], Collection[str]] = frozenset,
    clock: Clock = utc_clock,
) -> PolicyBook:
    """Loads the packs in ``config_dir``/policies by name, with the local overrides applied.

    Args:
        overrides_dir: where local overrides stand; ``config_dir``/policies/local if not given.
        signed: the digests of overrides that are signed for; asked only where one loosens a figure.

    Raises:
        Refusal: ``invalid`` with every problem of every pack, each with its file's name in front;
            ``policy_loosened`` where an override loosens a figure and nobody has signed for it.
    """
    packs = _load_packs(config_dir)
    documents = {stem: document for stem, (document, _) in packs.items()}
    versions: dict[str, list[Policy]] = {}
    for _, pack in packs.values():
        versions.setdefault(pack.name, []).append(pack)
    directory = overrides_dir or config_dir / "policies" / OVERRIDES
    for path in sorted(directory.glob("*.yaml")):
        override = read_override(documents, path)
        _check_signed(path, override, signed)
        versions[override.policy.name] = [
            override.policy if pack.valid_from == override.policy.valid_from else pack
            for pack in versions[override.policy.name]
        ]
    return PolicyBook(versions, clock)


def load_documents(config_dir: Path) -> dict[str, Mapping[str, object]]:
    """Loads the documents of the packs by the stem of their file; raises ``invalid`` with every problem."""
    return {stem: document for stem, (document, _) in _load_packs(config_dir).items()}


def _load_packs(config_dir: Path) -> dict[str, tuple[Mapping[str, object], Policy]]:
    """Loads each pack with its document by the stem of its file; raises ``invalid`` with every problem."""
    packs: dict[str, tuple[Mapping[str, object], Policy]] = {}
    problems: list[Problem] = []
    for path in sorted((config_dir / "policies").glob("*.yaml")):
        try:
            document, pack = _read_pack(text_of(path))
        except Refusal as refusal:
            problems += in_file(path.name, refusal)
            continue
        if path.stem not in (pack.name, f"{pack.name}-{pack.valid_from.isoformat()}"):
            problems.append(Problem(f"{path.name}: name", Text("must be the file's name, {name}", name=path.stem)))
        elif isinstance(document, Mapping):
            packs[path.stem] = document, pack
    if problems:
        raise Refusal("invalid", problems)
    return packs


@lru_cache(maxsize=64)
def _read_pack(text: str) -> tuple[object, Policy]:
    """Reads a pack and its document, which nobody changes: of a text that was read before, what came of it then."""
    document = read_yaml(text)
    return document, policy_from_document(document)


def read_override(documents: Mapping[str, Mapping[str, object]], path: Path) -> Override:
    """Reads the override in a file and applies it to the pack it names (its newest version).

    Raises:
        Refusal: ``invalid`` with every problem and the file's name in front.
    """
    try:
        document = read_yaml(text_of(path))
        name = document.get("pack") if isinstance(document, Mapping) else None
        versions = [base for base in documents.values() if base["name"] == name]
        if not versions:
            raise Refusal(
                "invalid", [Problem("pack", Text("there is no policy pack {policy}", "override", policy=name))]
            )
        return apply_override(max(versions, key=lambda base: str(base["valid_from"])), document)
    except Refusal as refusal:
        raise Refusal("invalid", in_file(path.name, refusal)) from refusal


def sign_override(unit: Unit, override: Override, text: str, signed_off_by: str, reason: str) -> None:
    """Records for a program who answers for what an override loosens."""
    loosened = json.dumps(override.loosened, ensure_ascii=False)
    signed = SignedOverride(override.policy.name, override.digest, text, loosened, signed_off_by, reason)
    store.insert_sign_off(unit.conn, unit.program_id, signed, unit.recorded)


def signed_overrides(conn: Connection) -> set[str]:
    """Reads the digests of the overrides that are signed for."""
    return store.signed_digests(conn)


def _check_signed(path: Path, override: Override, signed: Callable[[], Collection[str]]) -> None:
    if override.loosened and override.digest not in signed():
        figures = "; ".join(override.loosened)
        problems = [Problem(f"{path.name}", figure) for figure in override.loosened]
        raise PolicyLoosened(problems=problems, figures=figures)
