"""Sends the webhooks that are due. What is sent, and when again, is the services' business."""

from __future__ import annotations

from distrib.bootstrap import Container
from distrib.courier import Courier
from distrib.courier.pinned import Sender


def deliver_webhooks(container: Container) -> None:
    """Sends until nothing is due."""
    sender = Sender(allows_private=container.settings.webhook_allow_private)
    Courier(container.worker_engine, container.sealer, sender, container.now).run()
