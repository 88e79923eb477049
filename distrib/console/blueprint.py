"""Puts the console's pages together: their routes, their templates and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect

from distrib.console.frame import answer_refusal, signed_in_person
from distrib.console.landing import show_favicon, show_landing
from distrib.console.new_password import new_password_pages
from distrib.console.pages.adjustments import adjustment_pages
from distrib.console.pages.cases import case_pages, penalty_pages
from distrib.console.pages.commissions import commission_pages
from distrib.console.pages.compliance import compliance_pages
from distrib.console.pages.events import event_pages
from distrib.console.pages.inbox import inbox_pages
from distrib.console.pages.month_close import close_pages
from distrib.console.pages.network import network_pages
from distrib.console.pages.operations import change_pages, operation_pages
from distrib.console.pages.orders import order_pages
from distrib.console.pages.overview import overview_pages
from distrib.console.pages.payout_decisions import decision_pages
from distrib.console.pages.payout_results import result_pages
from distrib.console.pages.payouts import payout_pages
from distrib.console.pages.people import key_pages, seat_pages
from distrib.console.pages.plans import plan_pages
from distrib.console.pages.questions import question_pages
from distrib.console.pages.rank_lists import rank_list_pages
from distrib.console.pages.ranks import rank_pages
from distrib.console.pages.search import search_pages
from distrib.console.pages.shop import shop_pages
from distrib.console.pages.shop_actions import shop_action_pages
from distrib.console.pages.shops import shops_pages
from distrib.console.pages.statements import statement_pages
from distrib.console.pages.tasks import task_pages
from distrib.console.pages.webhooks import delivery_pages, webhook_pages
from distrib.console.pages.withdrawals import withdrawal_pages
from distrib.console.pages.workers import worker_pages
from distrib.console.people import check_form, people_pages, serve_people
from distrib.console.plans.page import PlanPage
from distrib.console.provider_sign_in import provider_pages
from distrib.domain.policies.policy import Policy

PAGES: Sequence[Callable[[Blueprint], None]] = (
    people_pages,
    provider_pages,
    new_password_pages,
    overview_pages,
    search_pages,
    plan_pages,
    compliance_pages,
    case_pages,
    penalty_pages,
    operation_pages,
    worker_pages,
    webhook_pages,
    delivery_pages,
    change_pages,
    seat_pages,
    key_pages,
    inbox_pages,
    shops_pages,
    shop_pages,
    shop_action_pages,
    network_pages,
    order_pages,
    question_pages,
    commission_pages,
    event_pages,
    rank_pages,
    rank_list_pages,
    statement_pages,
    close_pages,
    payout_pages,
    decision_pages,
    result_pages,
    withdrawal_pages,
    adjustment_pages,
    task_pages,
)
"""What adds the pages of each noun."""
OPEN = frozenset(
    {"show_plan", "check_plan", "check_plan_result", "plan_schema", "show_landing", "show_favicon", "static"}
)
"""Pages that know nobody: the sample plan page and the first one."""
LARGE_FORMS: Mapping[str, int] = {"console.payout_results": 4 * 2**20}
"""Forms that carry a file, with how many bytes they may have when somebody sends them who is signed in."""
KEPT_SECONDS = 7 * 24 * 3600


def console_blueprint(
    policies: Mapping[str, Policy],
    samples: Mapping[str, str],
    pages: Sequence[Callable[[Blueprint], None]] = (),
) -> Blueprint:
    """``/``, the public pages under ``/console``, the files that they need, and more pages.

    Args:
        policies: the policy packs by name.
        samples: the texts of sample plans by name.
        pages: what adds the pages of people who sign in.
    """
    blueprint = Blueprint(
        "console", __name__, static_folder="static", static_url_path="/console/static", template_folder="templates"
    )
    blueprint.add_url_rule("/", view_func=show_landing)
    blueprint.add_url_rule("/favicon.ico", view_func=show_favicon)
    PlanPage(policies, samples).register(blueprint)
    for add_pages in pages:
        add_pages(blueprint)
    return blueprint


def serve_console(app: Flask, policies: Mapping[str, Policy], samples: Mapping[str, str]) -> None:
    """Gives the app the console: its pages, who is signed in, and forms that only its own pages send."""
    csrf = serve_people(app)
    blueprint = console_blueprint(policies, samples, PAGES)
    blueprint.before_request(lambda: _before(csrf))
    blueprint.after_request(_after)
    app.register_blueprint(blueprint)


def _before(csrf: CSRFProtect) -> Response | None:
    return None if _endpoint() in OPEN else check_form(csrf)


def _after(response: Response) -> Response:
    if "most_form_bytes" in g:
        request.close()  # what was sent lies in files
    if _endpoint() == "static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    return response


def _endpoint() -> str:
    return (request.endpoint or "").rpartition(".")[2]


def most_form_bytes(least: int) -> int:
    """How long the form of this request may be: ``least``, or more where who is signed in sends a file."""
    most = LARGE_FORMS.get(request.endpoint or "", 0)
    if most <= least or request.method != "POST" or signed_in_person() is None:
        return least
    g.most_form_bytes = most
    return most


def is_console(path: str) -> bool:
    """Whether a path is one of the console, whose problems people read.

    >>> is_console("/console/tea/orders"), is_console("/consoles"), is_console("/v1/orders")
    (True, False, False)
    """
    return path == "/console" or path.startswith("/console/")


__all__ = ["answer_refusal", "console_blueprint", "is_console", "most_form_bytes", "serve_console"]
