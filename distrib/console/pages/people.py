"""People and keys: who is in, let in and ended; keys made, approved and ended. A secret is shown on the one page that
answers its making, and never again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint
from markupsafe import Markup

from distrib.console.cells import KEY_STATES, ROLES, id_cell, state_badge
from distrib.console.frame import Done, HtmlPage, Visit, icon, page
from distrib.console.lists import ListColumn, ListSpec, ListTab, linked, list_view
from distrib.console.second_person import check_typed, is_own, names_of, seat_names
from distrib.domain.texts import Text
from distrib.services.people.password_links import LINK_MINUTES
from distrib.services.programs.scopes import ROLES as KEY_ROLES
from distrib.services.programs.scopes import SCOPES, SEAT_ROLES

_PEOPLE: Final = (
    ListColumn("name", Text("Name"), is_fixed=True),
    ListColumn("login", Text("Login")),
    ListColumn("role", Text("Role")),
    ListColumn("state", Text("State")),
    ListColumn("money", Text("Confirms money")),
    ListColumn("made_by", Text("Let in by")),
    ListColumn("created_at", Text("Since"), "date"),
    ListColumn("ended", Text("Ended"), "date", is_shown=False),
    ListColumn("open", Text("More")),
)
_KEYS: Final = (
    ListColumn("name", Text("Name"), is_fixed=True),
    ListColumn("id", Text("Key")),
    ListColumn("role", Text("Role")),
    ListColumn("owner", Text("Owner")),
    ListColumn("state", Text("State")),
    ListColumn("money", Text("Confirms money")),
    ListColumn("used", Text("Last used"), "date"),
    ListColumn("made_by", Text("Made by"), is_shown=False),
    ListColumn("created_at", Text("Since"), "date", is_shown=False),
    ListColumn("open", Text("More")),
)


def seat_pages(blueprint: Blueprint) -> None:
    """Adds the pages of people who sign in."""

    @page(blueprint, "/people", needs="list_people")
    def people(visit: Visit) -> HtmlPage:
        return HtmlPage("console/people.html", {"list": list_view(visit, _people(visit))})

    @page(blueprint, "/people/new", needs="seat_person", entry="people")
    def person_draft(visit: Visit) -> HtmlPage:
        return HtmlPage("console/person_new.html", {"roles": _options(visit, SEAT_ROLES)})

    @page(blueprint, "/people/new", needs="seat_person", post=True, entry="people")
    def seat_person(visit: Visit) -> HtmlPage | Done:
        form = visit.form
        name, login = form.get("name", "").strip() or None, form.get("login", "").strip().lower()
        body = {"login": login, "role": form.get("role", ""), "name": name}
        made = visit.call("seat_person", body=body)
        if made["password"] is None:
            return Done(visit.url("people"), Text("{name} may sign in to this program.", name=made["name"]))
        return HtmlPage("console/secret_once.html", {"made": made, "secret": made["password"], "is_person": True})


def key_pages(blueprint: Blueprint) -> None:
    """Adds the pages of keys, a person's seat among them."""

    @page(blueprint, "/keys", needs="list_keys", entry="people")
    def api_keys(visit: Visit) -> HtmlPage:
        return HtmlPage("console/keys.html", {"list": list_view(visit, _keys(visit))})

    @page(blueprint, "/keys/new", needs="create_key", entry="people")
    def key_draft(visit: Visit) -> HtmlPage:
        return HtmlPage("console/key_new.html", {"roles": _options(visit, KEY_ROLES), "scopes": SCOPES["admin"]})

    @page(blueprint, "/keys/new", needs="create_key", post=True, entry="people")
    def make_key(visit: Visit) -> HtmlPage:
        form = visit.form
        body: dict[str, Any] = {name: form.get(name, "").strip() or None for name in ("shop_id", "owner")}
        body |= {"role": form.get("role", ""), "name": form.get("name", "").strip()}
        body |= {"scopes": form.getlist("scope") or None}
        made = visit.call("create_key", body=body)
        return HtmlPage("console/secret_once.html", {"made": made, "secret": made["key"], "is_person": False})

    @page(blueprint, "/keys/<id:key_id>", needs="get_key", entry="people")
    def api_key(visit: Visit, key_id: str) -> HtmlPage:
        known = visit.call("get_key", key_id=key_id)
        language = visit.reader.language
        values = {
            "key": known,
            "state": state_badge(KEY_STATES, known["state"], language),
            "role": role_words(visit, known["role"]),
            "waits": known["state"] == "active" and not known["may_confirm"] and _could_confirm(known),
            "is_mine": is_own(visit, known["made_by"]) or is_own(visit, key_id),
            "names": names_of(visit, [known[name] for name in ("made_by", "approved_by", "ended_by")]),
            "word": known["owner"] if known["is_seat"] else known["name"],
            "link_minutes": LINK_MINUTES,
        }
        return HtmlPage("console/key.html", values)

    @page(blueprint, "/keys/<id:key_id>/approve", needs="approve_key", post=True, entry="people")
    def approve_key(visit: Visit, key_id: str) -> Done:
        known = visit.call("approve_key", key_id=key_id)
        words = Text("{name} may confirm money now.", name=known["owner"])
        return Done(visit.url("api_key", key_id=key_id), words)

    @page(blueprint, "/people/<id:key_id>/password-link", needs="create_password_link", post=True, entry="people")
    def make_password_link(visit: Visit, key_id: str) -> HtmlPage:
        made = visit.call("create_password_link", key_id=key_id)
        return HtmlPage("console/password_link.html", {"made": made, "until": visit.reader.time(made["expires_at"])})

    @page(blueprint, "/keys/<id:key_id>/end", needs="revoke_key", post=True, entry="people")
    def end_key(visit: Visit, key_id: str) -> Done:
        known = visit.call("get_key", key_id=key_id)
        wanted = known["owner"] if known["is_seat"] else known["name"]
        check_typed(visit, wanted)
        visit.call("revoke_key", key_id=key_id)
        address = visit.url("people" if known["is_seat"] else "api_keys")
        return Done(address, Text("{id} has ended.", "key", id=wanted))


def role_words(visit: Visit, role: str) -> str:
    """A role in words."""
    return visit.say(ROLES[role]) if role in ROLES else role


def _options(visit: Visit, roles: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(role, role_words(visit, role)) for role in roles]


def _could_confirm(known: Mapping[str, Any]) -> bool:
    return not {"confirm", "keys"}.isdisjoint(known["scopes"] or SCOPES[known["role"]])


def money_words(visit: Visit, known: Mapping[str, Any]) -> Markup | str:
    """Whether a key or a seat may confirm money, or when it may."""
    if known["may_confirm"]:
        return Markup("<span>{} {}</span>").format(icon("check"), visit.say(Text("yes", "confirms")))
    if known["state"] != "active" or not _could_confirm({"scopes": None, **known}):
        return "–"
    if known["confirms_from"] is not None:
        return visit.say(Text("from {time}", time=visit.reader.time(known["confirms_from"])))
    return visit.say(Text("once another admin approves it"))


def _people(visit: Visit) -> ListSpec:
    names = seat_names(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        address = visit.url("api_key", key_id=row["id"])
        return {
            "name": linked(row["name"], address),
            "login": id_cell(visit, row["login"]),
            "role": role_words(visit, row["role"]),
            "state": state_badge(KEY_STATES, row["state"], visit.reader.language),
            "money": money_words(visit, row),
            "made_by": names.get(row["made_by"], row["made_by"] or ""),
            "created_at": visit.reader.time(row["created_at"]),
            "ended": visit.reader.time(row["revoked_at"]),
            "open": linked(visit.say(Text("Approve or end")), address) if row["state"] == "active" else "",
        }

    return ListSpec(
        name="people",
        endpoint="people",
        operation="list_people",
        columns=_PEOPLE,
        cells=cells,
        tabs=(ListTab(Text("All"), ""), ListTab(Text("In now"), "active"), ListTab(Text("Ended", "people"), "ended")),
        tab_parameter="state",
        empty=(Text("Nobody signs in to this program"), Text("Let somebody in by a login and a role.")),
    )


def _keys(visit: Visit) -> ListSpec:
    names = seat_names(visit)

    def cells(row: Mapping[str, Any]) -> dict[str, Any]:
        address = visit.url("api_key", key_id=row["id"])
        return {
            "name": linked(row["name"], address),
            "id": id_cell(visit, row["id"]),
            "role": role_words(visit, row["role"]) + (f" · {row['shop_id']}" if row["shop_id"] else ""),
            "owner": row["owner"],
            "state": state_badge(KEY_STATES, row["state"], visit.reader.language),
            "money": money_words(visit, row),
            "used": visit.reader.time(row["last_used_at"]) or ("" if row["is_seat"] else visit.say(Text("never"))),
            "made_by": names.get(row["made_by"], row["made_by"] or ""),
            "created_at": visit.reader.time(row["created_at"]),
            "open": visit.say(Text("a person's seat")) if row["is_seat"] else "",
        }

    return ListSpec(
        name="keys",
        endpoint="api_keys",
        operation="list_keys",
        columns=_KEYS,
        cells=cells,
        empty=(Text("No keys yet"), Text("A key lets a machine call the API.")),
    )
