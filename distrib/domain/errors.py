"""Every refusal distrib can answer with: its stable code, HTTP status and text.

One table, so that the API, the command line and the inbox say the same word for the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distrib.domain.texts import Text, Wording


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where (a JSON pointer or path) and what."""

    pointer: str
    detail: Wording


class CannotStart(Exception):
    """What keeps a command or a process from its work and is no mistake in an input: one message, in one line."""

    def __init__(self, text: Text) -> None:
        """Keep what is said."""
        self.text = text
        super().__init__(str(text))


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal code means: HTTP status, and the message that the catalogues know."""

    status: int
    message: str
    of_order: Text | None = None
    """The message where no line is named."""


CODES: dict[str, Code] = {
    "bad_request": Code(400, "The request is not usable."),
    "not_json": Code(400, "The body is not JSON: {reason}"),
    "unauthorized": Code(401, "A valid API key is needed."),
    "key_expired": Code(401, "The key ended at {expires_at}."),
    "signature_missing": Code(401, "Posts of this key must be signed; missing: {headers}."),
    "signature_expired": Code(401, "webhook-timestamp is not within {minutes} minutes of now."),
    "signature_wrong": Code(401, "webhook-signature does not fit webhook-id, webhook-timestamp and the body."),
    "forbidden": Code(403, "The key's role may not do this."),
    "scope_missing": Code(403, "The key's scopes do not reach this: it takes {scope}."),
    "metrics_closed": Code(
        403, "The figures are for this machine alone, or for the key that DISTRIB_METRICS_KEY sets."
    ),
    "not_found": Code(404, "There is no such thing here."),
    "method_not_allowed": Code(405, "The method is not allowed here."),
    "not_acceptable": Code(406, "No acceptable representation."),
    "request_timeout": Code(408, "The request did not come in time."),
    "id_conflict": Code(409, "The id {id} is known with other content."),
    "conflict": Code(409, "The request conflicts with the present state."),
    "same_key": Code(409, "A second person's key is needed."),
    "same_person": Code(409, "A second person is needed: both keys are of one, or one of them made the other."),
    "proposer_revoked": Code(409, "The key that proposed this has ended; it has to be proposed again."),
    "key_not_approved": Code(409, "The key was made over the API and may not confirm money yet."),
    "too_large": Code(413, "The request is larger than {limit}."),
    "uri_too_long": Code(414, "The request line is too long."),
    "unsupported_media_type": Code(415, "Send {expected}."),
    "invalid": Code(422, "The input does not fit."),
    "too_many_requests": Code(429, "Too many requests; the next may come in {seconds} s."),
    "too_many_bad_keys": Code(429, "Too many calls with keys that are not good; try again in {seconds} s."),
    "too_many_values": Code(422, "The body holds more than {most} values."),
    "headers_too_large": Code(431, "The headers are too large."),
    "internal": Code(500, "Something went wrong on our side."),
    "unavailable": Code(503, "Try again in a moment."),
    "program_busy": Code(503, "The program has as many calls under way as it may have; try again in a moment."),
    "backlog_full": Code(503, "As much of the program waits to be settled as may wait; try again in {seconds} s."),
    "idempotency_key_reused": Code(422, "The Idempotency-Key was used with other content."),
    # programs and keys
    "program_exists": Code(409, "The program {code} exists with other settings."),
    "program_unknown": Code(404, "There is no program {code}."),
    "program_not_named": Code(422, "Name one program with --program: {programs}."),
    "no_program": Code(404, "There is no program yet; open one with `distrib program create`."),
    "policy_unknown": Code(422, "There is no policy pack {policy}."),
    "time_zone_unknown": Code(422, "There is no time zone {time_zone}."),
    "time_zone_fixed": Code(409, "The time zone is fixed once there are events."),
    "own_key": Code(409, "A key cannot change what it is itself; another admin has to."),
    "last_admin": Code(409, "{id} is the last admin who can make keys: let in another first."),
    "key_is_seat": Code(409, "{id} is what a person may who signs in: it has no secret, and its owner is the person."),
    "form_expired": Code(400, "The form is no longer good; load the page again and send it once more."),
    "sign_in_failed": Code(401, "The login or the password is not right."),
    "too_many_sign_ins": Code(429, "Too many tries; try again in {seconds} s."),
    "person_known": Code(409, "There is a person with the login {login} already."),
    "person_unknown": Code(404, "Nobody has the login {login}."),
    "person_seated": Code(409, "{login} has a seat in the program already."),
    "person_elsewhere": Code(
        409, "{login} has a seat in another program, too; who runs the service gives a new password there."
    ),
    "subject_bound": Code(409, "{login} or {subject} is bound already, and not to each other; unbind first."),
    "subject_unknown": Code(
        403, "Nobody here is {subject} of {provider}; who runs this service binds it to a login (distrib person bind)."
    ),
    "provider_refused": Code(401, "The sign-in at {provider} did not come to its end; begin it again."),
    "provider_unreachable": Code(503, "{provider} does not answer; try again in a moment, or use the password."),
    "password_link_over": Code(
        410, "The link is over, or was used before; ask an admin of your program for another one."
    ),
    "key_ended": Code(409, "The key {id} has ended."),
    "rotation_open": Code(409, "The key {id} has two secrets until {until}; finish that rotation first."),
    "key_approval_loosened": Code(409, "Only the command line lets keys confirm money sooner or with fewer people."),
    "currency_unknown": Code(422, "{currency} is not an ISO 4217 currency."),
    # shops
    "shop_unknown": Code(404, "There is no shop {id}."),
    "sponsor_unknown": Code(422, "The sponsor {sponsor} is not known."),
    "sponsor_is_self": Code(422, "A shop cannot sponsor itself."),
    "sponsor_cycle": Code(422, "That would close a loop in the referral tree."),
    "sponsor_not_active": Code(422, "The sponsor {sponsor} is closed."),
    "sponsor_and_invite_code": Code(422, "Give sponsor_id or invite_code, not both."),
    "sponsor_required": Code(422, "A sponsor is needed to join."),
    "identity_required": Code(422, "An identity is needed to join."),
    "identity_used": Code(409, "The identity belongs to another shop."),
    "tree_too_deep": Code(422, "Level {level} is below the policy's {max_levels} levels."),
    "move_too_early": Code(422, "Not before the shop's last move or its joining."),
    "before_joining": Code(422, "Not before the shop's joining."),
    "rank_unknown": Code(422, "The plan has no rank {rank}."),
    # customers
    "customer_unknown": Code(404, "Nothing is known of the customer {id}."),
    "binding_shop_unknown": Code(422, "There is no shop {id} to name."),
    "customer_merged_into_itself": Code(422, "The customer {id} cannot be merged into itself."),
    "merge_customer_unknown": Code(422, "Nothing is known of the customer {id}, into whom another is to be merged."),
    "customer_merged": Code(409, "The customer {id} was merged into {into}."),
    "person_too_large": Code(422, "The customer {id} would be more than {most} customers in one."),
    "bound_in_future": Code(422, "bound_at lies more than five minutes ahead."),
    "shop_not_inviting": Code(409, "The shop {id} is {state}: it invites nobody."),
    "shop_gone": Code(409, "The shop {id} is {state}: nobody acts for it any more."),
    "session_over": Code(401, "The link or session is over, or was used before; the platform's app gives another one."),
    "subtree_too_large": Code(422, "The tree below holds more than {most} shops; ask for fewer levels."),
    "sort_not_kept": Code(422, "The open month {period} of this program is not kept in order: sort by shop."),
    "list_too_wide": Code(
        422, "Many shops fit each of {filters}, and few of them all: name joined_from, joined_to or both more narrowly."
    ),
    # plans
    "plan_invalid": Code(422, "The plan has problems."),
    "plan_unknown": Code(404, "There is no plan {code} version {version}."),
    "plan_refused": Code(422, "The policy pack refuses the plan."),
    "sign_off_required": Code(422, "A named person's sign-off is needed (signed_off_by)."),
    "plan_published": Code(409, "The version is published with another effective_from."),
    "effective_from_taken": Code(409, "Another version takes effect at that very instant."),
    "orders_worked_on": Code(422, "Orders paid at or after effective_from have been worked on."),
    "rank_map_required": Code(422, "Shops hold ranks that the plan drops: {ranks}."),
    "plan_currency": Code(422, "The plan's currency is not the program's."),
    # simulations
    "simulation_unknown": Code(404, "There is no simulation {id}."),
    "simulation_ended": Code(409, "The simulation {id} has ended."),
    "simulation_not_done": Code(409, "The simulation {id} is not done."),
    "simulation_given_up": Code(500, "The simulation ended its worker time and again, and was given up."),
    "history_unreadable": Code(422, "The history cannot be read."),
    "history_unwritable": Code(500, "The history cannot be written: {reason}"),
    "history_busy": Code(409, "Another export is writing to {directory}."),
    "history_of_another": Code(409, "{directory} holds the history of the program {code}."),
    "history_worker_lost": Code(500, "A process ended in the middle of its work; nothing is lost: start again."),
    "history_too_little": Code(422, "Files of history do not tell what is asked."),
    "simulations_waiting": Code(409, "{most} simulations wait already; cancel one, or wait for one to end."),
    # events, refused when they are posted or when they are applied
    "order_conflict": Code(409, "The order is known with other content."),
    "order_unknown": Code(404, "There is no order {id}."),
    "event_unknown": Code(404, "There is no event {id}."),
    "event_not_failed": Code(409, "Only a failed event can be retried."),
    "refund_exceeds": Code(
        422,
        "Line {line}: {amount} is more than the {left} left.",
        Text("{amount} is more than the {left} left of the order."),
    ),
    "refund_ambiguous": Code(422, "Refunds of several orders are called {id}: name the order_id."),
    "refund_undone": Code(409, "The refund {id} was undone before: refund again under another id."),
    "refund_conflict": Code(409, "The refund {id} is known with other content."),
    "line_unknown": Code(422, "The order has no line {line}."),
    "currency_mismatch": Code(422, "The order is in {currency}, the plan in {expected}."),
    "no_plan": Code(422, "No plan was in force at {paid_at}."),
    "cost_missing": Code(422, "Line {line} has no cost_minor."),
    "commission_too_large": Code(422, "The rule {rule} comes to more than {most} minor units on a line."),
    "customer_missing": Code(422, "The rule {rule} is capped by customer, and the order names none."),
    "poison": Code(422, "The event could not be worked on: {reason}"),
    "group_conflict": Code(409, "The group {id} has been decided the other way."),
    "waits_for_order": Code(202, "Waits for the order {id}."),
    "waits_for_refund": Code(202, "Waits for the refund {id}."),
    "waits_for_shop": Code(202, "Waits for the shop {id}."),
    "waits_for_group": Code(202, "Waits for the group {id} to succeed."),
    "period_invalid": Code(422, "{period} is not a month like 2026-03."),
    # periods, closes, adjustments, pools, files
    "period_not_over": Code(409, "{period} is not over yet."),
    "period_closed": Code(409, "{period} is closed."),
    "close_in_sequence": Code(409, "Periods close in sequence: {next} comes next."),
    "events_pending": Code(409, "{events} accepted events of the period or before are still to be worked on."),
    "evaluation_in_sequence": Code(409, "Months are evaluated in sequence: {next} comes next."),
    "close_not_proposed": Code(409, "Nobody has proposed to close {period}."),
    "close_changed": Code(409, "The figures have changed since they were proposed; propose again."),
    "effective_from_closed": Code(422, "effective_from lies in a closed period, {period}."),
    "adjustment_unknown": Code(404, "There is no adjustment {id}."),
    # compliance
    "case_unknown": Code(404, "There is no case {number}."),
    "case_open": Code(409, "A case about {subject} is open."),
    "case_decided": Code(409, "The case is {state}: {decision} does not go with that."),
    "organiser_unknown": Code(404, "No shop names the organiser {id}."),
    "penalty_unknown": Code(404, "There is no penalty {id}."),
    "penalty_withdrawn": Code(409, "The penalty {id} was withdrawn for another reason."),
    "policy_loosened": Code(422, "The override loosens the pack and needs a named sign-off: {figures}."),
    # webhooks and the ledger
    "webhook_disabled": Code(409, "The webhook {id} is disabled; enable it first."),
    "account_unknown": Code(404, "There is no account {id}."),
    # payees and payouts
    "payee_missing": Code(404, "The shop {id} has no payee."),
    "change_unknown": Code(404, "No change waits."),
    "change_in_force": Code(409, "The change is in force: propose another one."),
    "payee_in_payout": Code(409, "A payout to this payee is under way; wait for its result or cancel it."),
    "payout_unknown": Code(404, "There is no payout {id}."),
    "payout_not_approved": Code(409, "The payout {id} is not approved."),
    "payout_approved": Code(409, "The payout {id} is approved."),
    "payout_cancelled": Code(409, "The payout {id} is cancelled."),
    "line_unknown_in_payout": Code(422, "The payout has no line for the shop {id}."),
    "detail_unknown_in_payout": Code(422, "The payout has no line {detail}."),
    "detail_of_other_shop": Code(422, "The line {detail} is not that of the shop {id}."),
    "line_ambiguous": Code(422, "The payout has a line for {id} and for {other}: name the line by its detail_no."),
    "result_conflict": Code(409, "The line of the shop {id} has another result."),
    "line_not_paid": Code(409, "The line of the shop {id} is not paid, so nothing of it can come back."),
    "channel_without_returns": Code(422, "What the channel {channel} has paid never comes back."),
    "paid_on_in_future": Code(422, "{day} is yet to come; the last day there can be is {last}."),
    "paid_on_before_approval": Code(422, "{day} is before the approval; the first day there can be is {first}."),
    "paid_on_before_payment": Code(422, "{day} is before the payment; the first day there can be is {first}."),
    "paid_on_closed": Code(409, "{day} is in a closed period; the first day there can be is {first}."),
    "channel_unknown": Code(422, "There is no channel {channel} then."),
    "channel_currency": Code(422, "The channel {channel} takes {currency} only."),
    "channel_unfit": Code(422, "Lines do not fit the channel {channel}."),
    "account_missing": Code(422, "The payee has no account with the channel."),
    "below_channel_minimum": Code(422, "The amount is below the channel's least."),
    "above_channel_maximum": Code(422, "The amount is above the channel's most."),
    "below_minimum": Code(422, "The amount is below the payout's least."),
    "exceeds_available": Code(422, "The amount is more than is available: {available_minor}."),
    "nothing_available": Code(422, "Nothing of the shop {id} is available."),
    "shop_frozen": Code(422, "The shop {id} is frozen."),
    "shop_closed": Code(422, "The shop {id} is closed; its last money is a closing payment."),
    "shop_not_closed": Code(409, "The shop {id} is not closed."),
    "closing_payment_unknown": Code(404, "There is no closing payment of the shop {id}."),
    "closing_payment_open": Code(409, "The closing payment {payout} of the shop {id} waits for a second person."),
    "withdrawals_off": Code(422, "The program takes no withdrawals."),
    "commission_unknown": Code(404, "There is no commission {id}."),
    "question_unknown": Code(404, "There is no question {id}."),
    "question_decided": Code(409, "The question {id} is {state}."),
    "questions_waiting": Code(409, "{most} questions of the shop wait for an answer; ask again once one has it."),
    "task_unknown": Code(404, "There is no task {id}."),
    "task_ended": Code(409, "The task {id} has ended."),
    "tasks_waiting": Code(409, "{most} of your tasks have not ended; start another once one has."),
    "task_has_no_file": Code(404, "The task {id} has no file, or has it no more."),
    "task_given_up": Code(503, "It was begun {attempts} times and came to no end; start it again."),
    "withdrawal_unknown": Code(404, "There is no withdrawal {id}."),
    "withdrawal_decided": Code(409, "The withdrawal {id} is {state}."),
    "withdrawal_below_least": Code(422, "A withdrawal is at least {least_minor}."),
    "withdrawal_above_most": Code(422, "A withdrawal is at most {most_minor}."),
    "withdrawals_used_today": Code(422, "The withdrawals of this day are used up: {most}."),
    "withdrawals_used_this_month": Code(422, "The withdrawals of this month are used up: {most}."),
    "withholding_currency": Code(422, "The withholding {withholding} goes with {currency} only."),
    "part_unknown": Code(404, "The file has {parts} parts."),
    "import_refused": Code(422, "{rows} rows were refused."),
}


def title_of(code: str) -> Text:
    """Puts a code into words: the same for every occurrence, as RFC 9457 asks of a title.

    >>> str(title_of("sponsor_unknown"))
    'Sponsor unknown'
    """
    return Text(code.replace("_", " ").capitalize(), "title")


class Refusal(Exception):
    """A business refusal, named by a code of ``CODES``.

    Args:
        code: a key of ``CODES``.
        problems: every single thing that is wrong, where there are several.
        params: what fills the braces of the code's message.
    """

    def __init__(self, code: str, /, problems: Sequence[Problem] = (), **params: object) -> None:
        self.code = code
        self.problems = tuple(problems)
        self.params = params
        super().__init__(str(self.text))

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return CODES[self.code].status

    @property
    def text(self) -> Text:
        """What happened."""
        code = CODES[self.code]
        if code.of_order is not None and "line" not in self.params:
            return Text(code.of_order.message, **self.params)
        return Text(code.message, **self.params)
