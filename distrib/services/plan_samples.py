"""Reads the sample plans from the configuration directory. What a plan means is ``distrib.domain.plans.plan``'s."""

from __future__ import annotations

from pathlib import Path


def load_samples(config_dir: Path) -> dict[str, str]:
    """The texts of ``config_dir``/plans by the name of the plan, which is the file's."""
    return {path.stem: path.read_text("utf-8") for path in sorted((config_dir / "plans").glob("*.yaml"))}
