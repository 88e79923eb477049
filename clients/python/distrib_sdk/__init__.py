"""A client of distrib in plain Python: calls that are repeated safely, lists page by page, and received webhooks.

Needs nothing but the standard library. ``client`` speaks to the service, ``webhooks`` checks what the service sends.
"""

from distrib_sdk.client import Client, Refused, Unreachable
from distrib_sdk.webhooks import Receiver, Rejected

__all__ = ["Client", "Receiver", "Refused", "Rejected", "Unreachable"]
