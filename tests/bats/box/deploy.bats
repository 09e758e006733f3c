#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# deploy.bats - a container's whole life as a student types it: deployed, worked in, left, come back to, retired

load box.bash
load clients.bash
load terminal.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  clear_docker
}

teardown_file() {
  load box.bash
  load clients.bash
  lab run root -- bash -c '
    for n in {01..20}; do userdel -r "student$n" 2>/dev/null; done
    for file in /etc/ds01/resource-limits.yaml /etc/ds01-lab/world.json; do
      [[ ! -e "$file.before" ]] || mv "$file.before" "$file"
    done
    rm -rf /home/*/{lab,workspace,requirements-*} /run/ds01/board.json' >/dev/null 2>&1
  door_down
}

teardown() { clear_docker; }

# Nothing is leased, and nobody has a container.
nothing_left() {
  as root bash -c 'docker ps -aq; gpu-state totals -o slots.held,slots.stopped'
  ok
  [[ "$output" == $'0\t0' ]]
}

@test "alice deploys in the background, and finds it running with a GPU" {
  as alice container-deploy lab --image lab-python --gpus 1 --background
  ok
  says "lab"
  as alice container-list --json -o name,state
  as alice docker inspect -f '{{index .Config.Labels "ds01.interface"}} {{.State.Running}}' lab._.alice
  ok
  says "orchestration true"
  as bob container list
  ok
  [[ "$output" != *lab-python* ]]
}

@test "she deploys at a terminal, works, leaves, comes back, stops, restarts and retires" {
  sits alice "container-deploy lab --image lab-python --gpus 1"
  sees '$ '
  types 'id -un; ls /dev/nvidia[0-9]*; touch /workspace/kept; exit 3'
  ends
  code 3
  says alice
  says /dev/nvidia
  as alice container-list --json
  says '"running"'
  sits alice "container attach lab"
  sees '$ '
  types 'ls /workspace; exit'
  ends
  says kept
  as alice container stop lab
  ok
  as alice container start lab
  ok
  says "lab runs"
  sits alice "container-retire lab"
  sees "[y/N]"
  types y
  ends
  code 0
  as alice container-list --json
  [[ "$output" == "" ]]
  nothing_left
}

@test "retire writes packages down with their versions after a yes, also of one that has ended by itself" {
  as alice container-deploy lab --image lab-python --gpus 1 --background
  ok
  as alice docker exec -u 0 lab._.alice sh -c '
    d=/usr/local/lib/python3/dist-packages/numpy-1.26.4.dist-info
    mkdir -p $d; printf "Name: numpy\nVersion: 1.26.4\n" >$d/METADATA; echo pip >$d/INSTALLER'
  ok
  as alice container-retire lab </dev/null
  code 2
  says "--yes"
  # It has not been touched.
  as alice container-list -o state
  [[ "$output" == running* ]]
  as alice docker kill lab._.alice
  sits alice "container-retire lab"
  sees "[y/N]"
  types y
  sees "numpy==1.26.4"
  sees "[Y/n]"
  types ""
  ends
  code 0
  as alice bash -c 'cat ~/requirements-lab.txt ~/workspace/lab/requirements-lab.txt 2>/dev/null; rm -rf ~/requirements-lab.txt ~/workspace/lab'
  says "numpy==1.26.4"
  nothing_left
}

@test "several at once, and from a list" {
  as alice container-deploy first --image lab-python --cpu-only --background
  ok
  as alice container-deploy second --image lab-python --cpu-only --background
  ok
  as alice bash -c 'container-list --json | container-retire --yes -'
  ok
  nothing_left
}

@test "what cannot be started is taken away again, and its GPU is free" {
  local hook=/usr/local/bin/nvidia-container-runtime-hook
  lab run root -- bash -c 'cp -p "$1" /run/hook && printf "#!/bin/sh\necho no such luck >&2; exit 1\n" >"$1"' - "$hook"
  as alice container-deploy lab --image lab-python --gpus 1 --background
  lab run root -- cp -p /run/hook "$hook"
  ((status != 0))
  says "going back: container-remove"
  nothing_left
  as alice container-deploy lab --image lab-python --gpus 1 --background
  ok
}

@test "Ctrl-C while it waits for a GPU leaves neither a container nor a place in the line" {
  as alice container-deploy one --image lab-python --gpus 1 --background
  ok
  sits alice "container-deploy two --image lab-python --gpus 1 --wait --background"
  sees "1st in line"
  presses $'\x03'
  ends
  code 130
  as root bash -c 'docker ps -a --format "{{.Names}}"; gpu-queue list'
  [[ "$output" == $'one._.alice\nNobody waits.' ]]
}

@test "over the limit the whole refusal is told, and nothing is left" {
  as alice container-deploy one --image lab-python --gpus 1 --background
  ok
  as alice container-deploy two --image lab-python --gpus 1 --background
  code 3
  says "1 of the 1 GPU "
  says "(resource-limits.yaml:3)"
  says "container-retire one"
  as alice container-list -o name
  [[ "$output" == one ]]
}

@test "mlc-create, mlc-open and mlc-remove, as they were typed before" {
  as alice mlc-create lab --image lab-python -g=1 -w=/home/alice/lab
  ok
  sits alice "mlc-open lab"
  sees '$ '
  types 'touch /workspace/here; echo I am $(id -un)'
  sees "I am alice"
  types 'exit'
  ends
  as alice bash -c 'ls lab; mlc-list'
  says here
  says lab
  # What stands behind -- is a command, and its exit code comes back.
  as alice mlc-open lab -- sh -c 'exit 5'
  code 5
  as alice mlc-stats
  ok
  as alice mlc-stop -Y lab
  ok
  as alice mlc-remove --yes lab
  ok
  as alice mlc-update-sys
  code 1
  says "make build install"
  nothing_left
}

@test "a newcomer is led: --guided says what happens and what comes next" {
  as alice container-deploy lab --image lab-python --gpus 1 --background --guided
  ok
  says "| A GPU does the heavy arithmetic"
  says "|   container attach NAME"
  as alice container retire lab --yes --guided
  ok
  says "its GPU is free"
}

@test "twenty people deploy at once on four GPUs: nothing is given twice, and everybody is answered" {
  lab run root -- bash -c '
    for n in {01..20}; do useradd -l -m "student$n"; done
    for file in /etc/ds01/resource-limits.yaml /etc/ds01-lab/world.json; do cp "$file" "$file.before"; done
    sed -i "s/allow_full_gpu: false/allow_full_gpu: true/" /etc/ds01/resource-limits.yaml
    echo "{\"gpus\": [{\"model\": \"A100-40\", \"count\": 4}]}" >/etc/ds01-lab/world.json
    rm -f /run/ds01/board.json'
  as root bash -c '
    for n in {01..20}; do
      { /usr/lib/ds01-lab/as "student$n" container-deploy lab --image lab-python --gpus 1 --background \
          >"/tmp/$n.out" 2>&1 </dev/null; echo "$?" >"/tmp/$n.code"; } &
    done
    wait
    cat /tmp/[012][0-9].code | sort | uniq -c | tr -s " "
    # Every refusal says which GPUs are taken, or what is in the way.
    for n in {01..20}; do [[ $(<"/tmp/$n.code") == 0 ]] || grep -L "why:" "/tmp/$n.out"; done
    rm -f /tmp/[012][0-9].{out,code}'
  ok
  [[ "$output" == $' 4 0\n 16 3' ]]
  as root bash -c 'gpu-state by-container -o gpu_id | sort | uniq -c | tr -s " "; docker ps -q | wc -l'
  ok
  [[ "$output" == $' 1 0\n 1 1\n 1 2\n 1 3\n4' ]]
  # What the GPUs really are, in the containers themselves.
  as root bash -c 'docker ps -q | xargs -I{} docker exec {} sh -c "ls /dev/nvidia-lab" | sort | uniq -d'
  [[ "$output" == "" ]]
}

@test "one word for many: what is installed, the nearest verb, and limits by either name" {
  as alice container
  ok
  says "deploy"
  says "unpause"
  as alice container lst
  code 2
  says 'did you mean "container list"?'
  as alice get limits
  ok
  says "alice"
  as alice check limits
  ok
}
