"""What an import would send, without sending it: the events beside the file, and how many of each type come to what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distrib.domain.amounts import show_amount


class Preview:
    """Counts the events that would be sent and writes them to a file beside, as the API takes them."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.events.ndjson")
        self.path.unlink(missing_ok=True)
        self.counts: Counter[str] = Counter()
        self.amounts: dict[str, Counter[str]] = {}

    def add(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds the events of one order; personal data, so for the owner's eyes only."""
        if not self.path.exists():
            self.path.touch(mode=0o600)
        currency = next((event["order"]["currency"] for event in events if "order" in event), "")
        with self.path.open("a", encoding="ascii") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        for event in events:
            self.counts[event["type"]] += 1
            amount = _amount_of(event)
            if currency and amount is not None:
                self.amounts.setdefault(event["type"], Counter())[currency] += amount

    def rows(self) -> list[tuple[str, int, str]]:
        """Lists type, count and amounts of what would be sent."""
        return [
            (kind, count, ", ".join(f"{show_amount(n, code)} {code}" for code, n in self.amounts.get(kind, {}).items()))
            for kind, count in sorted(self.counts.items())
        ]


def _amount_of(event: Mapping[str, Any]) -> int | None:
    """Adds up what an event says was paid or given back; None where it says no amount."""
    refund = event.get("refund", {})
    amounts: list[int]
    if "order" in event:
        amounts = [line["paid_minor"] for line in event["order"]["lines"]]
    elif "lines" in refund:
        amounts = [line["amount_minor"] for line in refund["lines"]]
    else:
        amounts = [refund["amount_minor"]] if "amount_minor" in refund else []
    return sum(amounts) if amounts else None
