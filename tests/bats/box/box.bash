#!/usr/bin/env bash
# shellcheck disable=SC2154 # status and output are what bats' run sets.
# box.bash - what every suite that runs in the box loads

TREE=$(cd "$BATS_TEST_DIRNAME/../../.." && pwd -P)

# Bats before 1.4 has none.
: "${BATS_TEST_TMPDIR:=$(mktemp -d)}"

lab() { "$TREE/tests/lab/lab" "$@"; }

# USER COMMAND...: run it in the box; $status and $output are the command's.
as() {
  local user=$1
  shift
  run lab run "$user" -- "$@"
}

# What must hold, shown when it does not.
ok() {
  ((status == 0)) || {
    printf 'exit code %s: %s\n' "$status" "$output"
    return 1
  }
}
code() {
  ((status == $1)) || {
    printf 'exit code %s, not %s: %s\n' "$status" "$1" "$output"
    return 1
  }
}
says() {
  [[ "$output" == *"$1"* ]] || {
    printf 'says not "%s" but: %s\n' "$1" "$output"
    return 1
  }
}

# COMMAND...: until it succeeds, for a minute at most.
eventually() {
  local deadline=$((SECONDS + 60))
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
