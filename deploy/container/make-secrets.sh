#!/bin/sh
# Draws the secrets that compose.yaml names, once, as files under secrets/ beside this script (or in the directory given).
# What is there stays: a second run makes what is missing. Keep a copy of key_pepper and data_key apart from the database.
set -eu
directory=${1:-"$(dirname "$0")/secrets"}
server=${2:-postgres}
mkdir -p "$directory"
chmod 0700 "$directory"

draw() { # bytes: urlsafe base64 of so many random bytes
    head -c "$1" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'
}

keep() { # name value: in the directory, which only its owner enters; the containers' account reads the file itself
    [ -s "$directory/$1" ] || printf '%s' "$2" >"$directory/$1"
    chmod 0444 "$directory/$1"
}

keep owner_password "$(draw 33)"
keep owner_database_url "postgresql://distrib_owner:$(cat "$directory/owner_password")@$server:5432/distrib"
keep database_url "postgresql://distrib_web_login:$(draw 33)@$server:5432/distrib"
keep worker_database_url "postgresql://distrib_worker_login:$(draw 33)@$server:5432/distrib"
keep key_pepper "$(draw 33)"
keep data_key "$(draw 32)"
keep metrics_key "$(draw 33)"
