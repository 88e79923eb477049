"""How a poster or a QR code is wanted."""

from __future__ import annotations

from distrib.api.schemas.fields import Choice, QueryWhole, Shape
from distrib.services.sharing.posters import LANGUAGES, MOST_SCALE


class PosterQuerySchema(Shape):
    """In which language the poster speaks."""

    language = Choice(LANGUAGES, load_default="zh")


class QrCodeQuerySchema(Shape):
    """How large the QR code is."""

    scale = QueryWhole(low=1, high=MOST_SCALE, load_default=8, metadata={"description": "pixels of one module"})
