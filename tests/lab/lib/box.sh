#!/usr/bin/env bash
# shellcheck disable=SC2310 # box_pid is a question; nothing in it is left to set -e.
# box.sh - one box: is it running, go into it, start it, end it, remove it

# The host's number of the box's init, if it runs. A number alone may since have become
# another process's, so its cgroup has to be ours.
box_pid() {
  local pid
  [[ -s "$BOX/pid" ]] && pid=$(<"$BOX/pid") && [[ -d /proc/$pid ]] &&
    grep -qsE "/$CGROUP_NAME(\.scope)?/" "/proc/$pid/cgroup" && printf '%s\n' "$pid"
}

# COMMAND...: become it in the box, as root and a visitor of all its namespaces and cgroups.
# This process is then nsenter, so whoever kills it ends the command too.
enter() {
  local pid
  pid=$(box_pid) || fail "no box is running" "$BOX has no living init" "make lab"
  cgroup_join "$BOX/cgroups" box/lab
  exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup --root --wd -- "$@" 9>&-
}

inside() { (enter "$@"); }

# Whole or not at all: renamed into place when it is complete.
box_make() {
  local new=$BOX.new
  rm -rf --one-file-system "$new"
  mkdir -p "$new"/{upper,work,root,docker,containerd}
  # All of these lie in /etc and /usr. systemd and Docker read some at their start; the rest
  # comes with box_furnish.
  cp -a --no-preserve=ownership "$LAB/box/." "$new/upper/"
  printf '%s\n' "$LAB_TREE" >"$new/tree"
  printf '%s\n' "$RECIPE" >"$new/recipe"
  mv -T "$new" "$BOX"
}

# Start systemd, and wait until it says that all is up.
box_start() {
  local deadline=$((SECONDS + ${DS01_LAB_DEADLINE:-120})) scope='' launcher=()
  rm -f "$BOX/pid" "$BOX/launcher"
  : >"$BOX/console.log"
  if cgroup_needs_scope; then
    launcher=(systemd-run --scope --quiet --collect --unit="$CGROUP_NAME" -p Delegate=yes)
    scope=scope
  fi
  setsid "${launcher[@]}" "$LAB/boot" "$BOX" "$(recipe_root)" "$LAB_NAME" "$scope" \
    </dev/null >>"$BOX/console.log" 2>&1 8>&- 9>&- &
  BOX_LAUNCHER=$!
  while ! box_pid >/dev/null; do
    if ! kill -0 "$BOX_LAUNCHER" 2>/dev/null || ((SECONDS > deadline)); then
      box_explain "the box did not start"
    fi
    sleep 0.05
  done
  box_await
  [[ "$BOX_STATE" == running ]] || box_explain "the box is up, but not all of its services are"
}

# Until its start is over; BOX_STATE is then running, or degraded.
box_await() {
  local deadline=$((SECONDS + ${DS01_LAB_DEADLINE:-120}))
  until BOX_STATE=$(inside timeout 10 systemctl is-system-running --wait 2>/dev/null) ||
    [[ "$BOX_STATE" == degraded ]]; do
    box_pid >/dev/null || box_explain "the box died while it started"
    ((SECONDS <= deadline)) || box_explain "the box is still ${BOX_STATE:-silent} at its deadline"
    sleep 0.1
  done
}

box_explain() {
  {
    tail -n 20 "$BOX/console.log"
    if box_pid >/dev/null; then
      inside systemctl --failed --no-legend --plain || :
      inside journalctl -b -p warning -n 20 --no-pager -o cat || :
    fi
  } 2>/dev/null | sed 's/^/    /' >&2
  fail "$1" "the lines above are the last that it said" \
    "if it says nothing useful: tests/lab/lab reset, and see docs/lab.md, \"When it does not start\""
}

# End it at once: the kernel ends all that lives in a pid namespace with its init.
box_stop() {
  local pid
  # Perhaps it has only begun: without its launcher, which waits outside, no init goes on.
  if [[ -n "${BOX_LAUNCHER-}" ]]; then
    kill -KILL "$BOX_LAUNCHER" 2>/dev/null || :
    # It may be making a cgroup, which no signal cuts short.
    wait "$BOX_LAUNCHER" 2>/dev/null || :
  fi
  if [[ -s "$BOX/launcher" ]]; then
    pid=$(<"$BOX/launcher")
    while grep -qsF "$BOX" "/proc/$pid/cmdline"; do
      kill -KILL "$pid" 2>/dev/null || :
      sleep 0.01
    done
  fi
  if pid=$(box_pid); then
    kill -KILL "$pid" 2>/dev/null || :
  fi
  cgroup_remove "$BOX/cgroups" ||
    fail "some processes of the box do not end" "its cgroups are still in use" \
      "look at them with: cat \$(sed 's,\$,/*/cgroup.procs,' $BOX/cgroups)"
  rm -f "$BOX/pid" "$BOX/launcher"
}

box_remove() {
  [[ -d "$BOX" ]] || return 0
  box_stop
  # Renamed first, so that an interrupted removal never looks like a box.
  local gone=$BOX.gone.$$
  mv "$BOX" "$gone"
  rm -rf --one-file-system "$gone"
}

# What earlier crashes left: half-removed boxes, and boxes of clones that are gone.
box_sweep() {
  local dir
  rm -rf --one-file-system "$LAB_CACHE"/boxes/*.gone.*
  for dir in "$LAB_CACHE"/boxes/*/; do
    [[ ! -s "$dir/tree" || -e "$(<"$dir/tree")" ]] || box_sweep_one "${dir%/}"
  done
}

box_sweep_one() {
  local BOX=$1 LAB_NAME=${1##*/} CGROUP_NAME=ds01-lab-${1##*/}
  exec 8>"$BOX.lock"
  if flock -n 8; then
    say "removing the box of $(<"$BOX/tree"), which is gone"
    box_remove
    rm -f "$BOX.lock"
  fi
  exec 8>&-
}

# JOURNAL OPTION...: what a box that does not run last said, by its own journalctl.
box_last_words() {
  # shellcheck disable=SC2016 # The inner shell expands it.
  unshare --mount --propagation private bash -c '
    mount --bind "$1/upper/var/log/journal" "$2/mnt"
    exec chroot "$2" journalctl --no-pager -D /mnt "${@:3}"' \
    lab "$BOX" "$LAB_CACHE/root.$(<"$BOX/recipe")" "$@"
}
