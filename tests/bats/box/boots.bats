#!/usr/bin/env bats
# boots.bats - the box is a whole machine of its own

load box.bash

@test "systemd is process 1, and everything it started runs" {
  as root cat /proc/1/comm
  ok
  [[ "$output" == systemd ]]
  as root systemctl is-system-running
  ok
  [[ "$output" == running ]]
}

@test "its cgroup root is a subtree of the host's, and it sees no further" {
  as root bash -c 'cat /proc/1/cgroup'
  ok
  [[ "$output" != *..* && "$output" != *ds01-lab* ]]
  as root bash -c 'find /sys/fs/cgroup -maxdepth 2 -name "*process*" -o -maxdepth 2 -name "ds01-lab*" | head'
  [[ -z "$output" ]]
}

@test "systemd makes a slice with limits that the kernel enforces" {
  as root systemd-run --collect --wait --quiet --slice=lab-try -p TasksMax=7 -p MemoryMax=64M \
    bash -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done; wait'
  ((status != 0))
  as root systemd-run --collect --wait --pipe --quiet --slice=lab-try -p MemoryMax=64M -p MemorySwapMax=0 \
    python3 -c 'b = bytearray(200 << 20)'
  ((status != 0))
  as root systemd-run --collect --wait --pipe --quiet --slice=lab-try -p MemoryMax=600M \
    python3 -c 'b = bytearray(200 << 20); print("fits")'
  ok
  says fits
}

@test "it has a process table, a network, a name and a /dev of its own" {
  as root bash -c 'ls -d /proc/[0-9]* | wc -l'
  ok
  ((output < 60))
  as root bash -c 'ls /sys/class/net; hostname'
  [[ "$output" == *lo* && "$output" != *eth0* && "$output" == *ds01-lab* ]]
  as root ls /dev
  [[ "$output" != *vda* && "$output" != *sda* && "$output" != *nvme* && "$output" != *mem* ]]
}

@test "the host's kernel settings are out of reach, its own network's are not" {
  as root bash -c 'echo 1 >/proc/sys/kernel/panic'
  ((status != 0))
  as root bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  ok
}

@test "ds01 is installed in it" {
  as alice ds01 --names
  ok
  says limits-resolve
  as alice cat /etc/ds01/resource-limits.yaml
  ok
  says default_group
}
