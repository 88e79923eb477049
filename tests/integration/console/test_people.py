"""People and keys at the console: let in, approved by a second person, ended."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.integration.console.conftest import Browser
from tests.world.world import World

Person = Callable[..., Browser]


def test_a_person_is_let_in_signs_in_chooses_a_password_and_is_ended(
    world: World, person: Person, stranger: Callable[[], Browser]
) -> None:
    ann = person("ann")
    ann.page("/people/new")
    shown = ann.send(f"/console/p/{world.program.code}/people/new", login="Mei", role="operations", name="Han Mei").text
    match = re.search(r"<code>([0-9a-f-]{30,})</code>", shown)
    assert match is not None
    assert match[1] not in ann.page("/people")
    mei = stranger()
    assert mei.sign_in("mei", match[1]).status_code == 303
    mei.get("/console/account")
    mei.send("/console/account/password", former=match[1], password="another long password")
    assert mei.page("/orders")
    assert mei.get(f"/console/p/{world.program.code}/people").status_code == 403

    [seat] = world.rows("SELECT key_id FROM api_keys WHERE program_id = :program AND owner = 'mei'")
    ann.page(f"/keys/{seat.key_id}")
    assert ann.do(f"/keys/{seat.key_id}/end", typed="ann").status_code == 422
    assert ann.do(f"/keys/{seat.key_id}/end", typed="mei").status_code == 204
    assert mei.get(f"/console/p/{world.program.code}/orders").status_code == 404
    assert [
        row.operation for row in world.rows("SELECT operation FROM trail WHERE program_id = :program ORDER BY trail_no")
    ] == [
        "seat_person",
        "revoke_key",
    ]


def test_a_seat_that_confirms_money_is_approved_by_another_than_let_it_in(world: World, person: Person) -> None:
    ann, bob = person("ann"), person("bob")
    ann.page("/people/new")
    ann.send(f"/console/p/{world.program.code}/people/new", login="mei", role="finance")
    [seat] = world.rows("SELECT key_id FROM api_keys WHERE program_id = :program AND owner = 'mei'")
    assert "You proposed it; somebody else confirms." in ann.page(f"/keys/{seat.key_id}")
    refused = ann.do(f"/keys/{seat.key_id}/approve")
    assert (refused.status_code, "same_person" in refused.text) == (409, True)
    assert "Let it confirm money" in bob.page(f"/keys/{seat.key_id}")
    assert bob.do(f"/keys/{seat.key_id}/approve").status_code == 204
    assert "yes, now" in ann.page(f"/keys/{seat.key_id}")


def test_a_key_is_shown_once_with_its_secret_and_listed_without(world: World, person: Person) -> None:
    ann = person("ann")
    ann.page("/keys/new")
    shown = ann.send(f"/console/p/{world.program.code}/keys/new", name="shop system", role="orders").text
    match = re.search(r"<code>(dk_[0-9a-f]{16}_[A-Za-z0-9_-]{43})</code>", shown)
    assert match is not None
    listed = ann.page("/keys")
    assert "shop system" in listed
    assert match[1] not in listed
