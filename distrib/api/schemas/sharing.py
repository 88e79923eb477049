"""How a poster or a QR code is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from distrib.api.http.auth import STAFF
from distrib.api.http.words import say
from distrib.api.schemas.fields import Choice, Instant, PlainText, QueryWhole, Shape, Whole
from distrib.api.schemas.visible import Visible
from distrib.domain.money import MAX_MINOR
from distrib.services.sharing.backgrounds import MOST_BASE64
from distrib.services.sharing.posters import CLASSIC, DESIGNS, LANGUAGES, MOST_GOODS, MOST_HEADLINE, MOST_SCALE

PLAIN, OWN = BACKGROUNDS = ("plain", "own")


class PosterQuerySchema(Shape):
    """In which language and design the poster speaks, its headline, and an article with its price."""

    language = Choice(LANGUAGES, load_default="zh")
    design = Choice(DESIGNS, load_default=CLASSIC)
    title = PlainText(high=MOST_HEADLINE, load_default=None, metadata={"description": "the headline"})
    goods_name = PlainText(high=MOST_GOODS, load_default=None, metadata={"description": "an article to be shown"})
    goods_price_minor = QueryWhole(
        low=0, high=MAX_MINOR, load_default=None, metadata={"description": "its price, in the program's currency"}
    )

    background = Choice(
        BACKGROUNDS,
        load_default=PLAIN,
        metadata={"description": "`own`: the picture of `PUT /v1/program/poster-background`"},
    )

    @validates_schema(skip_on_field_errors=False)
    def _check(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("goods_price_minor") is not None and data.get("goods_name") is None:
            raise ValidationError([say("required_with", other="goods_price_minor")], "goods_name")


class BackgroundDraftSchema(Shape):
    """A picture for the posters of the program."""

    image = PlainText(
        high=MOST_BASE64, required=True, metadata={"description": "JPEG, PNG or WebP of up to 2 MiB, in Base64"}
    )


class BackgroundSchema(Shape):
    """The picture as it is kept: cut to the posters' shape, JPEG."""

    width = Whole(required=True)
    height = Whole(required=True)
    bytes = Whole(required=True)
    digest = PlainText(required=True, metadata={"description": "SHA-256"})
    set_at = Instant(required=True)


class QrCodeQuerySchema(Shape):
    """How large the QR code is."""

    scale = QueryWhole(low=1, high=MOST_SCALE, load_default=8, metadata={"description": "pixels of one module"})


# Who sees what: the picture behind the posters is for staff.
BACKGROUND = Visible(BackgroundSchema, dict.fromkeys(STAFF, ("width", "height", "bytes", "digest", "set_at")))
