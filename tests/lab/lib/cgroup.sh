#!/usr/bin/env bash
# cgroup.sh - a subtree of our own, CGROUP_NAME, in every cgroup hierarchy this host has
#
# A box and a private dockerd each have one. A subtree is DIR/box, whose root becomes the root the box sees, and DIR/out, for the one
# process that waits outside. Version 1, hybrid and version 2 hosts differ only in how many
# hierarchies there are and in who may make DIR.

# Whether this host has only the unified hierarchy.
cgroup_is_v2() { [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]]; }

# Only systemd makes cgroups on a version 2 host that it runs: a box asks it for a scope.
cgroup_needs_scope() { cgroup_is_v2 && [[ -d /run/systemd/system ]]; }

# The folders that are to be ours, one a line; in our scope, if CGROUP_SCOPE says we have one.
cgroup_plan() {
  local mount
  if cgroup_is_v2; then
    if [[ -n "${CGROUP_SCOPE-}" ]]; then
      printf '/sys/fs/cgroup%s\n' "$(sed -n 's/^0:://p' /proc/self/cgroup)"
    else
      printf '/sys/fs/cgroup/%s\n' "$CGROUP_NAME"
    fi
    return
  fi
  while read -r mount; do
    printf '%s/%s\n' "$mount" "$CGROUP_NAME"
  done < <(findmnt -rno TARGET -t cgroup,cgroup2 | sort -u)
}

# DIR: a version 1 cpuset takes no process before it has processors and memory.
cgroup_seed() {
  local file
  for file in cpuset.cpus cpuset.mems; do
    [[ ! -e "$1/$file" || ! -e "$1/cgroup.clone_children" || -s "$1/$file" && -n "$(<"$1/$file")" ]] ||
      cat "$1/../$file" >"$1/$file"
  done
}

# FILE: make the subtree, and record in FILE where it is.
cgroup_make() {
  local dir place
  cgroup_plan >"$1"
  while read -r dir; do
    for place in "$dir" "$dir/out" "$dir/box"; do
      mkdir -p "$place"
      cgroup_seed "$place"
    done
  done <"$1"
}

# FILE: on a version 2 host, let the subtree use the controllers there are. By then no process
# may be in DIR itself. What the kernel refuses stays off.
cgroup_enable() {
  local dir controller
  cgroup_is_v2 || return 0
  dir=$(<"$1")
  for controller in $(<"$dir/../cgroup.controllers"); do
    # Outside a scope nobody has enabled them for us.
    grep -qw "$controller" "$dir/cgroup.controllers" ||
      { echo "+$controller" >"$dir/../cgroup.subtree_control"; } 2>/dev/null || :
    { echo "+$controller" >"$dir/cgroup.subtree_control"; } 2>/dev/null || :
  done
}

# FILE PLACE: move this shell to PLACE of the subtree: out, or box/lab where visitors live.
cgroup_join() {
  local dir
  while read -r dir; do
    mkdir -p "$dir/$2"
    cgroup_seed "$dir/$2"
    echo "$BASHPID" >"$dir/$2/cgroup.procs"
  done <"$1"
}

# FILE: every process that is still in the subtree, by its number.
cgroup_pids() {
  local dir
  [[ -e "$1" ]] || return 0
  while read -r dir; do
    [[ "$dir" == *"/$CGROUP_NAME"* && -d "$dir" ]] || continue
    find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null || :
  done <"$1" | sort -un
}

# FILE: kill what is left and remove the subtree; true when it is gone.
cgroup_remove() {
  local dir pid left='' tries
  [[ -e "$1" ]] || return 0
  for ((tries = 0; tries < 200; tries++)); do
    left=''
    for pid in $(cgroup_pids "$1"); do
      # 0 is a process of another pid namespace; it goes with its own init.
      ((pid == 0 || pid == $$ || pid == BASHPID)) || kill -KILL "$pid" 2>/dev/null || :
    done
    while read -r dir; do
      [[ "$dir" == *"/$CGROUP_NAME"* ]] || continue
      [[ -d "$dir" ]] && find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null
      [[ ! -d "$dir" ]] || left=$dir
    done <"$1"
    [[ -n "$left" ]] || return 0
    sleep 0.05
  done
  return 1
}
