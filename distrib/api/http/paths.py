"""What a path was before it was decoded: two ids that a decoded path can no longer tell apart are refused here."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def is_readable(sent: str) -> bool:
    """Whether the parts of a path, as sent, can be ids: none hides a '/' and all are UTF-8.

    A WSGI server decodes the path before it is split, so ``a%2Fbinding`` would be the binding of ``a``, and every byte
    that is not UTF-8 the same replacement character.

    >>> [is_readable(path) for path in ("/v1/shops/%E5%BA%97?x=%2F", "/v1/shops/a%2fb", "/v1/shops/%ff")]
    [True, False, False]
    """
    path = sent.partition("?")[0]
    try:
        unquote_to_bytes(path.encode("latin-1", "replace")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "%2f" not in path.lower()
