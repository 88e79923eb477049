"""Invite codes and the links made of them: reads a code, composes its links, checks a program's page for joining."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlsplit

from distrib.domain.texts import Text
from distrib.domain.webhooks import URL_PROBLEMS, url_problem

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O 1 I L, which look alike."""
CODE_LENGTH = 10
CODE_PARAMETER = "invite_code"
"""The query parameter by which a platform's own page gets the code."""
JOIN_URL_PROBLEMS = URL_PROBLEMS | {
    "code": Text("must not hold {parameter} itself", parameter=CODE_PARAMETER),
}


def read_code(typed: str) -> str | None:
    """Reads a code as typed or scanned; None where it cannot be an invite code, so that no query is spent on it.

    >>> read_code("abcdefgh23"), read_code("ABCDEFGH10"), read_code("ABC")
    ('ABCDEFGH23', None, None)
    """
    code = typed.upper()
    is_code = typed.isascii() and len(code) == CODE_LENGTH and set(code) <= set(CODE_LETTERS)
    return code if is_code else None


def invite_link(base_url: str, code: str) -> str:
    """Composes the link of a shop's invitation from the public base URL and the invite code.

    >>> invite_link("https://fx.example/d/", "ABCDEFGH23")
    'https://fx.example/d/r/ABCDEFGH23'
    """
    return f"{base_url.rstrip('/')}/r/{code}"


def session_link(base_url: str, token: str) -> str:
    """Composes the link that opens a session of a shop's owner.

    >>> session_link("https://fx.example/d/", "sl_1_x")
    'https://fx.example/d/s/sl_1_x'
    """
    return f"{base_url.rstrip('/')}/s/{token}"


def join_url_problem(url: str) -> str | None:
    """Checks a URL as a program's page for joining: a key of ``JOIN_URL_PROBLEMS``, None where it may be one.

    >>> [join_url_problem(u) for u in ("https://shop.example/join?from=fx", "http://shop.example", "javascript:x")]
    [None, 'scheme', 'url']
    >>> join_url_problem("https://shop.example/join?invite_code=A")
    'code'
    """
    problem = url_problem(url, allows_private=False)
    if problem is None and any(name == CODE_PARAMETER for name, _ in parse_qsl(urlsplit(url).query, True)):
        return "code"
    return problem


def join_link(join_url: str, code: str) -> str:
    """Composes the URL of the platform's own page for joining, with the invite code as a parameter.

    >>> join_link("https://shop.example/join", "ABCDEFGH23")
    'https://shop.example/join?invite_code=ABCDEFGH23'
    >>> join_link("https://shop.example/join?from=fx", "ABCDEFGH23")
    'https://shop.example/join?from=fx&invite_code=ABCDEFGH23'
    """
    glue = "" if join_url.endswith(("?", "&")) else "&" if "?" in join_url else "?"
    return f"{join_url}{glue}{CODE_PARAMETER}={code}"


def without_claims(text: str | None, words: Collection[str]) -> str | None:
    """Drops a text that holds one of the pack's words for promises of earnings, in whatever case: answers None.

    >>> without_claims("喆记小店", ["躺赚"]), without_claims("月入过万俱乐部", ["月入"]), without_claims(None, [])
    ('喆记小店', None, None)
    """
    if text is None or not text.strip():
        return None
    folded = text.casefold()
    return None if any(word.casefold() in folded for word in words) else text
