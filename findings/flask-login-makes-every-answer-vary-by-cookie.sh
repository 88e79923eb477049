#!/usr/bin/env bash
# Flask-Login 0.6.3 on Flask 3.1.3.
#
# Guess: an app with a LoginManager says `Vary: Cookie` of the pages that look at who is signed in, and of no other.
# Seen: of every response of the app that has a secret key, a JSON API for bearer keys and a file for everybody among
# them, though nobody asked for the user: a hook after each request looks into the session for a wish to be remembered,
# and Flask takes a look for a use. Caches then keep one copy a cookie of what is the same for all. Without a secret key
# there is no such field: the session that cannot be kept counts as not looked at.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input flask==3.1.3 flask-login==0.6.3
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

from flask import Flask
from flask_login import LoginManager


def vary(with_logins, secret_key):
    app = Flask(__name__)
    app.secret_key = secret_key
    if with_logins:
        LoginManager(app)

    @app.get("/v1/things")
    def things():
        return {"things": []}

    return app.test_client().get("/v1/things").headers.get("Vary")


print("flask", version("flask"), "flask-login", version("flask-login"))
seen = {case: vary(*case) for case in ((False, "s"), (True, "s"), (True, None))}
print(seen)
sys.exit(seen != {(False, "s"): None, (True, "s"): "Cookie", (True, None): None})
PY
