"""Registers shops in the referral tree, one or a thousand at a time, in a handful of statements.

A shop that is refused is answered with its reason and touches no other. Shops that are in are moved by ``moves``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from distrib.domain.errors import Refusal
from distrib.domain.network.depth import SponsorLink, TreePosition, highest_level, resolve_position
from distrib.domain.network.graph import arrange
from distrib.domain.network.refusals import (
    IdentityRequired,
    IdentityUsed,
    SponsorAndInviteCode,
    SponsorCycle,
    SponsorIsSelf,
    SponsorNotActive,
    SponsorRequired,
    SponsorUnknown,
)
from distrib.domain.plans.plan import CHAIN_LENGTH
from distrib.domain.policies.policy import Policy
from distrib.domain.sharing import CODE_LENGTH, CODE_LETTERS
from distrib.services.compliance.registrations import note_registrations
from distrib.services.context import Program, Unit
from distrib.services.plans.versions import Timeline, load_timeline
from distrib.store.network import shops, tree
from distrib.store.network.shops import KnownShop, NewShop
from distrib.store.orders import inbox

ATTEMPTS = 5
JOINED = "joined"
DETACHED = "joined, detached"


@dataclass(frozen=True, slots=True)
class ShopDraft:
    """A registration as sent. ``invite_code`` is the sponsor's, in place of ``sponsor_id``."""

    id: str
    sponsor_id: str | None = None
    invite_code: str | None = None
    name: str | None = None
    joined_at: datetime | None = None
    identity: str | None = None
    attributes: Mapping[str, object] | None = None


class _HashedDraft(NamedTuple):
    """A draft with the hash kept in place of its identity, and the digest of its content."""

    draft: ShopDraft
    identity_hash: bytes | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of a draft: created, unchanged or refused, and then why."""

    id: str
    status: str
    refusal: Refusal | None = None

    @property
    def code(self) -> str | None:
        """Why it was refused, as a code."""
        return None if self.refusal is None else self.refusal.code


def register_shops(unit: Unit, policy: Policy, drafts: Sequence[ShopDraft], pepper: bytes) -> list[Registered]:
    """Registers shops and answers the outcome of each, in the order sent; one refusal touches no other.

    Sponsors may stand before or after those they brought. The same registration again is
    ``unchanged``; the same id with other content is refused as ``id_conflict``.
    """
    tree.lock_network(unit.conn, unit.program_id, exclusive=len(drafts) > 1)
    timeline = load_timeline(unit.conn, unit.program)
    hashed = [_hashed(draft, unit.program, pepper) for draft in drafts]
    for _ in range(ATTEMPTS):
        batch = _RegistrationBatch(unit, policy)
        results = batch.decide(hashed)
        if batch.write():
            tree.signal_ranks(unit.conn, unit.program_id, batch.signals(timeline))
            refused = {result.id: result.code for result in results if result.code is not None}
            note_registrations(unit, policy, batch.created, refused)
            if batch.created:  # in the registration's own transaction: there is no moment at which nothing is pending
                inbox.wake_for_shops(unit.conn, unit.program_id, [row.shop_id for row in batch.created])
            return results
    raise Refusal("conflict")


class _RegistrationBatch:
    """One attempt at registering the shops of a call, from what is known now."""

    def __init__(self, unit: Unit, policy: Policy) -> None:
        self._unit, self._policy = unit, policy
        self._known: dict[str, KnownShop] = {}
        self._by_code: dict[str, KnownShop] = {}
        self._identities: set[bytes] = set()
        self._links: dict[int, list[SponsorLink]] = {}
        self._below_own: dict[int, bool] = {}
        self._new: list[NewShop] = []

    def decide(self, sent: Sequence[_HashedDraft]) -> list[Registered]:
        """Decides the outcome of each draft; those to be created are ready to be written."""
        self._load(sent)
        firsts: dict[str, _HashedDraft] = {}
        for entry in sent:
            firsts.setdefault(entry.draft.id, entry)
        refused = self._place({shop_id: entry for shop_id, entry in firsts.items() if shop_id not in self._known})
        created = {row.shop_id for row in self._new}
        results = []
        for entry in sent:
            is_created = entry.draft.id in created and firsts[entry.draft.id] is entry
            results.append(self._result(entry, is_created, refused))
        return results

    def write(self) -> bool:
        """Writes the new shops; False where another call has taken an id, identity or invite code meanwhile."""
        rows = sorted(self._new, key=lambda row: row.shop_no)
        return not rows or shops.insert_shops(
            self._unit.conn, self._unit.program_id, rows, self._unit.now, self._unit.actor.key_id
        )

    @property
    def created(self) -> Sequence[NewShop]:
        """The shops that were registered."""
        return self._new

    def signals(self, timeline: Timeline) -> list[tuple[date, int, datetime]]:
        """Lists the sponsors whose promotion is to be decided, as they gained a recruit."""
        day_of = self._unit.program.day_of
        return [
            (day_of(row.joined_at), row.sponsor_no, row.joined_at)
            for row in self._new
            if row.sponsor_no is not None and has_promotions(timeline, row.joined_at)
        ]

    def _load(self, sent: Sequence[_HashedDraft]) -> None:
        """Loads known shops and identities. Ids come last, so that whatever uses an identity is loaded, too."""
        program_id = self._unit.program_id
        identities = {entry.identity_hash for entry in sent if entry.identity_hash is not None}
        if identities:
            self._identities = shops.identities_used(self._unit.conn, program_id, identities)
        codes = {entry.draft.invite_code for entry in sent if entry.draft.invite_code is not None}
        if codes:
            self._by_code = shops.by_invite_codes(self._unit.conn, program_id, codes)
        named = {name for entry in sent for name in (entry.draft.id, entry.draft.sponsor_id) if name is not None}
        self._known = shops.by_ids(self._unit.conn, program_id, named)

    def _place(self, new: Mapping[str, _HashedDraft]) -> dict[str, Refusal]:
        """Places new shops in the tree, sponsors first; answers by shop why it is refused."""
        arrangement = arrange({shop_id: entry.draft.sponsor_id for shop_id, entry in new.items()})
        refused = {shop_id: _loop_refusal(loop) for loop in arrangement.loops for shop_id in loop}
        self._load_moves([entry.draft for entry in new.values()])
        numbers = iter(shops.next_numbers(self._unit.conn, len(new)))
        for shop_id in arrangement.order:
            if shop_id in refused:
                continue
            try:
                self._add(new[shop_id], next(numbers))
            except Refusal as refusal:
                refused[shop_id] = refusal
        return refused

    def _add(self, entry: _HashedDraft, number: int) -> None:
        draft = entry.draft
        self._check_draft(draft, entry.identity_hash)
        sponsor = self._sponsor(draft)
        row = self._row(entry, number, sponsor, draft.joined_at or self._unit.now)
        self._new.append(row)
        if entry.identity_hash is not None:
            self._identities.add(entry.identity_hash)
        self._links[number] = [SponsorLink(row.joined_at, row.sponsor_no)]
        self._known[draft.id] = _known(row)

    def _row(self, entry: _HashedDraft, number: int, sponsor: KnownShop | None, joined_at: datetime) -> NewShop:
        draft = entry.draft
        position = self._position(sponsor, joined_at)
        above = None if position.is_detached else sponsor
        return NewShop(
            shop_no=number,
            shop_id=draft.id,
            digest=entry.digest,
            name=draft.name,
            attributes=None if draft.attributes is None else json.dumps(draft.attributes, ensure_ascii=False),
            identity_hash=entry.identity_hash,
            invite_code=new_invite_code(),
            sponsor_no=None if above is None else above.shop_no,
            introduced_by_no=sponsor.shop_no if sponsor is not None and position.is_detached else None,
            uplines=() if above is None else (above.shop_no, *above.uplines)[:CHAIN_LENGTH],
            level=1 if above is None else above.level + 1,
            chain_since=joined_at if above is None else max(joined_at, above.chain_since),
            joined_at=joined_at,
            status="pending" if self._unit.program.admission == "review" else "active",
            reason=DETACHED if position.is_detached else JOINED,
            root_no=number if above is None else above.root_no,
        )

    def _check_draft(self, draft: ShopDraft, identity_hash: bytes | None) -> None:
        """Checks a draft against the program's rules of admission and identity."""
        has_sponsor = draft.sponsor_id is not None or draft.invite_code is not None
        if draft.sponsor_id is not None and draft.invite_code is not None:
            raise SponsorAndInviteCode()
        if self._unit.actor.role == "partner" and not has_sponsor:
            raise Refusal("forbidden")
        if self._unit.program.admission == "invite" and not has_sponsor:
            raise SponsorRequired()
        if self._unit.program.identity_required and identity_hash is None:
            raise IdentityRequired()
        if identity_hash in self._identities:
            raise IdentityUsed()

    def _sponsor(self, draft: ShopDraft) -> KnownShop | None:
        if draft.sponsor_id is None and draft.invite_code is None:
            return None
        if draft.sponsor_id is not None:
            sponsor = self._known.get(draft.sponsor_id)
        else:
            sponsor = self._by_code.get(draft.invite_code or "")
        if self._unit.actor.role == "partner" and (sponsor is None or not self._is_own(sponsor)):
            raise Refusal("forbidden")
        if sponsor is None:
            raise SponsorUnknown(sponsor=draft.sponsor_id or draft.invite_code or "")
        if sponsor.status == "closed" and sponsor.status_since <= self._unit.now:
            raise SponsorNotActive(sponsor=sponsor.shop_id)
        return sponsor

    def _may_repeat(self, draft: ShopDraft, shop: KnownShop) -> bool:
        """Whether the sender may know of a shop that is in: a partner, of those below its own or brought in by one."""
        if self._unit.actor.role != "partner" or self._is_own(shop):
            return True
        sponsor = self._known.get(draft.sponsor_id or "") or self._by_code.get(draft.invite_code or "")
        return sponsor is not None and self._is_own(sponsor)

    def _is_own(self, sponsor: KnownShop) -> bool:
        """Whether the sponsor is the partner's own shop or stands below it, however deep."""
        own = self._unit.actor.shop_no
        if own is None or own == sponsor.shop_no or own in sponsor.uplines or len(sponsor.uplines) < CHAIN_LENGTH:
            return own is not None and (own == sponsor.shop_no or own in sponsor.uplines)
        top = sponsor.uplines[-1]
        if top not in self._below_own:
            above = tree.uplines_at(self._unit.conn, self._unit.program_id, top, self._unit.now, tree.DEEPEST)
            self._below_own[top] = own in above
        return self._below_own[top]

    def _position(self, sponsor: KnownShop | None, joined_at: datetime) -> TreePosition:
        """Resolves the position of a new shop by the deepest level of its sponsor at any instant from then on."""
        policy = self._policy
        if sponsor is None or policy.max_tree_levels is None:
            return resolve_position(None if sponsor is None else sponsor.level, None, policy.on_excess)
        level = sponsor.level
        if joined_at < sponsor.chain_since:
            level = max(level, highest_level(self._links, sponsor.shop_no, joined_at))
        return resolve_position(level, policy.max_tree_levels, policy.on_excess)

    def _load_moves(self, drafts: Iterable[ShopDraft]) -> None:
        """Loads the dated links above sponsors that move, or join, after a shop they brought in."""
        if self._policy.max_tree_levels is None:
            return
        earliest = min((draft.joined_at or self._unit.now for draft in drafts), default=self._unit.now)
        sponsors = [*self._known.values(), *self._by_code.values()]
        late = sorted({shop.shop_no for shop in sponsors if shop.chain_since > earliest})
        if late:
            self._links = tree.links_above(self._unit.conn, self._unit.program_id, late, earliest)

    def _result(self, entry: _HashedDraft, is_created: bool, refused: Mapping[str, Refusal]) -> Registered:
        shop_id = entry.draft.id
        shop = self._known.get(shop_id)
        if shop is None:
            return Registered(shop_id, "refused", refused[shop_id])
        if not is_created and not self._may_repeat(entry.draft, shop):
            return Registered(shop_id, "refused", Refusal("forbidden"))
        if shop.digest != entry.digest:
            return Registered(shop_id, "refused", Refusal("id_conflict", id=shop_id))
        return Registered(shop_id, "created" if is_created else "unchanged")


def has_promotions(timeline: Timeline, instant: datetime) -> bool:
    """Whether the plan in force at an instant has ranks that can be earned."""
    entry = timeline.in_force(instant)
    return entry is not None and entry.plan.has_promotions


def new_invite_code() -> str:
    """Draws an invite code that cannot be guessed and is easy to read aloud."""
    number, letters = secrets.randbelow(len(CODE_LETTERS) ** CODE_LENGTH), []
    for _ in range(CODE_LENGTH):
        number, letter = divmod(number, len(CODE_LETTERS))
        letters.append(CODE_LETTERS[letter])
    return "".join(letters)


def identity_hash(pepper: bytes, program_code: str, identity: str) -> bytes:
    """Computes the keyed hash that stands for an identity within one program; the identity itself is never kept."""
    return hmac.digest(pepper, f"identity\0{program_code}\0{identity}".encode(), hashlib.sha256)


def _hashed(draft: ShopDraft, program: Program, pepper: bytes) -> _HashedDraft:
    hashed = None if draft.identity is None else identity_hash(pepper, program.code, draft.identity)
    return _HashedDraft(draft, hashed, _digest(draft, hashed))


def _known(row: NewShop) -> KnownShop:
    return KnownShop(
        shop_no=row.shop_no,
        shop_id=row.shop_id,
        digest=row.digest,
        uplines=row.uplines,
        level=row.level,
        chain_since=row.chain_since,
        status=row.status,
        status_since=row.joined_at,
        joined_at=row.joined_at,
        root_no=row.root_no,
    )


def _digest(draft: ShopDraft, identity: bytes | None) -> bytes:
    """Computes the digest of a registration's content: times as instants, absent as null."""
    content = (
        draft.id,
        draft.sponsor_id,
        draft.invite_code,
        draft.name,
        None if draft.joined_at is None else draft.joined_at.astimezone(UTC).isoformat(),
        None if identity is None else identity.hex(),
        draft.attributes,
    )
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).digest()


def _loop_refusal(loop: Sequence[str]) -> Refusal:
    return SponsorIsSelf() if len(loop) == 1 else SponsorCycle()
