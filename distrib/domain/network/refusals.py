"""What is refused of shops and of the tree in which they stand."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class ShopUnknown(NamedRefusal, code="shop_unknown", status=404):
    """No shop of that id was registered."""

    said = Said("There is no shop {id}.", "没有店铺 {id}。")
    id: str


class SponsorUnknown(NamedRefusal, code="sponsor_unknown", status=422):
    """A shop joins below one that is not known; by its id, or by its invite code."""

    said = Said("The sponsor {sponsor} is not known.", "邀请人 {sponsor} 不存在。")
    sponsor: str


class SponsorIsSelf(NamedRefusal, code="sponsor_is_self", status=422):
    """A shop would stand below itself."""

    said = Said("A shop cannot sponsor itself.", "店铺不能邀请自己。")


class SponsorCycle(NamedRefusal, code="sponsor_cycle", status=422):
    """A shop would stand below one that stands below it."""

    said = Said("That would close a loop in the referral tree.", "这会使推荐关系成环。")


class SponsorNotActive(NamedRefusal, code="sponsor_not_active", status=422):
    """The sponsor is closed."""

    said = Said("The sponsor {sponsor} is closed.", "邀请人 {sponsor} 已关闭。")
    sponsor: str


class SponsorAndInviteCode(NamedRefusal, code="sponsor_and_invite_code", status=422):
    """Who brings a shop in is named twice over."""

    said = Said("Give sponsor_id or invite_code, not both.", "sponsor_id 与 invite_code 只能填一个。")


class SponsorRequired(NamedRefusal, code="sponsor_required", status=422):
    """The program lets nobody in whom no shop brings."""

    said = Said("A sponsor is needed to join.", "加入需要邀请人。")


class IdentityRequired(NamedRefusal, code="identity_required", status=422):
    """The program lets nobody in without an identity."""

    said = Said("An identity is needed to join.", "加入需要实名身份。")


class IdentityUsed(NamedRefusal, code="identity_used", status=409):
    """A person has one shop."""

    said = Said("The identity belongs to another shop.", "该身份已用于其他店铺。")


class TreeTooDeep(NamedRefusal, code="tree_too_deep", status=422):
    """A shop would stand on a level that the policy pack does not allow."""

    said = Said(
        "Level {level} is below the policy's {max_levels} levels.", "第 {level} 级超出合规策略允许的 {max_levels} 级。"
    )
    level: int
    max_levels: int


class MoveTooEarly(NamedRefusal, code="move_too_early", status=422):
    """A move would lie before what is known of the shop's places."""

    said = Said("Not before the shop's last move or its joining.", "不得早于该店铺上次变更或加入的时间。")


class BeforeJoining(NamedRefusal, code="before_joining", status=422):
    """A change of a shop would lie before it joined."""

    said = Said("Not before the shop's joining.", "不得早于该店铺加入的时间。")


class SubtreeTooLarge(NamedRefusal, code="subtree_too_large", status=422):
    """More shops stand there than are answered at once."""

    said = Said(
        "The tree below holds more than {most} shops; ask for fewer levels.", "其下店铺超过 {most} 家，请减少 levels。"
    )
    most: int


class ListTooWide(NamedRefusal, code="list_too_wide", status=422):
    """Several filters would be looked through for long, and few shops fit all of them."""

    said = Said(
        "Many shops fit each of {filters}, and few of them all: name joined_from, joined_to or both more narrowly.",
        "符合 {filters} 各项条件的店铺都很多，同时符合的却很少：请用 joined_from、joined_to 缩小加入时间的范围。",
    )
    filters: str
