"""The console: pages rendered on the server, for people. It shows what operations answer and decides nothing."""

from distrib.console.blueprint import answer_refusal, console_blueprint, is_console, most_form_bytes, serve_console

__all__ = ["answer_refusal", "console_blueprint", "is_console", "most_form_bytes", "serve_console"]
