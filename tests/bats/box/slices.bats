#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# slices.bats - slices from the config in a real systemd, with real containers in them

load box.bash

CONFIG=/etc/ds01/resource-limits.yaml

setup_file() {
  load box.bash
  lab run root -- cp "$CONFIG" /root/limits.kept
}

teardown_file() {
  load box.bash
  lab run root -- cp /root/limits.kept "$CONFIG"
  lab run root -- slice-make --all >/dev/null
}

# Limits that are quickly reached.
setup() {
  limits memory_max=96m tasks_max=40
  make_slices
}

teardown() {
  lab run root -- bash -c 'docker ps -aq | xargs -r docker rm -f' >/dev/null
}

# KEY=VALUE...: the aggregate of the students, and their $total. alice is one of them, or in
# $group.
limits() {
  local aggregate students='bob, anna, anna-lena, "212345", h.baker@hertie-school.lan'
  local researchers=carol
  if [[ -n "${group-}" ]]; then researchers+=', alice'; else students+=', alice'; fi
  printf -v aggregate '%s, ' "${@/=/: }"
  lab run root -- tee "$CONFIG" >/dev/null <<END
defaults: {max_mig_instances: 1}
default_group: students
groups:
  students: {members: [$students], aggregate: {${aggregate%, }}, total: {${total-}}}
  researchers: {members: [$researchers]}
  admin: {members: [root, admin]}
END
}

# SLICE CONTROLLER FILE: what the kernel has, in either version of its tree.
kernel() {
  lab run root -- bash -c '
    path=$(systemctl show -P ControlGroup -- "$1")
    cat "/sys/fs/cgroup/$2$path/$3" 2>/dev/null || cat "/sys/fs/cgroup$path/$4"' - "$@"
}
memory_max() { kernel "$1" memory memory.limit_in_bytes memory.max; }

# SLICE ARGUMENT...: a container of the base image in that slice.
container() {
  local slice=$1
  shift
  as root docker run --cgroup-parent "$slice" "$@"
}

# It changes with each daemon-reload, whoever does it.
loaded_at() { lab run root -- systemctl show -P UnitsLoadFinishTimestampMonotonic; }

make_slices() {
  as root slice-make --all -o text
  ok
}

@test "slices are as the config says, and a second run changes nothing" {
  before=$(loaded_at)
  for slice in 'ds01.slice' 'ds01-students.slice' 'ds01-students-anna\x2dlena.slice' \
    'ds01-students-h_baker_hertie\x2dschool_lan.slice' 'ds01-students-212345.slice'; do
    as root systemctl is-active -- "$slice"
    ok
  done
  [[ $(memory_max 'ds01-students-anna\x2dlena.slice') == $((96 << 20)) ]]
  [[ $(kernel ds01-students-alice.slice pids pids.max pids.max) == 40 ]]
  make_slices
  [[ "$output" == "nothing to change: 13 slices as the config says" ]]
  as root slice-make --all --dry-run -o action
  [[ $(sort -u <<<"$output") == keep ]]
  [[ $(loaded_at) == "$before" ]]
}

@test "every slice lies where its name says, and anna-lena is not in anna's" {
  as root systemctl show -P ControlGroup 'ds01-students-anna\x2dlena.slice'
  [[ "$output" == '/ds01.slice/ds01-students.slice/ds01-students-anna\x2dlena.slice' ]]
  container 'ds01-students-anna\x2dlena.slice' -d --name lab._.anna-lena lab-python sleep 1000
  ok
  as root slice-usage anna-lena -o containers,tasks
  [[ "$output" == $'1\t1' ]]
  as root slice-usage anna -o containers,tasks
  [[ "$output" == $'0\t0' ]]
}

@test "systemd takes every name of the table" {
  cut -f4 "$TREE/tests/cases/names.tsv" | grep '\.slice$' |
    lab run root -- bash -c '
      mapfile -t names
      ((${#names[@]} > 30)) || exit 9
      systemctl start -- "${names[@]}" || exit 8
      rc=0
      for name in "${names[@]}"; do
        group=${name%-*}.slice
        want=/ds01.slice/$group/$name
        have=$(systemctl show -P ControlGroup -- "$name")
        [[ "$have" == "$want" ]] || { echo "$name: $have"; rc=7; }
      done
      # All that the config does not want: they are empty, so they go.
      slice-make --all -o action,slice
      exit $rc' >"$BATS_TEST_TMPDIR/said"
  # Names of the default group that no run for all would call stale are stopped by hand.
  lab run root -- bash -c 'systemctl stop ds01.slice; rm -f /etc/systemd/system/ds01*.slice
    rm -rf /run/systemd/system.control/ds01*'
  make_slices
}

@test "who needs more memory than the slice has is killed, and others are not" {
  hog='x = bytearray(200 << 20); print(len(x))'
  container ds01-students-alice.slice --rm --memory 400m lab-python python3 -c "$hog"
  code 137
  container ds01-researchers-carol.slice --rm --memory 400m lab-python python3 -c "$hog"
  ok
  says $((200 << 20))
  as root slice-usage alice -o memory_limit_hits
  ((output > 0))
}

@test "two containers of one user have the limit together" {
  half='import time; x = bytearray(60 << 20); print("up", flush=True); time.sleep(1000)'
  container ds01-students-alice.slice -d --name one lab-python python3 -c "$half"
  ok
  is_up() { lab run root -- docker logs one | grep -q up; }
  eventually is_up
  container ds01-students-alice.slice -d --name two lab-python python3 -c "$half"
  ended() { (($(lab run root -- docker ps -q | wc -l) < 2)); }
  eventually ended
}

@test "a group's total holds for its people together" {
  total='memory_max: 96m' limits tasks_max=40
  make_slices
  half='import time; x = bytearray(60 << 20); print("up", flush=True); time.sleep(1000)'
  container ds01-students-alice.slice -d --name one lab-python python3 -c "$half"
  ok
  is_up() { lab run root -- docker logs one | grep -q up; }
  eventually is_up
  container ds01-students-bob.slice -d --name two lab-python python3 -c "$half"
  ended() { (($(lab run root -- docker ps -q | wc -l) < 2)); }
  eventually ended
}

@test "who starts more processes than the slice allows cannot fork" {
  forks='
import os, time
made = 0
try:
    while made < 200:
        if os.fork() == 0:
            time.sleep(3)
            os._exit(0)
        made += 1
except OSError as error:
    print(made, error.strerror)'
  container ds01-students-alice.slice --rm --pids-limit 1000 lab-python python3 -c "$forks"
  says "Resource temporarily unavailable"
  ((${output%% *} < 40))
  container ds01-researchers-carol.slice --rm --pids-limit 1000 lab-python python3 -c "$forks"
  ok
  [[ "$output" == "" ]]
}

@test "two users share a CPU evenly, however many processes they start" {
  limits tasks_max=100
  make_slices
  busy='for i in $(seq $0); do (while :; do :; done) & done; wait'
  container ds01-students-alice.slice -d --cpuset-cpus 0 lab-python bash -c "$busy" 1
  ok
  container ds01-students-bob.slice -d --cpuset-cpus 0 lab-python bash -c "$busy" 8
  ok
  shared_evenly() {
    as root slice-usage alice bob --interval 3s -o cpu_percent
    awk '{ p[NR] = $1 } END { exit !(p[1] > 0 && p[2] / p[1] < 2) }' <<<"$output"
  }
  eventually shared_evenly
}

@test "changed limits hold at once, in running containers, without a reload" {
  container ds01-students-alice.slice -d --name lab._.alice lab-python sleep 1000
  ok
  pid=$(lab run root -- docker inspect -f '{{.State.Pid}}' lab._.alice)
  before=$(loaded_at)
  limits memory_max=128m tasks_max=50 cpu_quota=150%
  make_slices
  says "change  ds01-students-alice.slice: rewrite the unit file, set CPUQuota=150%, set MemoryMax=134217728, set TasksMax=50"
  [[ $(memory_max ds01-students-alice.slice) == $((128 << 20)) ]]
  [[ $(kernel ds01-students-alice.slice pids pids.max pids.max) == 50 ]]
  as root slice-usage alice -o cpu_quota,memory_max,tasks_max
  [[ "$output" == $'150.0\t134217728\t50' ]]
  # What the config does not limit any more is not limited.
  limits tasks_max=50
  make_slices
  as root slice-usage alice -o cpu_quota,memory_max,tasks_max
  [[ "$output" == $'\t\t50' ]]
  [[ $(lab run root -- docker inspect -f '{{.State.Pid}}' lab._.alice) == "$pid" ]]
  [[ $(loaded_at) == "$before" ]]
  # Somebody else's reload, as every package does one, finds file and slice agreed.
  as root systemctl daemon-reload
  make_slices
  says "nothing to change"
}

@test "who changes groups moves with the next container, and the old slice goes when it is empty" {
  container ds01-students-alice.slice -d --name old._.alice lab-python sleep 1000
  ok
  before=$(loaded_at)
  group=researchers limits memory_max=96m tasks_max=40
  as root slice-make alice -o text
  ok
  says "create  ds01-researchers-alice.slice"
  says "in use  ds01-students-alice.slice: stale, but 1 process runs in it: left alone"
  [[ $(lab run root -- docker inspect -f '{{.State.Running}}' old._.alice) == true ]]
  [[ $(memory_max ds01-students-alice.slice) == $((96 << 20)) ]]
  container ds01-researchers-alice.slice -d --name new._.alice lab-python sleep 1000
  ok
  as root docker rm -f old._.alice
  make_slices
  says "remove  ds01-students-alice.slice"
  as root test -e /etc/systemd/system/ds01-students-alice.slice
  code 1
  as root systemctl is-active ds01-students-alice.slice
  [[ "$output" == inactive ]]
  as root docker exec new._.alice true
  ok
  [[ $(loaded_at) == "$before" ]]
}

@test "a slice that comes with the first container has its limits from the start" {
  lab run root -- systemctl stop ds01-students-bob.slice
  container ds01-students-bob.slice --rm lab-python true
  ok
  [[ $(memory_max ds01-students-bob.slice) == $((96 << 20)) ]]
}

@test "root alone makes slices; everybody may look and plan" {
  as alice slice-make alice
  code 5
  says "slices are made by root alone"
  as alice slice-make alice --dry-run -o slice
  ok
  says ds01-students-alice.slice
  as alice slice-usage -o text
  ok
  says "    alice"
}

@test "a broken config changes no slice" {
  lab run root -- bash -c 'echo "defaults: {memory: 5 potatoes}" >>/etc/ds01/resource-limits.yaml'
  as root slice-make --all
  code 7
  [[ $(memory_max ds01-students-alice.slice) == $((96 << 20)) ]]
}

@test "everybody of the box is who they are" {
  as h.baker@hertie-school.lan user-resolve -o user,slice,container_suffix
  ok
  uid=$(lab run h.baker@hertie-school.lan -- id -u)
  [[ "$output" == $'h.baker@hertie-school.lan\tds01-students-h_baker_hertie\\x2dschool_lan.slice\t'"$uid" ]]
  as 212345 user-resolve -o user,slice,container_suffix,admin
  [[ "$output" == $'212345\tds01-students-212345.slice\t212345\tfalse' ]]
  as admin user-resolve -o user,admin
  [[ "$output" == $'admin\ttrue' ]]
}
