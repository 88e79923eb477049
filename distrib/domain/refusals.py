"""What is refused of no noun: whom nobody knows, what nobody may, what is not there, and ids that are taken."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class BadRequest(NamedRefusal, code="bad_request", status=400):
    """A request cannot be used as it came."""

    said = Said("The request is not usable.", "请求无法处理。")


class Unauthorized(NamedRefusal, code="unauthorized", status=401):
    """Nobody is known by what was presented."""

    said = Said("A valid API key is needed.", "需要有效的 API 密钥。")


class Forbidden(NamedRefusal, code="forbidden", status=403):
    """Who is known may not do it."""

    said = Said("The key's role may not do this.", "该密钥的角色无权执行此操作。")


class ScopeMissing(NamedRefusal, code="scope_missing", status=403):
    """The role may, but the key does not reach as far."""

    said = Said("The key's scopes do not reach this: it takes {scope}.", "密钥的权限范围不包括此操作：需要 {scope}。")
    scope: str


class NotFound(NamedRefusal, code="not_found", status=404):
    """There is none, or none for whoever asks."""

    said = Said("There is no such thing here.", "未找到该资源。")


class IdConflict(NamedRefusal, code="id_conflict", status=409):
    """An id stands for what it stood for first."""

    said = Said("The id {id} is known with other content.", "编号 {id} 已存在且内容不同。")
    id: str


class Conflict(NamedRefusal, code="conflict", status=409):
    """What is asked does not go with what stands."""

    said = Said("The request conflicts with the present state.", "请求与当前状态冲突。")


class TooLarge(NamedRefusal, code="too_large", status=413):
    """More was sent than may be."""

    said = Said("The request is larger than {limit}.", "请求超过上限 {limit}。")
    limit: str


class FormExpired(NamedRefusal, code="form_expired", status=400):
    """A form of a page is sent too late, or from elsewhere."""

    said = Said(
        "The form is no longer good; load the page again and send it once more.", "表单已失效；请刷新页面后重新提交。"
    )


class Internal(NamedRefusal, code="internal", status=500):
    """A mistake of ours; what it was stands in the log."""

    said = Said("Something went wrong on our side.", "服务内部错误。")
