#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# door.bats - the Docker door put in place, used by its people, and taken away without a trace
#
# Without the door, its setup, with it, and without it again.

load box.bash

DROP_IN=/etc/systemd/system/ds01-dfilter.socket.d

setup_file() {
  load box.bash
  # A run that was killed may have left it.
  lab run root -- setup-docker-permissions --uninstall --yes >/dev/null
  state >"$BATS_FILE_TMPDIR/before"
  # Where the door and the ledger write, so that what was not there goes again.
  lab run root -- ls -d /var/lib/ds01 /var/log/ds01 /run/ds01 >"$BATS_FILE_TMPDIR/folders" 2>/dev/null || :
}

teardown_file() {
  load box.bash
  local folders
  mapfile -t folders <"$BATS_FILE_TMPDIR/folders"
  lab run root -- bash -c '
    docker ps -aq | xargs -r docker rm -f
    gpu-alloc reconcile --apply
    rm -rf "$1"
    setup-docker-permissions --uninstall --yes
    systemctl start docker.socket docker.service
    systemctl stop ds01.slice
    rm -f /etc/systemd/system/ds01*.slice
    shift
    for folder in /var/lib/ds01 /var/log/ds01 /run/ds01; do
      [[ " $* " == *" $folder "* ]] || rm -rf "$folder"
    done' - "$DROP_IN" "${folders[@]}" >/dev/null 2>&1
}

# All that the setup touches, as text.
state() {
  lab run root -- bash -c '
    stat -c "%n %a %U:%G" /run/docker*.sock
    ls /etc/systemd/system/docker.socket.d /var/lib/ds01/docker-permissions 2>&1
    getent group docker ds01-admin ds01-dashboard
    getent passwd ds01-dashboard
    systemctl is-enabled docker.socket docker.service ds01-dfilter.socket
    systemctl is-active docker.socket docker.service ds01-dfilter.socket ds01-dfilter.service
    cat /etc/docker/daemon.json
    systemctl list-units --failed --plain --no-legend "docker*" "ds01-dfilter*"' || :
}
as_before() { diff "$BATS_FILE_TMPDIR/before" <(state); }
owned() { code 1 && says "Permission denied: container owned by $1"; }
with_door() { lab run root -- setup-docker-permissions --yes >/dev/null; }
door() { as root setup-docker-permissions "$@"; }

@test "without the door alice is refused, and only root may put it there" {
  as alice docker ps
  code 1
  says "permission denied"
  for command in setup-docker-permissions 'setup-docker-permissions --uninstall --yes' 'add-user-to-docker alice'; do
    # shellcheck disable=SC2086 # A command and its arguments.
    as alice $command
    code 5
    says "is for root"
  done
  as_before
}

@test "usage: no such option, nobody named, nobody known" {
  door --fly
  code 2
  as root add-user-to-docker
  code 2
  as root add-user-to-docker mallory
  code 4
  # 1001 is alice's uid, and nobody's name.
  as root add-user-to-docker 1001
  code 4
}

@test "without the door, to be added to the group docker takes a yes" {
  as root add-user-to-docker alice </dev/null
  code 2
  says "as mighty as root"
  as root add-user-to-docker --dry-run alice
  ok
  says "would add alice"
  as_before
  as root add-user-to-docker --yes alice
  ok
  as alice docker ps
  ok
  lab run root -- gpasswd -d alice docker
  as_before
}

@test "--dry-run says what it would do, and does nothing" {
  door --dry-run
  ok
  says "would move the daemon to /run/docker-real.sock"
  says "would put the door on /run/docker.sock"
  as_before
}

@test "where containers would be stopped it asks" {
  lab run root -- docker run -d --name runs lab-python sleep 1000 >/dev/null
  as root setup-docker-permissions </dev/null
  code 2
  says "running containers (1) are stopped"
  says "--yes"
  as_before
  lab run root -- docker rm -f runs
}

@test "a daemon that listens elsewhere too is refused" {
  lab run root -- bash -c 'echo DOCKER_OPTS=\"-H unix:///run/aside.sock\" >/etc/default/docker.new
    cp /etc/default/docker /root/default.kept; mv /etc/default/docker.new /etc/default/docker
    systemctl restart docker'
  door
  said=$status:$output
  lab run root -- bash -c 'cp /root/default.kept /etc/default/docker; systemctl restart docker
    rm -f /run/aside.sock /root/default.kept'
  [[ "$said" == 1:*"past the door"* ]]
  as_before
}

@test "a step that fails takes back those before it" {
  lab run root -- bash -c 'mkdir -p "$1"
    printf "[Socket]\nListenStream=\nListenStream=/proc/no/such.sock\n" >"$1/test.conf"
    systemctl daemon-reload' - "$DROP_IN"
  door
  said=$status:$output
  lab run root -- bash -c 'rm -rf "$1"; systemctl daemon-reload; systemctl reset-failed "ds01-dfilter*"' - "$DROP_IN"
  [[ "$said" == 1:*"going back"* ]]
  as_before
  as root docker ps
  ok
}

@test "the setup, and a second one that changes nothing" {
  door
  ok
  says "ok   real socket: /var/run/docker-real.sock has mode 600, owner 0:0"
  says "ok   door: /var/run/docker.sock answers"
  says "ok   engine: Docker"
  state >"$BATS_TEST_TMPDIR/once"
  door
  ok
  [[ "$output" == "nothing to change" ]]
  diff "$BATS_TEST_TMPDIR/once" <(state)
  as root add-user-to-docker alice
  ok
  says "nothing to change"
}

@test "alice uses Docker, and the real socket is closed to her" {
  with_door
  as alice docker run --rm lab-python id
  ok
  says "uid="
  as alice docker -H unix:///run/docker-real.sock ps
  code 1
  says "permission denied"
  # Membership of docker, which admin has, opens it no more.
  as admin docker -H unix:///run/docker-real.sock ps
  code 1
}

@test "a person's first container finds their slice made, with its limits; a start finds it again" {
  with_door
  lab run root -- bash -c 'systemctl stop ds01.slice; rm -f /etc/systemd/system/ds01*.slice'
  as alice docker run -d --name first lab-python sleep 1000
  ok
  as root systemctl show -P MemoryMax ds01-students-alice.slice
  [[ "$output" == 1073741824 ]]
  as root systemctl show -P ControlGroup ds01-students-alice.slice
  [[ "$output" == /ds01.slice/ds01-students.slice/ds01-students-alice.slice ]]
  lab run root -- bash -c 'docker stop -t 0 first; systemctl stop ds01.slice;
    systemctl set-property --runtime ds01-students-alice.slice MemoryMax=infinity' >/dev/null
  as alice docker start first
  ok
  as root systemctl show -P MemoryMax ds01-students-alice.slice
  [[ "$output" == 1073741824 ]]
  as alice docker rm -f first
  ok
}

@test "each sees and touches their own, an admin all" {
  with_door
  as alice docker run -d --name lab._.alice lab-python sleep 1000
  ok
  as bob docker run -d --name lab._.bob lab-python sleep 1000
  ok
  as alice docker ps --format '{{.Names}}'
  [[ "$output" == lab._.alice ]]
  as bob docker ps --format '{{.Names}}'
  [[ "$output" == lab._.bob ]]
  as admin docker ps --format '{{.Names}}'
  [[ $(sort <<<"$output") == $'lab._.alice\nlab._.bob' ]]
  for verb in 'exec lab._.alice true' 'inspect lab._.alice' 'logs lab._.alice' 'rm -f lab._.alice'; do
    # shellcheck disable=SC2086 # A verb and its arguments.
    as bob docker $verb
    owned alice
  done
  as alice docker exec lab._.alice cat /proc/self/cgroup
  ok
  says ds01-students-alice.slice
  lab run root -- docker rm -f lab._.alice lab._.bob
}

@test "--gpus 1 is one leased slot; over the quota it is refused and explained" {
  with_door
  as alice docker run -d --name gpu._.alice --gpus 1 lab-python sleep 1000
  ok
  as root gpu-state by-user alice
  ok
  leased=$(lab run root -- gpu-alloc status)
  [[ $(grep -c '"user": "alice"' <<<"$leased") == 1 ]]
  uuid=$(lab run root -- docker exec gpu._.alice ls /dev/nvidia-lab)
  [[ "$leased" == *"\"uuid\": \"$uuid\""* ]]
  as alice docker run --rm --gpus 1 lab-python true
  code 125
  says "alice holds 1 of 1 GPUs"
  says "resource-limits.yaml:3"
  lab run root -- docker rm -f gpu._.alice
  lab run root -- gpu-alloc reconcile --apply
  as alice docker run --rm --gpus 1 lab-python ls /dev/nvidia-lab
  ok
  lab run root -- gpu-alloc reconcile --apply
}

@test "a restart of the door loses no request" {
  with_door
  lab run alice -- bash -c 'for i in {1..60}; do docker ps -q || echo lost; done' >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  asking=$!
  for _ in {1..6}; do
    lab run root -- systemctl restart ds01-dfilter.service
    sleep 0.2
  done
  wait "$asking"
  [[ -z "$(<"$BATS_TEST_TMPDIR/said")" ]] || {
    cat "$BATS_TEST_TMPDIR/said"
    return 1
  }
}

@test "killed, the door comes back; the daemon restarted, it goes on" {
  with_door
  lab run root -- systemctl kill -s KILL ds01-dfilter.service
  eventually lab run alice -- docker ps -q
  lab run root -- systemctl restart docker.service
  eventually lab run alice -- docker ps -q
}

@test "two at once: one does it, the other finds it done" {
  lab run root -- setup-docker-permissions --uninstall >/dev/null
  lab run root -- bash -c 'for _ in 1 2; do setup-docker-permissions & done; wait' >"$BATS_TEST_TMPDIR/said"
  [[ $(grep -c "^put the door" "$BATS_TEST_TMPDIR/said") == 1 ]]
  [[ $(grep -c "^nothing to change" "$BATS_TEST_TMPDIR/said") == 1 ]]
  as alice docker ps
  ok
}

@test "interrupted, it goes back" {
  lab run root -- setup-docker-permissions --uninstall >/dev/null
  for delay in 0.05 0.1 0.2 0.3; do
    lab run root -- timeout "$delay" setup-docker-permissions >/dev/null || :
    # It was too late to stop it, or all is as it was.
    [[ $(lab run root -- setup-docker-permissions --dry-run) == "nothing to change" ]] || as_before
    lab run root -- setup-docker-permissions --uninstall >/dev/null
  done
  as_before
}

@test "a group of its making goes again, unless it has members" {
  lab run root -- setup-docker-permissions --uninstall >/dev/null
  lab run root -- bash -c '
    cp -p /etc/group /etc/gshadow /root/
    groupdel ds01-admin && setup-docker-permissions >/dev/null && getent group ds01-admin ds01-dashboard | wc -l
    setup-docker-permissions --uninstall >/dev/null; getent group ds01-admin ds01-dashboard | wc -l
    setup-docker-permissions >/dev/null && gpasswd -a alice ds01-admin
    setup-docker-permissions --uninstall >/dev/null; getent group ds01-admin ds01-dashboard | wc -l
    cp -p /root/group /root/gshadow /etc/; rm /root/group /root/gshadow' >"$BATS_TEST_TMPDIR/said"
  [[ $(grep -E '^[0-9]' "$BATS_TEST_TMPDIR/said") == $'2\n0\n1' ]]
  as_before
}

@test "the way back is open when the daemon is broken" {
  with_door
  lab run root -- systemctl stop docker.service docker.socket
  door --uninstall
  ok
  as_before
}

@test "uninstalled, all is as it was, and again changes nothing" {
  with_door
  door --uninstall --dry-run
  ok
  says "would undo: put the door on"
  as alice docker ps
  ok
  door --uninstall
  ok
  as_before
  door --uninstall
  ok
  [[ "$output" == "nothing to change" ]]
  as alice docker ps
  code 1
  says "permission denied"
  as root docker run --rm lab-python true
  ok
}
