"""What is refused of webhooks."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class WebhookDisabled(NamedRefusal, code="webhook_disabled", status=409):
    """A webhook that failed for long is sent nothing until it is enabled."""

    said = Said("The webhook {id} is disabled; enable it first.", "webhook {id} 已停用，请先启用。")
    id: str
