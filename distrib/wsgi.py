"""The app for a WSGI server: ``gunicorn -c distrib/config/gunicorn.conf.py distrib.wsgi:app``.

Settings come from the environment.
"""

from __future__ import annotations

import atexit
import sys
from contextlib import ExitStack

from distrib.loading import loading

with loading():
    from distrib.app import create_app
    from distrib.bootstrap import open_container, traced
    from distrib.failures import FAILURES, explain
    from distrib.logs import configure_logs
    from distrib.settings import read_settings

_GUNICORN_STOPS = 4
"""The exit status of a process that gunicorn does not start again."""
_open = ExitStack()
atexit.register(_open.close)
try:
    _settings = read_settings()
    configure_logs(_settings.log_level, _settings.log_format)
    _open.enter_context(traced(_settings, "distrib-web"))
    _container = _open.enter_context(open_container(_settings))
    _container.must_be_served()
    _container.tell_wrong_peppers()
    with loading():
        app = create_app(_container)
    _container.disconnect()  # who serves is forked from here: no two processes may speak on one connection
except FAILURES as failure:
    sys.stderr.write(f"{explain(failure)}\n")
    sys.exit(_GUNICORN_STOPS)
