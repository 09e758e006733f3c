#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# script.sh - what every script of ours stands on: how it speaks, asks, explains, and goes back
#
# A script says in `here` where it lies, sources this and calls `options "$@"`.
NAME=${0##*/}
PATH=${here:?}:$PATH # The commands of the same installation first.
dry_run='' yes='' guided=''
umask 022
. "${BASH_SOURCE[0]%/*}/options.sh"

say() { printf '%s\n' "$*"; }

# WHAT WHY DO [EXIT CODE]
fail() {
  printf 'error: %s\n' "$1" >&2
  [[ -z "$2" ]] || printf '  why: %s\n' "$2" >&2
  printf '   do: %s\n' "$3" >&2
  exit "${4:-1}"
}

usage_fault() { fail "$1" "$NAME does not know what is meant" "$NAME --help" 2; }

# before|after: with --guided, the words of share/guide. A text that is missing is no failure.
guide() {
  [[ -z "$guided" ]] || ds01 --guide "$NAME" "$1" >&2 || :
}

# Only who asks decides what is allowed, never what they type.
need_root() {
  ((EUID == 0)) || fail "$NAME is for root" "$1" "sudo $NAME, or ask an admin" 5
}

# One at a time; whoever comes second waits and finds it done.
alone() {
  exec 9>"/run/$NAME.lock"
  flock 9
}

# WHY: goes on if whoever asks has agreed, beforehand by --yes or now at a terminal.
agree() {
  [[ -z "$yes" && -z "$dry_run" ]] || return 0
  local rc=0
  ask confirm "$1. Go on?" --flag "$NAME --yes" || rc=$?
  ((rc != 1)) || fail "nothing is changed" "the answer was no" "$NAME --yes, when it may be"
  ((rc == 0)) || exit "$rc"
}

# COMMAND: to its end, also when whoever called us is interrupted with all their children.
whole() { (trap '' INT TERM HUP && exec "$@"); }

# Between `hold_signals` and `heed_signals` an interruption waits: what a command has just made
# must be known before there can be a step back from it.
hold_signals() {
  held=''
  trap 'held=130' INT
  trap 'held=143' TERM HUP
}
heed_signals() {
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  [[ -z "${held-}" ]] || exit "$held"
}

# COMMAND of plain words: a step back. They run, the last one first, if the script ends before
# `keep`.
UNDO=()
undo() { UNDO=("$*" "${UNDO[@]}"); }
keep() { UNDO=(); }

go_back() {
  local rc=$? step words
  trap '' INT TERM HUP
  for step in "${UNDO[@]}"; do
    printf '%s: going back: %s\n' "$NAME" "$step" >&2
    read -ra words <<<"$step"
    "${words[@]}" || printf '%s: %s failed, so this is left to do\n' "$NAME" "$step" >&2
  done
  if ((rc == 0)); then guide after; elif ((rc < 128)); then guide failed; fi
  exit "$rc"
}
trap go_back EXIT
heed_signals
