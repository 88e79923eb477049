"""The whole table of codes: every room of refusals is read here, so that none is missing from what is described.

What is refused, and how it is said, is theirs.
"""

from __future__ import annotations

from distrib.api.http import refusals as of_http
from distrib.domain import refusals as of_no_noun
from distrib.domain.errors import CODES
from distrib.domain.network import refusals as of_network
from distrib.domain.orders import refusals as of_orders
from distrib.domain.payouts import refusals as of_payouts
from distrib.domain.plans import refusals as of_plans
from distrib.domain.policies import refusals as of_policies
from distrib.domain.settlement import refusals as of_settlement
from distrib.services import refusals as of_services
from distrib.services.compliance import refusals as of_compliance
from distrib.services.customers import refusals as of_customers
from distrib.services.history import refusals as of_history
from distrib.services.ledger import refusals as of_ledger
from distrib.services.people import refusals as of_people
from distrib.services.programs import refusals as of_programs
from distrib.services.sharing import refusals as of_sharing
from distrib.services.simulations import refusals as of_simulations
from distrib.services.statements import refusals as of_statements
from distrib.services.webhooks import refusals as of_webhooks

__all__ = ["CODES", "ROOMS"]

ROOMS = (
    of_compliance,
    of_customers,
    of_history,
    of_http,
    of_ledger,
    of_network,
    of_no_noun,
    of_orders,
    of_payouts,
    of_people,
    of_plans,
    of_policies,
    of_programs,
    of_services,
    of_settlement,
    of_sharing,
    of_simulations,
    of_statements,
    of_webhooks,
)
