"""Posters and QR codes: what they hold is read back by a decoder that knows nothing of us."""

from __future__ import annotations

import io
import re

import pytest
import segno
import zxingcpp
from PIL import Image

from distrib.services.sharing.posters import (
    DESIGNS,
    HEIGHT,
    LANGUAGES,
    MOST_SCALE,
    QUIET_ZONE,
    WIDTH,
    PosterLooks,
    draw_poster,
    draw_qr_code,
    show_price,
)
from distrib.services.typeface import STAND_IN, on_paper, on_picture

CODE = "ABCDEFGH23"
LINK = f"https://fx.example.com/r/{CODE}"
NAMES = (
    "喆记小店",
    None,
    "",
    "🌸🌸",
    "A",
    "x" * 255,
    "店" * 255,
    "Ünï ço de " * 25,
    "\u202eelohw",
    "한글",
    "𬭎䶮",
    "👩‍👩‍👧 Ma",
    "a\nb\tc",
    "\x07",
    " " * 40,
    "é" * 9,
    "  ",
    "－" * 255,
    "a " * 127,
)


def poster(
    program: str = "好物优选", inviter: str | None = "喆记小店", link: str = LINK, language: str = "zh"
) -> bytes:
    return draw_poster(program, inviter, CODE, link, PosterLooks(language))


def picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def read_by_a_phone(content: bytes) -> list[str]:
    return [barcode.text for barcode in zxingcpp.read_barcodes(picture(content))]


@pytest.mark.parametrize(("place", "name"), list(enumerate(NAMES)))
def test_a_poster_of_any_name_is_whole_and_its_code_leads_to_the_link(place: int, name: str | None) -> None:
    content = poster(name or "p", name, language=LANGUAGES[place % 2])
    assert picture(content).size == (WIDTH, HEIGHT)
    assert read_by_a_phone(content) == [LINK]


LONG_LINK = f"https://{'h' * 215}/r/{CODE}"


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    ("name", "headline", "goods", "link"),
    [("喆记小店", None, None, LINK), ("店" * 255, "头" * 40, "货" * 80, LONG_LINK), (None, "New", "Tea", LINK)],
)
def test_every_design_is_whole_with_and_without_an_article_and_can_be_read(
    design: str, name: str | None, headline: str | None, goods: str | None, link: str
) -> None:
    price = None if goods is None else show_price(10**12, "CNY", "en")
    content = draw_poster("超" * 255, name, CODE, link, PosterLooks("zh", design, headline, goods, price))
    assert picture(content).size == (WIDTH, HEIGHT)
    assert read_by_a_phone(content) == [link]


def test_designs_headlines_articles_and_prices_make_different_posters() -> None:
    looks = [(design, *more) for design in DESIGNS for more in ((None, None, None), ("New", "Tea", "¥1.00"))]
    looks += [("market", "New", "Tea", "¥2.00"), ("market", "New", "Tea", None), ("market", "Old", "Tea", "¥1.00")]
    assert len({draw_poster("p", "n", CODE, LINK, PosterLooks("zh", *look)) for look in looks}) == len(looks)


@pytest.mark.parametrize("design", DESIGNS)
def test_an_article_of_the_longest_name_and_price_stays_within_its_box(design: str) -> None:
    short = picture(draw_poster("p", "n", CODE, LINK, PosterLooks("zh", design, "h", "g", "¥1")))
    long = picture(
        draw_poster("p", "n", CODE, LINK, PosterLooks("zh", design, "h", "货" * 80, show_price(10**12, "CNY", "en")))
    )
    top, foot, left, right = {"classic": (815, 1065, 145, 935), "market": (425, 1135, 120, 960)}.get(
        design, (575, 905, 140, 940)
    )
    for box in (
        (0, top - 12, WIDTH, top),
        (0, foot, WIDTH, foot + 12),
        (0, top, left, foot),
        (right, top, WIDTH, foot),
    ):
        assert short.crop(box).tobytes() == long.crop(box).tobytes()


@pytest.mark.parametrize("length", [20, 60, 120, 200, 215])
def test_the_code_can_be_read_however_long_the_link_is(length: int) -> None:
    link = f"https://{'h' * length}/r/{CODE}"
    content = poster(link=link)
    assert read_by_a_phone(content) == [link]
    [barcode] = zxingcpp.read_barcodes(picture(content))
    assert barcode.ec_level in ("M", "Q", "H")


def test_no_text_reaches_into_the_code_or_over_the_edges_of_the_card() -> None:
    plain, full = picture(poster("p", None)), picture(poster("超" * 255, "店" * 255))
    left, right, bottom = 80, WIDTH - 80, 1590
    for box in ((left, 505, left + 60, bottom), (right - 60, 505, right, bottom), (200, 905, right - 120, 940)):
        assert full.crop(box).tobytes() == plain.crop(box).tobytes()


def test_the_same_invitation_gives_the_same_bytes_and_another_one_others() -> None:
    first = poster()
    draw_poster.cache_clear()
    assert poster() == first
    others = {poster("另一家"), poster(inviter="别家"), poster(link=LINK + "X"), poster(language="en")}
    assert len(others | {first}) == 5


def test_a_poster_asked_for_again_is_not_drawn_again() -> None:
    draw_poster.cache_clear()
    assert poster() is poster()
    assert draw_poster.cache_info().maxsize is not None


def test_the_bare_code_is_an_svg_of_exactly_the_modules_with_its_quiet_zone() -> None:
    content = draw_qr_code(LINK, 3).decode()
    side = len(list(segno.make_qr(LINK, error="m").matrix_iter(border=QUIET_ZONE)))
    assert re.search(r'<svg [^>]*width="(\d+)" height="(\d+)"', content).groups() == (str(side * 3),) * 2  # type: ignore[union-attr]
    assert "<script" not in content
    assert modules_of(content, side) == [list(row) for row in segno.make_qr(LINK, error="m").matrix_iter(border=4)]
    assert draw_qr_code(LINK, 3).decode() == content
    assert len(draw_qr_code(LINK, MOST_SCALE)) < 10_000


def modules_of(svg: str, side: int) -> list[list[int]]:
    """The dark modules that the strokes of the path draw."""
    rows = [[0] * side for _ in range(side)]
    [path] = re.findall(r'class="qrline"[^>]* d="([^"]+)"', svg) or re.findall(r'd="(M4[^"]+)"', svg)
    x = y = 0.0
    for step, numbers in re.findall(r"([Mmh])\s*([^Mmhz]*)", path):
        sizes = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
        if step == "M":
            x, y = sizes
        elif step == "m":
            x, y = x + sizes[0], y + sizes[1]
        else:
            for place in range(int(x), int(x + sizes[0])):
                rows[int(y)][place] = 1
            x += sizes[0]
    return rows


def test_names_of_people_are_drawn_with_their_own_characters() -> None:
    people = "喆堃珺镕䶮㛃𬭎龑骉Ünal"
    assert on_picture(people) == people
    assert on_picture("한") == STAND_IN


def test_documents_leave_no_character_out() -> None:
    content = "店😀ä\u202e한喆"
    assert len(on_paper(content)) == len(content)
    assert on_paper(content) == f"店{STAND_IN}ä{STAND_IN}{STAND_IN}喆"
