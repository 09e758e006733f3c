#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2094 # Inner shells expand; each test has its own variables.
# words.bats - what the lab says when it cannot: what, why, what to do; and nothing left

load box.bash

# A cache of its own, so that no box and no root is there.
nowhere() { DS01_LAB_CACHE=$BATS_TEST_TMPDIR/cache run lab "$@"; }

three_lines() { says "lab: " && says "  why: " && says "   do: "; }

@test "usage: no verb, a wrong verb, no user, no command" {
  run lab
  code 2
  says "usage: lab up"
  run lab fly
  code 2
  says usage
  run lab run
  code 2
  three_lines
  run lab run alice --
  code 2
  three_lines
  run lab shell
  code 2
  three_lines
}

@test "a user who is not in the box: who is" {
  as mallory true
  code 4
  three_lines
  says alice
}

@test "no box: how to get one" {
  nowhere run alice -- true
  code 1
  three_lines
  says "make lab"
  nowhere logs
  code 4
  three_lines
  nowhere status
  code 4
}

@test "not root: sudo" {
  run setpriv --reuid 65534 --clear-groups bash "$TREE/tests/lab/lab" up
  code 5
  three_lines
  says sudo
}

@test "a name, a cache or a board that cannot be" {
  DS01_LAB_NAME='../x' run lab up
  code 2
  three_lines
  DS01_LAB_CACHE=relative run lab up
  code 2
  three_lines
  DS01_LAB_NAME=words DS01_LAB_WORLD=flat-earth run lab up
  code 4
  three_lines
  says mig-mixed
}

@test "no network at the first build: the mirror, and nothing half-built" {
  DS01_LAB_MIRROR=http://127.0.0.1:1/debian nowhere up
  code 1
  three_lines
  says DS01_LAB_MIRROR
  run find "$BATS_TEST_TMPDIR/cache" -maxdepth 1 -name 'root.*'
  [[ -z "$output" ]]
}

@test "no disk space: how much is missing" {
  mkdir "$BATS_TEST_TMPDIR/small"
  run unshare --mount bash -c 'mount -t tmpfs -o size=20m tmpfs "$1"; DS01_LAB_CACHE=$1 "$2" up' \
    small "$BATS_TEST_TMPDIR/small" "$TREE/tests/lab/lab"
  code 1
  three_lines
  says "MB are free"
}

@test "a cache that cannot be written" {
  DS01_LAB_CACHE=/proc/lab run lab up
  code 1
  three_lines
}

@test "no apt and something missing: which" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  for tool in bash env; do ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/"; done
  PATH=$BATS_TEST_TMPDIR/bin run "$TREE/tests/lab/needs"
  code 1
  three_lines
  says mmdebstrap
  says apt
}

@test "interrupted during the first build: nothing half-built, no process left" {
  export DS01_LAB_CACHE=$BATS_TEST_TMPDIR/cache
  # In a session of its own, signalled as a terminal does it; a shell's background ignores it.
  setsid env --default-signal=INT "$TREE/tests/lab/lab" up >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  session=$!
  building() { compgen -G "$DS01_LAB_CACHE/root.*.new.*/tmp/*" >/dev/null; }
  eventually building
  kill -INT -- "-$session"
  status=0
  wait "$session" || status=$?
  output=$(<"$BATS_TEST_TMPDIR/said")
  code 130
  three_lines
  [[ -z "$(compgen -G "$DS01_LAB_CACHE/root.*.new.*" || :)" ]]
  [[ -z "$(find "$DS01_LAB_CACHE" -maxdepth 1 -name 'root.*')" ]]
  gone() { ! pgrep -f "$DS01_LAB_CACHE" >/dev/null; }
  eventually gone
}

@test "interrupted while it starts: no box, no process, no cgroup" {
  export DS01_LAB_NAME=$DS01_LAB_NAME-int
  box=${DS01_LAB_CACHE:-/var/cache/ds01-lab}/boxes/$DS01_LAB_NAME
  setsid env --default-signal=INT "$TREE/tests/lab/lab" up >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  session=$!
  starting() { [[ -e "$box/cgroups" ]]; }
  eventually starting
  kill -INT -- "-$session"
  status=0
  wait "$session" || status=$?
  output=$(<"$BATS_TEST_TMPDIR/said")
  code 130
  three_lines
  [[ ! -e "$box" ]]
  [[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "ds01-lab-$DS01_LAB_NAME")" ]]
}

@test "every line of the tour works, and shows something" {
  while IFS='|' read -r user command _; do
    [[ -n "$user" && "$user" != '#'* ]] || continue
    as "${user// /}" bash -c "$command" </dev/null
    ok
    [[ -n "$output" ]]
  done <"$TREE/tests/lab/tour"
}

@test "the first screen of the README is what the lab shows" {
  run "$TREE/tests/lab/transcript" --check
  ok
}
