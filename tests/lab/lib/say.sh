#!/usr/bin/env bash
# shellcheck disable=SC2034 # BOX is for all the other parts.
# say.sh - how the lab speaks, and what its names and paths are

# WHAT WHY DO [EXIT CODE]: every failure says what happened, why, and what to do about it.
fail() {
  printf 'lab: %s\n  why: %s\n   do: %s\n' "$1" "$2" "$3" >&2
  exit "${4:-1}"
}

say() { printf 'lab: %s\n' "$*" >&2; }

need_root() {
  ((EUID == 0)) ||
    fail "the lab needs root" "it makes namespaces, cgroups and mounts of its own" \
      "run it with sudo: sudo ${DS01_LAB_CALLED_AS:-tests/lab/lab} $*" 5
}

# The tree names the box, so that two clones on one machine never share one.
lab_names() {
  LAB_TREE=$(cd "$LAB/../.." && pwd -P)
  local hash
  hash=$(printf %s "$LAB_TREE" | sha256sum)
  LAB_NAME=${DS01_LAB_NAME:-${hash:0:8}}
  LAB_CACHE=${DS01_LAB_CACHE:-/var/cache/ds01-lab}
  [[ "$LAB_NAME" =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] ||
    fail "\"$LAB_NAME\" is no name for a box" "DS01_LAB_NAME becomes part of a cgroup's name" \
      "use up to 32 of a-z, 0-9 and -" 2
  [[ "$LAB_CACHE" == /* && "$LAB_CACHE" != *[:,\\]* ]] ||
    fail "\"$LAB_CACHE\" cannot hold the lab" \
      "DS01_LAB_CACHE must be an absolute path without colon, comma or backslash" \
      "choose another folder" 2
  CGROUP_NAME=ds01-lab-$LAB_NAME
  BOX=$LAB_CACHE/boxes/$LAB_NAME
}

# One command at a time may change a box. Descriptor 9 is the lock, everywhere.
lock_box() {
  mkdir -p "$LAB_CACHE/boxes" 2>/dev/null ||
    fail "cannot write to $LAB_CACHE" "the lab keeps its Debian root and its boxes there" \
      "free that path, or set DS01_LAB_CACHE to a folder that can be written"
  # `down` removes the lock too: whoever waited for that file then needs the new one.
  until [[ /proc/self/fd/9 -ef "$BOX.lock" ]]; do
    exec 9>"$BOX.lock"
    flock -w "${DS01_LAB_LOCK_WAIT:-120}" 9 ||
      fail "another lab command is changing this box" "it holds $BOX.lock" "let it end, then try again"
  done
}

# FOLDER MEGABYTES
need_space() {
  local free
  free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
  ((free >= $2)) ||
    fail "only $free MB are free under $1" "the lab needs $2 MB there" \
      "free some space, or set DS01_LAB_CACHE to a folder on another disk"
}
