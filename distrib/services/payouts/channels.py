"""Reads the limits of payout channels from the configuration; their meaning is ``distrib.domain.payouts.channels``."""

from __future__ import annotations

from pathlib import Path

from distrib.domain.errors import Problem, Refusal
from distrib.domain.payouts.channels import Channel, channels_from_document
from distrib.services.yaml_documents import read_yaml

FILE = "channels.yaml"


def load_channels(config_dir: Path) -> list[Channel]:
    """Loads the channels of ``config_dir``/channels.yaml.

    Raises:
        Refusal: ``invalid`` with every problem, the file's name in front.
    """
    try:
        return channels_from_document(read_yaml((config_dir / FILE).read_text("utf-8")))
    except Refusal as refusal:
        problems = [Problem(f"{FILE}: {problem.pointer}", problem.detail) for problem in refusal.problems]
        raise Refusal("invalid", problems) from refusal
