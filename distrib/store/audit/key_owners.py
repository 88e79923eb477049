"""What an audit warns of: keys that can move money and say of nobody whose they are. No figure depends on them."""

from __future__ import annotations

from distrib.store.audit.questions import Question

_LIVE = """
SELECT key_id, name, role FROM api_keys
WHERE program_id = %(program)s AND role IN ('admin', 'finance') AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > %(now)s)
"""
WITHOUT_OWNER = Question(
    "keys_without_owner",
    f"SELECT count(*) FROM ({_LIVE}) k",
    f"{_LIVE} AND owner IS NULL ORDER BY key_id",
)
