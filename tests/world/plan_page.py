"""The plan page as a browser without JavaScript uses it: forms that are sent, words and tables that come back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PAGE, RESULT = "/console/plan", "/console/plan/result"
PLAIN = 'code: a\ncurrency: CNY\nrules:\n  - {id: s, pay: seller, rate: "0.1"}\n'
SLIPS = """\
# a comment
code: My Shop
currency: CNY
hold_day: 7
order_cap: 0.3
title: <script>alert(1)</script>
rules:
  - id: seller
    pay: seller
    rate: {member: 0.1}
  - {id: up, pay: upline, rate: "0.1", tier: 7}
"""


def send(reader: FlaskClient, text: str, path: str = PAGE, **fields: str) -> TestResponse:
    """What the form sends; the dots of field names are written as two underscores here."""
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return reader.post(path, data={"text": text, **named}, content_type="multipart/form-data")


def words_of(answer: TestResponse) -> str:
    """The page's words without its marks, as somebody reads them."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def rows(page: str, section: str) -> Iterator[list[str]]:
    """The cells of the rows of the first table after ``section``."""
    table = page.split(section, 1)[1].split("</table>", 1)[0]
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        yield [html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in cells]


def earned(page: str) -> dict[str, str]:
    return {row[0]: row[1] for row in rows(page, '<table class="figures">')}
