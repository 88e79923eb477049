"""How a poster or a QR code is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, PlainText, QueryWhole, Shape
from distrib.domain.money import MAX_MINOR
from distrib.services.sharing.posters import CLASSIC, DESIGNS, LANGUAGES, MOST_GOODS, MOST_HEADLINE, MOST_SCALE


class PosterQuerySchema(Shape):
    """In which language and design the poster speaks, its headline, and an article with its price."""

    language = Choice(LANGUAGES, load_default="zh")
    design = Choice(DESIGNS, load_default=CLASSIC)
    title = PlainText(high=MOST_HEADLINE, load_default=None, metadata={"description": "the headline"})
    goods_name = PlainText(high=MOST_GOODS, load_default=None, metadata={"description": "an article to be shown"})
    goods_price_minor = QueryWhole(
        low=0, high=MAX_MINOR, load_default=None, metadata={"description": "its price, in the program's currency"}
    )

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("goods_price_minor") is not None and data.get("goods_name") is None:
            raise ValidationError([say("required_with", other="goods_price_minor")], "goods_name")


class QrCodeQuerySchema(Shape):
    """How large the QR code is."""

    scale = QueryWhole(low=1, high=MOST_SCALE, load_default=8, metadata={"description": "pixels of one module"})
