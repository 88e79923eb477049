"""Puts the console's pages together: their routes, their templates and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from distrib.console.frame import answer_refusal
from distrib.console.landing import show_landing
from distrib.console.pages.orders import order_pages
from distrib.console.pages.overview import overview_pages
from distrib.console.pages.questions import question_pages
from distrib.console.people import check_form, people_pages, serve_people
from distrib.console.plans.page import PlanPage
from distrib.domain.policies.policy import Policy

PAGES: Sequence[Callable[[Blueprint], None]] = (people_pages, overview_pages, order_pages, question_pages)
"""What adds the pages of each noun."""
OPEN = frozenset({"show_plan", "check_plan", "check_plan_result", "plan_schema", "show_landing", "static"})
"""Pages that know nobody: the sample plan page and the first one."""
KEPT_SECONDS = 7 * 24 * 3600


def console_blueprint(policies: Mapping[str, Policy], samples: Mapping[str, str]) -> Blueprint:
    """``/``, the pages under ``/console`` and the files that they need.

    Args:
        policies: the policy packs by name.
        samples: the texts of sample plans by name.
    """
    blueprint = Blueprint(
        "console", __name__, static_folder="static", static_url_path="/console/static", template_folder="templates"
    )
    blueprint.add_url_rule("/", view_func=show_landing)
    PlanPage(policies, samples).register(blueprint)
    for add_pages in PAGES:
        add_pages(blueprint)
    return blueprint


def serve_console(app: Flask, policies: Mapping[str, Policy], samples: Mapping[str, str]) -> None:
    """Gives the app the console: its pages, who is signed in, and forms that only its own pages send."""
    csrf = serve_people(app)
    blueprint = console_blueprint(policies, samples)
    blueprint.before_request(lambda: _before(csrf))
    blueprint.after_request(_after)
    app.register_blueprint(blueprint)


def _before(csrf: CSRFProtect) -> Response | None:
    return None if _endpoint() in OPEN else check_form(csrf)


def _after(response: Response) -> Response:
    if _endpoint() == "static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    return response


def _endpoint() -> str:
    return (request.endpoint or "").rpartition(".")[2]


def is_console(path: str) -> bool:
    """Whether a path is one of the console, whose problems people read.

    >>> is_console("/console/tea/orders"), is_console("/consoles"), is_console("/v1/orders")
    (True, False, False)
    """
    return path == "/console" or path.startswith("/console/")


__all__ = ["answer_refusal", "console_blueprint", "is_console", "serve_console"]
