"""Reads the limits of payout channels from the configuration; their meaning is ``distrib.domain.payouts.channels``."""

from __future__ import annotations

from pathlib import Path

from distrib.domain.errors import Refusal
from distrib.domain.payouts.channels import Channel, channels_from_document
from distrib.services.yaml_documents import in_file, read_yaml, text_of

FILE = "channels.yaml"


def load_channels(config_dir: Path) -> list[Channel]:
    """Loads the channels of ``config_dir``/channels.yaml.

    Raises:
        Refusal: ``invalid`` with every problem, the file's name in front.
    """
    try:
        return channels_from_document(read_yaml(text_of(config_dir / FILE)))
    except Refusal as refusal:
        raise Refusal("invalid", in_file(FILE, refusal)) from refusal
