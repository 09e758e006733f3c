#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317,SC2154 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# gate.bats - what takes root, asked for by people: the door runs ds01's own tools for them, and no more

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
}

teardown_file() {
  load box.bash
  load clients.bash
  lab run root -- gpu-queue leave --all --user alice >/dev/null 2>&1 || :
  lab run root -- gpu-queue leave --all --user bob >/dev/null 2>&1 || :
  lab run root -- rm -f /usr/local/bin/docker
  door_down
}

# USER TOOL BODY: a request as it is, from Python of the box; the status and the answer.
ASK='
import socket, sys
tool, body = sys.argv[1], sys.argv[2].encode()
s = socket.socket(socket.AF_UNIX)
s.connect("/var/run/docker.sock")
s.sendall(b"POST /ds01/%s HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
          % (tool.encode(), len(body), body))
answer = b""
while True:
    piece = s.recv(65536)
    if not piece:
        break
    answer += piece
print(answer.split(b" ")[1].decode(), answer.split(b"\r\n\r\n", 1)[1].decode())'
asks() { as "$1" python3 -c "$ASK" "$2" "$3"; }
# STATUS CODE: what such a request got.
refused() { says "$1 {" && says "\"code\":\"$2\""; }

# The entries in line, as "user id" each.
waiting() { lab run root -- gpu-queue list -o user,id | tr '\t' ' '; }

@test "alice joins the line and sees her place; a dry run joins nobody" {
  as alice gpu-queue join --dry-run
  ok
  says "nothing is changed"
  [[ -z "$(waiting)" ]]
  as alice gpu-queue join --gpus 1 --for 2h --container train
  ok
  says "Position 1: 1 GPU slot for train"
  as alice gpu-queue position -o user,position
  ok
  [[ "$output" == $'alice\t1' ]]
  as bob gpu-queue list
  ok
  says alice
  # The same container again keeps its place.
  as alice gpu-queue join --container train -o id
  ok
  [[ "$(waiting)" == "alice $output" ]]
}

@test "bob cannot leave her entry, name her or speak for her; she can leave" {
  read -r _ id < <(waiting)
  as bob gpu-queue leave "$id"
  code 5
  says "is alice's"
  for line in "leave --user alice --all" "join --user alice" "join --user=1001"; do
    # shellcheck disable=SC2086 # Words.
    as bob gpu-queue $line
    code 5
    says "bob may not act for"
  done
  as bob check-limits alice
  code 5
  [[ "$(waiting)" == "alice $id" ]]
  as alice gpu-queue leave
  ok
  [[ -z "$(waiting)" ]]
}

@test "whoever cannot have a GPU is told how to wait for one, and does" {
  all=$(lab run root -- gpu-list --slots -o uuid | paste -sd,)
  id=$(lab run root -- gpu-reserve add --user carol --slot "$all" --for 2h -o id)
  as alice docker run --rm --gpus 1 lab-python true
  code 125
  says "gpu-queue join: position 1"
  as alice gpu-queue join
  ok
  says "Position 1"
  says "Start: by"
  as alice gpu-queue leave
  ok
  lab run root -- gpu-reserve cancel "$id"
}

@test "a request is judged by who asks, not by what it says" {
  asks alice gpu-queue '{"args":["join","--user","bob"]}'
  refused 403 gate.foreign_user
  asks alice gpu-queue '{"args":["join"],"user":"bob"}'
  refused 400 gate.body
  asks alice gpu-queue '{"args":["pass"]}'
  refused 403 gate.argument
  for tool in gpu-alloc slice-make sh ../bin/sh ds01; do
    asks alice "$tool" '{"args":[]}'
    [[ "$output" == 40[04]* ]]
  done
  asks alice limits-resolve '{"args":["--config","/etc/shadow"]}'
  refused 403 gate.argument
  asks alice ds01-events '{"args":["--file","/var/log/ds01/door.jsonl"]}'
  refused 403 gate.argument
  asks root gpu-alloc '{"args":["status"]}'
  refused 404 gate.tool
  as alice env DS01_CALLER_UID=0 DS01_CALLER_GID=0 DS01_CALLER_MAY_BE_ADMIN=yes gpu-queue join --user bob
  code 5
  [[ -z "$(waiting)" ]]
}

@test "an admin needs no root: bob is put in line, a slot is reserved and given up" {
  as admin gpu-queue join --user bob
  ok
  [[ "$(waiting)" == bob* ]]
  as admin gpu-queue leave --user bob --all
  ok
  as alice gpu-reserve add --for 1h
  code 5
  says "alice may not reserve GPUs"
  as admin gpu-reserve add --user alice --from 2099-01-01 --for 1h -o id
  ok
  id=$output
  as bob gpu-reserve cancel "$id"
  code 5
  as alice gpu-reserve list
  ok
  says 2099
  as admin gpu-reserve cancel "$id"
  ok
}

@test "everybody reads their own events, and nobody else's" {
  as alice docker run --rm --gpus 1 lab-python true
  ok
  as alice cat /var/log/ds01/events.jsonl
  code 1
  as alice ds01-events --json --last 20
  ok
  says '"gpu.allocate"'
  [[ "$output" != *'"user":"bob"'* ]]
  as bob ds01-events --json
  ok
  [[ "$output" != *'"user":"alice"'* ]]
  as bob ds01-events --user alice
  code 5
  as bob ds01-events --follow
  code 5
  as admin ds01-events --user alice --last 1
  ok
}

@test "limits that only root may read are told to each all the same" {
  lab run root -- chmod 640 /etc/ds01/resource-limits.yaml
  said=
  for line in 'alice 0 check-limits' 'alice 0 limits-resolve alice' 'alice 0 gpu-avail alice' 'alice 5 limits-resolve bob' \
    'alice 4 gpu-queue position' 'alice 5 check-limits bob' 'root 0 limits-resolve bob'; do
    read -r user wanted command <<<"$line"
    # shellcheck disable=SC2086 # A command and its arguments.
    as "$user" $command
    ((status == wanted)) || said+="$line: $status $output"$'\n'
  done
  lab run root -- chmod 644 /etc/ds01/resource-limits.yaml
  [[ -z "$said" ]] || {
    printf '%s' "$said"
    return 1
  }
}

@test "in a container one is its owner and never an admin" {
  lab run admin -- docker run -d --name inside -v /var/run/docker.sock:/var/run/docker.sock lab-python sleep 1000 >/dev/null
  run lab run root -- docker exec inside python3 -c "$ASK" gpu-queue '{"args":["join","--user","bob"]}'
  ok
  refused 403 gate.foreign_user
  run lab run root -- docker exec inside python3 -c "$ASK" gpu-reserve '{"args":["add","--for","1h"]}'
  ok
  says 'admin may not reserve GPUs'
  run lab run root -- docker exec inside python3 -c "$ASK" gpu-queue '{"args":["join","-o","user"]}'
  ok
  says '"stdout":"admin\n"'
  run lab run root -- docker exec inside python3 -c "$ASK" gpu-queue '{"args":["leave","-o","user"]}'
  ok
  lab run root -- docker rm -f inside
}

@test "root's own use goes past the door, and without a door people are told whom to ask" {
  lab run root -- systemctl stop ds01-dfilter.socket ds01-dfilter.service
  as root gpu-queue join --user alice
  ok
  as root gpu-queue leave --all --user alice
  ok
  as alice gpu-queue list
  ok
  as alice gpu-queue join
  code 6
  says "gpu-queue needs the Docker door"
  says "sudo gpu-queue"
  lab run root -- systemctl start ds01-dfilter.socket
  as alice gpu-queue list
  ok
}

@test "a tool ends with whoever asked for it, and nothing stays in line half" {
  lab run root -- bash -c 'mkdir -p /var/lib/ds01/gpu; exec 9>/var/lib/ds01/gpu/lock; flock 9; sleep 6' &
  holder=$!
  eventually lab run root -- bash -c '! flock -n /var/lib/ds01/gpu/lock true'
  lab run alice -- timeout 1 gpu-queue join || :
  gone() { ! lab run root -- pgrep -f '/gpu-queue join' >/dev/null; }
  eventually gone
  wait "$holder"
  [[ -z "$(waiting)" ]]
}

@test "a lease ends with its container, within seconds" {
  as alice docker run --rm --gpus 1 lab-python true
  ok
  eventually leases_are alice 0
  as alice docker run --rm --gpus 1 lab-python true
  ok
  eventually leases_are alice 0
}

@test "the services of the door come and go with it" {
  for unit in ds01-gpu-follow.service ds01-owner-sync.service ds01-gpu-reconcile.timer ds01-gpu-queue.timer; do
    as root systemctl is-active "$unit"
    ok
  done
  # The tools write where the service may.
  as root bash -c 'journalctl -u ds01-dfilter.service | grep -i "read-only file system"'
  code 1
}

@test "a loop of refusals does not fill the log" {
  refusals() { lab run root -- bash -c 'ds01-events --type auth.denied --user bob --json | wc -l'; }
  as bob bash -c 'for i in {1..200}; do docker -H unix:///var/run/docker.sock swarm init; done >/dev/null 2>&1; true'
  ok
  count=$(refusals)
  ((count > 0 && count < 100))
}

@test "docker-wrap in the place of docker labels what it makes, and nothing else changes" {
  lab run root -- ln -sf "$(lab run root -- which docker-wrap)" /usr/local/bin/docker
  as alice docker --log-level error run --rm lab-python sh -c 'cat /proc/self/cgroup; exit 7'
  code 7
  says ds01-students-alice.slice
  as alice bash -c 'echo through | docker run -i --rm lab-python cat'
  ok
  says through
  # Past the door, on root's socket, the labels are its own.
  as root env SUDO_UID=1002 DOCKER_HOST=unix:///run/docker-real.sock docker create --name wrapped lab-python echo --label x
  ok
  as root /usr/bin/docker -H unix:///run/docker-real.sock inspect -f '{{index .Config.Labels "ds01.user"}} {{.HostConfig.CgroupParent}} {{.Path}} {{.Args}}' wrapped
  ok
  [[ "$output" == "bob ds01-students-bob.slice echo [--label x]" ]]
  lab run root -- bash -c 'rm -f /usr/local/bin/docker; hash -r; docker rm -f wrapped'
}
