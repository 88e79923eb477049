"""Use-cases: what distrib does, in terms of domain and store; one room a noun.

Where to begin: a refund is computed in ``settlement`` (``drain`` applies events, ``distrib.domain.orders.refunds`` says
what comes back), a payout is approved in ``payouts.batches``, a rank is lost in ``ranks.evaluation``, a month closes in
``statements.closing``, a tree is judged in ``compliance.monitors``.

A service takes a connection inside a transaction, the program and a clock reading; it never commits and never asks the
time.
"""
