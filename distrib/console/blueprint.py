"""Puts the console's pages together: their routes, their templates and their files."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from distrib.console.landing import show_landing
from distrib.console.plans.page import PlanPage
from distrib.domain.policies.policy import Policy


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
    return blueprint
