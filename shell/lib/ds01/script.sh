#!/usr/bin/env bash
# script.sh - what every script of ours stands on: how it speaks, asks, and goes back
#
# A script sources it and asks `is_usual` for each argument. The comment under its first line is its --help,
# in the words of its man page.
NAME=${0##*/}
DRY_RUN='' YES=''
umask 022

say() { printf '%s\n' "$*"; }

# WHAT WHY DO [EXIT CODE]
fail() {
  printf 'error: %s\n  why: %s\n   do: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}

usage_fault() { fail "$1" "$NAME does not know what is meant" "$NAME --help" 2; }

# One argument that all scripts know; false if it is none of those.
is_usual() {
  case $1 in
    -h | --help)
      sed -n '/^# shellcheck/q; 2,$s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -V | --version)
      local said
      said=$("$(dirname "$(readlink -f "$0")")/ds01" --version)
      say "$NAME ${said#ds01 }"
      exit 0
      ;;
    --dry-run) DRY_RUN=1 ;;
    -y | --yes) YES=1 ;;
    *) return 1 ;;
  esac
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
  [[ -z "$YES" && -z "$DRY_RUN" ]] || return 0
  [[ -t 0 ]] || fail "$NAME needs a yes" "$1" "$NAME --yes, when that may be"
  local answer=''
  read -r -p "$1. Go on? [y/N] " answer
  [[ "$answer" == [yY]* ]] || fail "nothing is changed" "the answer was no" "$NAME --yes, when it may be"
}

# COMMAND: to its end, also when whoever called us is interrupted with all their children.
whole() { (trap '' INT TERM HUP && exec "$@"); }

# COMMAND of plain words: a step back. They run, the last one first, if the script ends before
# `keep`.
UNDO=()
undo() { UNDO=("$*" "${UNDO[@]}"); }
keep() { UNDO=(); }

go_back() {
  local rc=$? step words
  trap '' INT TERM HUP
  ((${#UNDO[@]} == 0)) || printf '%s: going back: all becomes what it was\n' "$NAME" >&2
  for step in "${UNDO[@]}"; do
    read -ra words <<<"$step"
    "${words[@]}" || printf '%s: %s failed; look at: systemctl status docker\n' "$NAME" "$step" >&2
  done
  exit "$rc"
}
trap go_back EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
