"""Keeps the picture that a program puts behind its posters: taken in by bounds, read safely, encoded anew."""

from __future__ import annotations

import hashlib
import io
import struct
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import Connection

from distrib.domain.errors import Problem, Refusal
from distrib.domain.texts import Text
from distrib.services.context import Program, Unit
from distrib.services.sharing.designs import HEIGHT, WIDTH
from distrib.store.sharing import backgrounds as store
from distrib.store.sharing.backgrounds import Background

MOST_BYTES: Final = 2 * 2**20
"""The largest file that is taken."""
MOST_BASE64: Final = (MOST_BYTES + 2) // 3 * 4
__all__ = ["Background"]

LEAST_SIDE, MOST_PIXELS = 540, 24_000_000
"""The shortest side, and what a picture may need when it is unpacked (72 MB): checked before it is."""
FORMATS: Final = ("JPEG", "PNG", "WEBP")
_MOST_KEPT, _QUALITIES = 2**20, (88, 75, 55, 35)
_BROKEN = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for files that are no pictures, or broken ones."""


@dataclass(frozen=True, slots=True)
class BackgroundView:
    """The picture behind the posters of a program, by its size in pixels and in bytes, and its SHA-256."""

    width: int
    height: int
    bytes: int
    digest: str
    set_at: datetime


def set_background(unit: Unit, encoded: str) -> BackgroundView:
    """Puts a picture behind the posters of a program, cut to their shape; shows what is kept.

    Args:
        encoded: the file in Base64.

    Raises:
        Refusal: ``invalid`` for what is no picture of a known format, too large or too small.
    """
    image = _encoded_anew(_decoded(encoded))
    background = Background(image, hashlib.sha256(image).digest(), unit.now)
    store.put_background(unit.conn, unit.program_id, background)
    return background_view(background)


def end_background(conn: Connection, program: Program) -> None:
    """Takes the picture away; where there is none, nothing changes."""
    store.end_background(conn, program.program_id)


def find_background(conn: Connection, program: Program) -> Background | None:
    """Reads the picture of a program; None where it has none."""
    return store.find_background(conn, program.program_id)


def background_view(background: Background) -> BackgroundView:
    """Shows a picture by its size and digest."""
    return BackgroundView(WIDTH, HEIGHT, len(background.image), background.digest.hex(), background.set_at)


def _decoded(encoded: str) -> bytes:
    try:
        content = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        raise _refused(Text("is not Base64")) from None
    if len(content) > MOST_BYTES:
        raise _refused(Text("must have at most {most} bytes", most=f"{MOST_BYTES:,}"))
    return content


def _encoded_anew(content: bytes) -> bytes:
    """Reads a picture within its bounds and writes it as JPEG of the posters' shape: nothing of the file is kept."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            _check_size(picture.size)
            picture.draft("RGB", (WIDTH, HEIGHT))
            upright = ImageOps.exif_transpose(picture)
            fitted = ImageOps.fit(_on_white(upright), (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    except _BROKEN:
        raise _refused(Text("is not a picture in {formats}, or is broken", formats=", ".join(FORMATS))) from None
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        fitted.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= _MOST_KEPT:
            break
    return buffer.getvalue()


def _check_size(size: tuple[int, int]) -> None:
    if min(size) < LEAST_SIDE or size[0] * size[1] > MOST_PIXELS:
        raise _refused(
            Text(
                "must be at least {least} pixels wide and high, and have at most {most} in all",
                least=LEAST_SIDE,
                most=f"{MOST_PIXELS:,}",
            )
        )


def _on_white(picture: Image.Image) -> Image.Image:
    """A picture without transparency."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    whole = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", whole.size, (255, 255, 255, 255)), whole).convert("RGB")


def _refused(problem: Text) -> Refusal:
    return Refusal("invalid", [Problem("/image", problem)])
