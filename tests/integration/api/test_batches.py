"""A batch tells of each entry what became of it; what is no entry at all touches no other."""

from typing import Any

import pytest

from tests.world.api import Api


@pytest.mark.parametrize("wrong", [None, 5, "s", [], {"id": "a/b"}])
def test_what_is_no_registration_is_refused_alone(api: Api, wrong: Any) -> None:
    results = api.caller().post("/v1/shops/batch", {"shops": [wrong, {"id": "s"}]})["results"]
    assert [(row["status"], row.get("code")) for row in results] == [("refused", "invalid"), ("created", None)]


@pytest.mark.parametrize("wrong", [None, 5, "s", [], {"customer_id": "a/b"}])
def test_what_is_no_claim_is_refused_alone(api: Api, wrong: Any) -> None:
    api.world.join(("s", None))
    claim = {"customer_id": "c", "shop_id": "s", "source": "link", "bound_at": "2026-03-01T00:00:00Z"}
    results = api.caller("orders").post("/v1/bindings/batch", {"bindings": [wrong, claim]})["results"]
    assert [(row["outcome"], row.get("code")) for row in results] == [("refused", "invalid"), ("bound", None)]
