"""The monthly evaluations of ranks; the ranks of a shop stand with the shops."""

from __future__ import annotations

from distrib.api.calls.operations import Call, Resource
from distrib.api.http.answers import Answer
from distrib.api.schemas.lists import PageQuerySchema
from distrib.api.schemas.ranks import EvaluationsPageSchema
from distrib.services.ranks import evaluation as service

ranks = Resource("ranks", "Ranks 等级 and their monthly evaluation 月度考核")


@ranks.operation("GET", "/ranks/evaluations", {200: EvaluationsPageSchema}, query=PageQuerySchema)
def list_evaluations(call: Call) -> Answer:
    """The months that were evaluated, newest first, and what each came to; the reasons stand with the shops."""
    listing = call.listing("evaluations")
    after = listing.place(call.query["cursor"])
    rows, follows = service.list_evaluations(call.conn, call.program, after, call.query["limit"])
    return Answer(listing.page([service.evaluation_view(call.program, row) for row in rows], follows))
