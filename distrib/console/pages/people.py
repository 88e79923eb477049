"""People and keys: who is in, let in and ended; keys made, approved and ended. A secret is shown on the one page that
answers its making, and never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint
from markupsafe import Markup

from distrib.console.cells import KEY_STATES, ROLES, id_cell, state_badge
from distrib.console.frame import Done, Page, Work, icon, page
from distrib.console.lists import Column, ListSpec, Tab, linked, list_view
from distrib.console.second_person import check_typed, is_own, names_of, seat_names
from distrib.domain.texts import Text
from distrib.services.programs.scopes import ROLES as KEY_ROLES
from distrib.services.programs.scopes import SCOPES, SEAT_ROLES

_PEOPLE: Final = (
    Column("name", Text("Name"), is_fixed=True),
    Column("login", Text("Login")),
    Column("role", Text("Role")),
    Column("state", Text("State")),
    Column("money", Text("Confirms money")),
    Column("made_by", Text("Let in by")),
    Column("created_at", Text("Since"), "date"),
    Column("ended", Text("Ended"), "date", is_shown=False),
    Column("open", Text("More")),
)
_KEYS: Final = (
    Column("name", Text("Name"), is_fixed=True),
    Column("id", Text("Key")),
    Column("role", Text("Role")),
    Column("owner", Text("Owner")),
    Column("state", Text("State")),
    Column("money", Text("Confirms money")),
    Column("used", Text("Last used"), "date"),
    Column("made_by", Text("Made by"), is_shown=False),
    Column("created_at", Text("Since"), "date", is_shown=False),
    Column("open", Text("More")),
)


def seat_pages(blueprint: Blueprint) -> None:
    """Adds the pages of people who sign in."""

    @page(blueprint, "/people", needs="list_people")
    def people(work: Work) -> Page:
        return Page("console/people.html", {"list": list_view(work, _people(work))})

    @page(blueprint, "/people/new", needs="seat_person", entry="people")
    def person_draft(work: Work) -> Page:
        return Page("console/person_new.html", {"roles": _options(work, SEAT_ROLES)})

    @page(blueprint, "/people/new", needs="seat_person", post=True, entry="people")
    def seat_person(work: Work) -> Page | Done:
        form = work.form
        name, login = form.get("name", "").strip() or None, form.get("login", "").strip().lower()
        body = {"login": login, "role": form.get("role", ""), "name": name}
        made = work.call("seat_person", body=body)
        if made["password"] is None:
            return Done(work.url("people"), Text("{name} may sign in to this program.", name=made["name"]))
        return Page("console/secret_once.html", {"made": made, "secret": made["password"], "is_person": True})


def key_pages(blueprint: Blueprint) -> None:
    """Adds the pages of keys, a person's seat among them."""

    @page(blueprint, "/keys", needs="list_keys", entry="people")
    def api_keys(work: Work) -> Page:
        return Page("console/keys.html", {"list": list_view(work, _keys(work))})

    @page(blueprint, "/keys/new", needs="create_key", entry="people")
    def key_draft(work: Work) -> Page:
        return Page("console/key_new.html", {"roles": _options(work, KEY_ROLES), "scopes": SCOPES["admin"]})

    @page(blueprint, "/keys/new", needs="create_key", post=True, entry="people")
    def make_key(work: Work) -> Page:
        form = work.form
        body: dict[str, Any] = {name: form.get(name, "").strip() or None for name in ("shop_id", "owner")}
        body |= {"role": form.get("role", ""), "name": form.get("name", "").strip()}
        body |= {"scopes": form.getlist("scope") or None}
        made = work.call("create_key", body=body)
        return Page("console/secret_once.html", {"made": made, "secret": made["key"], "is_person": False})

    @page(blueprint, "/keys/<id:key_id>", needs="get_key", entry="people")
    def api_key(work: Work, key_id: str) -> Page:
        known = work.call("get_key", key_id=key_id)
        language = work.reader.language
        values = {
            "key": known,
            "state": state_badge(KEY_STATES, known["state"], language),
            "role": role_words(work, known["role"]),
            "waits": known["state"] == "active" and not known["may_confirm"] and _could_confirm(known),
            "is_mine": is_own(work, known["made_by"]) or is_own(work, key_id),
            "names": names_of(work, [known[name] for name in ("made_by", "approved_by", "ended_by")]),
            "word": known["owner"] if known["is_seat"] else known["name"],
        }
        return Page("console/key.html", values)

    @page(blueprint, "/keys/<id:key_id>/approve", needs="approve_key", post=True, entry="people")
    def approve_key(work: Work, key_id: str) -> Done:
        known = work.call("approve_key", key_id=key_id)
        words = Text("{name} may confirm money now.", name=known["owner"])
        return Done(work.url("api_key", key_id=key_id), words)

    @page(blueprint, "/keys/<id:key_id>/end", needs="revoke_key", post=True, entry="people")
    def end_key(work: Work, key_id: str) -> Done:
        known = work.call("get_key", key_id=key_id)
        wanted = known["owner"] if known["is_seat"] else known["name"]
        check_typed(work, wanted)
        work.call("revoke_key", key_id=key_id)
        address = work.url("people" if known["is_seat"] else "api_keys")
        return Done(address, Text("{id} has ended.", "key", id=wanted))


def role_words(work: Work, role: str) -> str:
    """A role in words."""
    return work.say(ROLES[role]) if role in ROLES else role


def _options(work: Work, roles: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(role, role_words(work, role)) for role in roles]


def _could_confirm(known: Mapping[str, Any]) -> bool:
    return not {"confirm", "keys"}.isdisjoint(known["scopes"] or SCOPES[known["role"]])


def money_words(work: Work, known: Mapping[str, Any]) -> Markup | str:
    """Whether a key or a seat may confirm money, or when it may."""
    if known["may_confirm"]:
        return Markup("<span>{} {}</span>").format(icon("check"), work.say(Text("yes", "confirms")))
    if known["state"] != "active" or not _could_confirm({"scopes": None, **known}):
        return "–"
    if known["confirms_from"] is not None:
        return work.say(Text("from {time}", time=work.reader.time(known["confirms_from"])))
    return work.say(Text("once another admin approves it"))


def _people(work: Work) -> ListSpec:
    names = seat_names(work)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        address = work.url("api_key", key_id=row["id"])
        return {
            "name": linked(row["name"], address),
            "login": id_cell(work, row["login"]),
            "role": role_words(work, row["role"]),
            "state": state_badge(KEY_STATES, row["state"], work.reader.language),
            "money": money_words(work, row),
            "made_by": names.get(row["made_by"], row["made_by"] or ""),
            "created_at": work.reader.time(row["created_at"]),
            "ended": work.reader.time(row["revoked_at"]),
            "open": linked(work.say(Text("Approve or end")), address) if row["state"] == "active" else "",
        }

    return ListSpec(
        name="people",
        endpoint="people",
        operation="list_people",
        columns=_PEOPLE,
        cells=cells,
        tabs=(Tab(Text("All"), ""), Tab(Text("In now"), "active"), Tab(Text("Ended", "people"), "ended")),
        tab_parameter="state",
        empty=(Text("Nobody signs in to this program"), Text("Let somebody in by a login and a role.")),
    )


def _keys(work: Work) -> ListSpec:
    names = seat_names(work)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        address = work.url("api_key", key_id=row["id"])
        return {
            "name": linked(row["name"], address),
            "id": id_cell(work, row["id"]),
            "role": role_words(work, row["role"]) + (f" · {row['shop_id']}" if row["shop_id"] else ""),
            "owner": row["owner"],
            "state": state_badge(KEY_STATES, row["state"], work.reader.language),
            "money": money_words(work, row),
            "used": work.reader.time(row["last_used_at"]) or ("" if row["is_seat"] else work.say(Text("never"))),
            "made_by": names.get(row["made_by"], row["made_by"] or ""),
            "created_at": work.reader.time(row["created_at"]),
            "open": work.say(Text("a person's seat")) if row["is_seat"] else "",
        }

    return ListSpec(
        name="keys",
        endpoint="api_keys",
        operation="list_keys",
        columns=_KEYS,
        cells=cells,
        empty=(Text("No keys yet"), Text("A key lets a machine call the API.")),
    )
