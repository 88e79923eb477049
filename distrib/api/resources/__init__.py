"""One module per noun: who may call it, what it takes, which service answers. No rule of the trade may enter."""

from distrib.api.resources.adjustments import adjustments
from distrib.api.resources.commissions import commissions
from distrib.api.resources.compliance import compliance
from distrib.api.resources.customers import customers
from distrib.api.resources.events import events
from distrib.api.resources.held_changes import held_changes
from distrib.api.resources.inbox import inbox
from distrib.api.resources.keys import keys
from distrib.api.resources.ledger import ledger
from distrib.api.resources.orders import orders
from distrib.api.resources.payouts import payouts
from distrib.api.resources.penalties import penalties
from distrib.api.resources.people import people
from distrib.api.resources.plans import plans
from distrib.api.resources.program import program
from distrib.api.resources.questions import questions
from distrib.api.resources.ranks import ranks
from distrib.api.resources.sharing import sharing
from distrib.api.resources.shop_lists import shop_lists
from distrib.api.resources.shop_months import shop_months
from distrib.api.resources.shop_sessions import shop_sessions
from distrib.api.resources.shops import shops
from distrib.api.resources.simulations import simulations
from distrib.api.resources.statements import statements
from distrib.api.resources.tasks import tasks
from distrib.api.resources.trail import trail
from distrib.api.resources.webhooks import webhooks
from distrib.api.resources.withdrawals import withdrawals

RESOURCES = (
    program,
    keys,
    people,
    plans,
    simulations,
    shops,
    shop_lists,
    customers,
    shop_months,
    shop_sessions,
    events,
    orders,
    commissions,
    statements,
    ranks,
    adjustments,
    ledger,
    payouts,
    withdrawals,
    questions,
    compliance,
    penalties,
    webhooks,
    sharing,
    held_changes,
    inbox,
    tasks,
    trail,
)
