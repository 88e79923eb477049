"""The number under which a channel knows a line. It never changes, so that a transfer sent twice is paid once."""

from __future__ import annotations

import hashlib

MOST_CHARACTERS = 32  # of WeChat's out_bill_no; Alipay's out_biz_no may be longer
_HASH_BYTES = 5


def channel_no(program: str, payout_id: str, payout_no: int, line_no: int) -> str:
    """Letters and digits, unique over programs: the batch, the line, and a hash of whose and which batch it is.

    >>> channel_no("cn", "march", 17, 3)
    'P17L3H894291CB4C'
    """
    told = hashlib.blake2b(f"{program}\0{payout_id}".encode(), digest_size=_HASH_BYTES).hexdigest().upper()
    return f"P{payout_no}L{line_no}H{told}"
