#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2317 # Inner shells expand; functions that `eventually` calls.
# trials.bats - the door, Docker and people's own commands killed at work; full disks; a GPU lost while a container stood still
#
# trials_kill.py holds five commands to what they say: done (0) or unreachable (6) and nothing
# else, what is left told truly, no lease without a container, no container without its owner.

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  lab run root -- tee /run/ds01-lab/trials.py <"$BATS_TEST_DIRNAME/trials_kill.py" >/dev/null
  # Nobody follows a request for longer than this.
  limits_are 's/gpu_allocation: {/gpu_allocation: {pending_deadline: 4s, /'
}
teardown_file() {
  load box.bash
  load clients.bash
  limits_back
  door_down
  lab run root -- bash -c 'rm -rf /home/*/workspace /run/ds01-lab/trials.py'
}
teardown() { clear_docker; }

# SED-SCRIPT: the limits changed, and kept as they were.
limits_are() { lab run root -- bash -c 'cp -n "$1" "$1.before"; sed -i "$2" "$1"; systemctl reload ds01-dfilter' - /etc/ds01/resource-limits.yaml "$1"; }
limits_back() { lab run root -- bash -c 'mv -f "$1.before" "$1"; systemctl reload ds01-dfilter' - /etc/ds01/resource-limits.yaml; }
killed() { as root timeout 200 python3 /run/ds01-lab/trials.py "$@"; }

@test "the door is killed while five people make, start, stop, remove and deploy" {
  killed dfilter 10 25 60
  ok
}

@test "Docker is killed while five people make, start, stop, remove and deploy" {
  killed dockerd 40 120
  ok
}

@test "requests in a queue when Docker dies are answered by the next one" {
  killed held-dockerd 300
  ok
  says "300 alice:0 bob:0 carol:0 anna:0 anna-lena:0"
}

@test "the commands themselves are killed: nothing leaks, and what is left is its owner's to remove" {
  killed clients 10 30 70 150
  ok
}

@test "a container whose client was killed half-way is whole once it is started" {
  as alice bash -c 'timeout -s KILL 0.06 container-create half --image lab-python --cpu-only; :'
  as alice bash -c 'for n in $(container-list -o name); do container-run "$n" -- whoami || exit; done'
  ok
  [[ "$output" == alice || "$output" == '' ]]
}

@test "a full disk is told, of Docker's and of one's own, and nothing is left" {
  as alice container-create there --image lab-python --cpu-only
  ok
  full() { lab run root -- bash -c 'mkdir -p "$1" && mount -t tmpfs -o size=64k,mode="$2" full "$1" && { head -c 1M /dev/zero >"$1/fill" 2>/dev/null || :; }' - "$@"; }
  full /var/lib/docker/containers 700
  as alice container-create new --image lab-python
  created=$status words=$output
  as alice container-start there
  lab run root -- umount /var/lib/docker/containers
  code 1
  says "there is not started: the disk is full"
  says "container-cleanup"
  ((created == 1))
  [[ "$words" == *"new is not created: the disk is full"* ]]
  eventually leases_are alice 0
  as alice container-list -o name
  is there
  lab run root -- bash -c 'mount -t tmpfs -o size=4k,nr_inodes=1,mode=777 full /home/alice/workspace'
  as alice container-create new --image lab-python
  lab run root -- umount /home/alice/workspace
  code 1
  says "is full"
  says "--workspace"
  leases_are alice 0
}

@test "within the hold its GPU is its own; after it whoever has it is named, with since when" {
  limits_are 's/gpu_hold_after_stop:.*/gpu_hold_after_stop: "2s"/'
  as alice container-deploy old --image lab-python --background
  ok
  uuid=$(lab run alice -- container-list old -o gpu_uuids)
  as alice container-stop old
  ok
  says "is kept for it until"
  # Nobody else is given it, and coming back in time is coming back to it.
  as bob docker run -d --name early --gpus "device=${uuid//[\[\]\"]/}" lab-python sleep 300
  code 125
  says "old._.alice"
  as alice container-start old
  ok
  as alice container-list old -o gpu_uuids
  is "$uuid"
  as alice container-stop old
  ok
  eventually leases_are alice 0
  as bob docker run -d --name taker --gpus "device=${uuid//[\[\]\"]/}" lab-python sleep 300
  ok
  as alice container-start old
  code 3
  says "old is not started"
  [[ "$output" =~ taker.*since ]]
  says "/workspace stays"
  # Once it is free again, it is had again.
  as bob docker rm -f taker
  ok
  eventually lab run alice -- container-start old
  as alice container-list old -o gpu_uuids
  is "$uuid"
}

@test "Docker down is told in words: what, why, what to do, and nothing of how it is asked" {
  as alice container-create there --image lab-python --cpu-only
  ok
  as root bash -c 'systemctl stop docker.socket docker.service
    for line in "create new --image lab-python" "start there" "stop there" "remove --yes there" "pause there" "logs there" \
      "stats there" "attach there" "run there -- true" "list" "cleanup --yes" "deploy new --image lab-python" "retire --yes there"; do
      said=$(runuser -l alice -c "container-$line" </dev/null 2>&1); rc=$?
      [[ $rc == 6 && "$said" == *"the Docker daemon does not answer"*"why: it is not running"*"do: try again"* && \
        ! "$said" =~ os.error|HTTP|/v1|ApiVersion ]] || printf "%s: %s: %s\n" "$line" "$rc" "$said"
    done
    systemctl start docker.socket docker.service'
  is ''
}
