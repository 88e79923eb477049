"""The log of gunicorn, a JSON object a line as ours."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from distrib.logs import formatter


class JsonLogger(Logger):  # type: ignore[misc]
    """Gunicorn's own log; what requests come to is logged by the application."""

    def setup(self, cfg: Any) -> None:
        """Has every line written as JSON."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter("json"))
