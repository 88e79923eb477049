"""The console: pages rendered on the server, for people. It shows what services answer and decides nothing."""

from distrib.console.blueprint import console_blueprint

__all__ = ["console_blueprint"]
