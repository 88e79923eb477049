"""Sends webhooks: the only room that talks to servers of others. What is sent, and when, is the services' business."""

from distrib.courier.rounds import Courier

__all__ = ["Courier"]
