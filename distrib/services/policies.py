"""Reads the policy packs from the configuration directory, each checked before it is used.

The only service that reads files; what a pack means is ``distrib.domain.policy``'s.
"""

from __future__ import annotations

from pathlib import Path

from distrib.domain.errors import Problem, Refusal
from distrib.domain.policy import Policy, policy_from_document
from distrib.services.yaml_documents import read_yaml


def load_policies(config_dir: Path) -> dict[str, Policy]:
    """The packs in ``config_dir``/policies by name.

    Raises:
        Refusal: ``invalid`` with every problem of every pack, each with its file's name in front.
    """
    packs: dict[str, Policy] = {}
    problems: list[Problem] = []
    for path in sorted((config_dir / "policies").glob("*.yaml")):
        try:
            pack = policy_from_document(read_yaml(path.read_text("utf-8")))
        except Refusal as refusal:
            problems += [Problem(f"{path.name}: {p.pointer}", p.detail) for p in refusal.problems]
            continue
        if pack.name != path.stem:
            problems.append(Problem(f"{path.name}: name", f"must be the file's name, {path.stem} / 须与文件名一致"))
        packs[pack.name] = pack
    if problems:
        raise Refusal("invalid", problems)
    return packs
