"""What of a call may stand in the trail: names and figures as they are, all else as a keyed digest.

Only names that are listed are shown, so that a field nobody thought of is hidden. Secrets do not stand there at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

CHANGED: Final = "changed"
READ: Final = "read"
KINDS: Final = (CHANGED, READ)

MOST_SHOWN: Final = 20
"""So many entries of a list are shown; a longer one by its length."""
MOST_CHARACTERS: Final = 255

SECRETS: Final = frozenset({"key", "secret", "digest_key", "password"})
_NAMES: Final = """
    account_changed_at account_kinds adjustment_id admission amount_minor answered_at answered_by approved_at
    approved_by as_of asked_at asked_by before_at binding binding_rule bound_at case_no change_id channel closed_at
    closed_by code commission_id confirms_from count country currency customer_id decided_at decided_on decision
    detail detail_no due_at effective_at effective_from encoding ended_at ended_by event_id event_type events
    expire_days expires_at failed_count fee_minor fields file_format format former_until fresh_account full id
    identity_required is_full joined_at keep keep_hours key_approval key_id key_wait_hours kind leader_id
    least_minor level levels limit lines link_minutes login made_by may_confirm min_minor month most_minor no
    old_secret_ends_at operation order_id organiser_id owner owner_is_set paid_count paid_on part payee_hold_days
    payout_id penalty_id pending per_day per_month period policy program program_code proposed_at proposed_by
    protect_days published_at quantity
    quarter rank recorded_at refused_count request_id requested_at returned_count revoked_at role rule scope scopes
    seq session_minutes shop_id shop_ids signed signed_in_by since source sponsor_id state status step time_zone to
    total_minor type up_to version webhook_id withdrawal_id withdrawals withholding year
"""
SHOWN: Final = frozenset(_NAMES.split())


def shown(value: Mapping[str, Any], digest_of: Callable[[str], str]) -> dict[str, Any]:
    """Builds what the trail says of an object: listed names as they are, secrets not at all, the rest as digests.

    Args:
        digest_of: a keyed digest of a text, so that equal values are seen to be equal and none can be guessed.

    >>> shown({"status": "frozen", "name": "Mei", "secret": "s"}, lambda text: "1f")
    {'status': 'frozen', 'name': 'digest 1f'}
    """
    return {
        name: _shown(inner, digest_of) if name in SHOWN else _hidden(inner, digest_of)
        for name, inner in value.items()
        if name not in SECRETS
    }


def differing(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Keeps of two states what both show and differs; a state that is not there leaves the other whole.

    >>> differing({"status": "active", "rank": "a", "level": 1}, {"status": "frozen", "rank": "a"})
    ({'status': 'active'}, {'status': 'frozen'})
    """
    if before is None or after is None:
        return (None if before is None else dict(before)), (None if after is None else dict(after))
    changed = [name for name in before if name in after and before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def canonical(value: object) -> str:
    """Writes a value as JSON with sorted keys; instants in UTC.

    >>> canonical({"b": date(2026, 3, 1), "a": 1})
    '{"a": 1, "b": "2026-03-01"}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _shown(value: Any, digest_of: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return shown(value, digest_of)
    if isinstance(value, str):
        return value if len(value) <= MOST_CHARACTERS else _hidden(value, digest_of)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        is_short = len(value) <= MOST_SHOWN and all(isinstance(entry, str | int) for entry in value)
        return list(value) if is_short else f"{len(value)} entries, {_hidden(value, digest_of)}"
    return value if value is None or isinstance(value, bool | int) else _plain(value)


def _hidden(value: Any, digest_of: Callable[[str], str]) -> str | None:
    return None if value is None else f"digest {digest_of(canonical(value))}"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)
