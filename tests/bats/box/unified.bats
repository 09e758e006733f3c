#!/usr/bin/env bats
# shellcheck disable=SC2016 # Inner shells expand.
# unified.bats - the box on a host that has only cgroup version 2
#
# A hybrid host plays one: its unified hierarchy, mounted where such a host has it. Most of the
# controllers stay with version 1 there, so what is shown is that all of it boots and runs.

load box.bash

@test "where only version 2 is mounted, it boots, runs containers and leaves nothing" {
  [[ -d /sys/fs/cgroup/unified ]] || skip "this host is not hybrid"
  export DS01_LAB_NAME=$DS01_LAB_NAME-unified
  run unshare --mount bash -c '
    set -e
    mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
    trap "\"$1\" down" EXIT
    "$1" up >/dev/null
    "$1" run root -- docker info -f "cgroup {{.CgroupVersion}} {{.CgroupDriver}}"
    "$1" run root -- docker run --rm --gpus 1 lab-python ls /dev/nvidia0
    "$1" run alice -- cat /proc/1/cgroup' unified "$TREE/tests/lab/lab"
  ok
  says "cgroup 2 systemd"
  says /dev/nvidia0
  says 0::/init.scope
  [[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "ds01-lab-$DS01_LAB_NAME")" ]]
}
