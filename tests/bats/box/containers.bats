#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2317 # Inner shells expand; functions that `eventually` calls.
# containers.bats - containers made, started and worked in by their people, through the door

load box.bash
load clients.bash
load terminal.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
}
teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- bash -c 'rm -rf /home/*/workspace /home/*/mine /data /etc/ds01/ml_images.repo'
}
teardown() { clear_docker; }

limits=/etc/ds01/resource-limits.yaml
# SED-SCRIPT: the limits changed for one test.
limits_are() { lab run root -- bash -c 'cp -n "$1" "$1.before"; sed -i "$2" "$1"' - "$limits" "$1"; }
limits_back() { lab run root -- mv -f "$limits.before" "$limits"; }
containers_of() { lab run "$1" -- docker ps -aq | wc -l; }

@test "pitfall 28: everybody is themselves inside, and what they write is theirs outside" {
  for user in alice anna-lena 212345 h.baker@hertie-school.lan; do
    as "$user" container-create train --image lab-python --cpu-only
    ok
    as "$user" container-run train -- sh -c 'whoami; id -un; id -gn; id -u; id -g; echo "$HOME"; cd; pwd; pwd -P
      echo x >/workspace/made; touch ~/own; cd /workspace; pwd'
    ok
    uid=$(lab run "$user" -- id -u)
    home=/home/$user
    is "$(printf '%s\n' "$user" "$user" "$user" "$uid" "$uid" "$home" "$home" "$home" /workspace)"
    as "$user" stat -c '%u:%g' workspace/train/made
    is "$uid:$uid"
    # docker exec is them as well, and so is Python's own look-up.
    full=$(lab run "$user" -- container-list train -o container)
    as "$user" docker exec "$full" python3 -c 'import getpass, pwd, os; print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_dir)'
    is "$user $home"
    # Nothing that is as long as a uid is large.
    as "$user" docker exec "$full" sh -c 'find / -xdev -size +200M 2>/dev/null; :'
    is ''
  done
  as alice container-list -o name
  is train
}

@test "pitfall 33: the image is as it was, and the next one knows nobody" {
  before=$(lab run root -- docker image inspect -f '{{.Id}}' lab-python)
  as alice container-create train --image lab-python --cpu-only
  ok
  [[ $(lab run root -- docker image inspect -f '{{.Id}}' lab-python) == "$before" ]]
  as root docker run --rm lab-python id alice
  code 1
}

@test "a GPU comes through the door, and is told to programs and people" {
  as alice container-create train --image lab-python
  ok
  says "train is created, of lab-python, with GPU 0:"
  says "/workspace is /home/alice/workspace/train"
  leases_are alice 1
  as alice container-run train -- ls -d /dev/nvidiactl
  ok
  as bob container-create train --image lab-python -o container,gpus
  ok
  is $'train._.bob\t1'
  as bob container-attach train._.alice
  code 5
  says "owned by alice"
}

@test "pitfall 6: --cpu-only gives none, whatever the image says" {
  as root bash -c 'printf "FROM lab-python\nENV NVIDIA_VISIBLE_DEVICES=all\n" | DOCKER_BUILDKIT=0 docker build -q -t greedy -'
  ok
  as alice container-create none --image greedy --cpu-only
  ok
  says "with no GPU"
  as alice container-run none -- sh -c 'echo "$NVIDIA_VISIBLE_DEVICES"; ls -d /dev/nvidia* 2>/dev/null | wc -l'
  is $'void\n0'
  leases_are alice 0
}

@test "pitfall 7: nothing is added to what a container may do" {
  as alice container-create plain --image lab-python --cpu-only
  ok
  as alice docker inspect -f '{{.HostConfig.CapAdd}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}} {{.HostConfig.NetworkMode}}' plain._.alice
  [[ "$output" == "[] false [] "* ]]
  [[ "$output" != *host ]]
  as alice docker inspect -f '{{index .Config.Labels "ds01.interface"}} {{index .Config.Labels "ds01.user"}}' plain._.alice
  is "atomic alice"
}

@test "the exit code, the input and both outputs are the command's own" {
  as alice container-create train --image lab-python --cpu-only
  ok
  as alice container-run train -- sh -c 'exit 7'
  code 7
  as alice container-run train -- no-such-command
  [[ $status == 126 || $status == 127 ]]
  as alice bash -c 'seq 100000 | container-run train -- cat | tail -n 1'
  is 100000
  as alice bash -c 'container-run train -- sh -c "echo out; echo err >&2" 2>/dev/null'
  is out
  as alice bash -c 'echo "echo typed; exit 3" | container-run train'
  code 3
  is typed
  # Pitfall 4: what stands behind the dashes is the program's.
  as alice container-run train -- echo --gpus 4 -h
  is "--gpus 4 -h"
}

@test "pitfall 30, 31: a terminal with a prompt; leaving it with a failure stops nothing and says what goes on" {
  as alice container-create train --image lab-python --cpu-only
  ok
  as alice container-attach train
  code 1
  says "container-run train"
  sits alice "stty rows 40 cols 100; container-run train"
  sees '[train] alice:/workspace$'
  types 'tty; stty size; ll -d /workspace; sleep 300 & false'
  sees '/dev/pts/'
  sees '40 100'
  sees 'alice alice'
  types 'exit 9'
  ends
  code 9
  says "train goes on"
  says "stopped when it does nothing for 2 d"
  as alice docker top train._.alice
  says "sleep 300"
  # A second terminal's end is no business of the first's.
  sits alice "container-attach train"
  sees 'alice:/workspace$'
  as alice container-run train -- true
  ok
  types 'echo still $((40 + 2))'
  sees 'still 42'
  types 'echo $((40 + 3)); exec sleep 4321'
  sees 43
  presses $'\x1d'
  presses $'\x1d'
  ends
  ok
  says "terminal was left"
  as alice docker top train._.alice
  says "sleep 4321"
}

@test "it ends at once when it is told to, and comes back with its GPU" {
  as alice container-create train --image lab-python
  ok
  as alice container-start train
  ok
  says "train runs."
  as alice container-start train
  ok
  says "already"
  as alice container-run train -- sh -c 'echo kept >~/note'
  gpu=$(lab run alice -- container-list train -o gpu)
  as alice container-stop train -o exit_code
  is 143
  as alice container-start train -o did,gpu
  is $'started\t'"$gpu"
  as alice container-run train -- sh -c 'cat ~/note'
  is kept
  as alice container-pause train
  ok
  as alice container-start train -o did
  is unpaused
}

@test "whoever has its GPU now is named at the start" {
  # A hold of nothing: the GPU is free as soon as it stops.
  limits_are 's/gpu_hold_after_stop:.*/gpu_hold_after_stop: "0s"/'
  as alice container-create old --image lab-python
  ok
  as alice container-start old
  ok
  uuid=$(lab run alice -- container-list old -o gpu_uuids)
  as alice container-stop old
  ok
  eventually leases_are alice 0
  limits_back
  as bob docker run -d --name taker --gpus "device=${uuid//[\[\]\"]/}" lab-python sleep 300
  ok
  as alice container-start old
  code 3
  says "old is not started"
  says "taker"
  says "/workspace stays"
}

@test "a name that is none is refused with what is allowed" {
  long=$(printf 'x%.0s' {1..200})
  for name in 'a b' a/b ../x .hidden -- "$long" train._.bob '' 'ä' 'a;b'; do
    as alice container-create --image lab-python --cpu-only -- "$name"
    code 2
    [[ "$output" == *"name"* ]]
  done
  [[ $(containers_of alice) == 0 ]]
  as alice ls workspace
  [[ "$output" != *..* && "$output" != *hidden* ]]
}

@test "a missing image is 4 and names what is alike; an odd one is 2" {
  as alice container-create tt --image lab-pyton --cpu-only
  code 4
  says "lab-python"
  as alice container-create tt --image 'no image' --cpu-only
  code 2
  as alice container-create tt --cpu-only
  code 2
  says "--image"
  [[ $(containers_of alice) == 0 ]]
}

@test "one's own image of that name is taken where none is named" {
  as alice bash -c 'printf "FROM lab-python\nENV MINE=yes\n" | DOCKER_BUILDKIT=0 docker build -q -t built -'
  ok
  as alice container-create built --cpu-only -o image
  ok
  is ds01-alice/built
  as alice container-create other --image built --cpu-only
  ok
  as alice container-run other -- printenv MINE
  is yes
}

@test "directories: made with one's own rights, one's own refused words for others'" {
  as root bash -c 'mkdir -p /data/faces; chmod 755 /data /data/faces'
  as alice mkdir -p mine/models
  as alice container-create tt --image lab-python --cpu-only -w mine/work -d /data/faces -m mine/models
  ok
  says "/data is /data/faces, for reading"
  as alice stat -c %U mine/work
  is alice
  as alice container-run tt -- sh -c 'touch /models/m /workspace/w && ! touch /data/d'
  ok
  as alice container-create uu --image lab-python --cpu-only -w /home/bob
  code 5
  as alice container-create uu --image lab-python --cpu-only -w /etc
  code 5
  as alice container-create uu --image lab-python --cpu-only -d /etc
  code 5
  says "may not be mounted"
  as alice container-create uu --image lab-python --cpu-only -d mine/none
  code 4
  as alice container-create uu --image lab-python --cpu-only -w .bashrc
  code 2
}

@test "a dry run changes nothing anywhere" {
  journal() { lab run root -- bash -c 'cat /var/lib/ds01/gpu/journal 2>/dev/null | sha256sum'; }
  before=$(journal)
  as alice container-create dry --image lab-python --dry-run -o dry_run,container,image_is_here
  is $'true\tdry._.alice\ttrue'
  [[ $(journal) == "$before" && $(containers_of alice) == 0 ]]
  as alice ls workspace/dry
  code 2
  as alice container-create --show-limits
  says "GPUs at once                 1"
}

@test "the catalogue's frameworks are images" {
  as root bash -c 'printf "Pytorch, 2.7.1, [CUDA_ADA;CUDA_AMPERE;CUDA_BLACKWELL], lab-python\nPytorch, 2.10.0, CUDA_AMPERE, new\n" >/etc/ds01/ml_images.repo'
  as alice env MLC_ARCH=cuda_ada container-create --frameworks -o framework,version,image
  is $'Pytorch\t2.7.1\tlab-python'
  as alice env MLC_ARCH=CUDA_AMPERE container-create tt pytorch 2.7.1 --cpu-only -o image
  is lab-python
  as alice container-create uu pytorch 1.0 --cpu-only
  code 4
  says "2.7.1"
  as alice container-create uu tensorflow --cpu-only
  code 4
}

@test "at a limit all is said, and at a terminal something else can be had at once" {
  as alice container-create first --image lab-python
  ok
  as alice container-create second --image lab-python
  code 3
  says "you hold 1 of the 1 GPU "
  says "container-retire first"
  sits alice "container-create second --image lab-python"
  sees "What would you rather have?"
  types cpu-only
  ends
  ok
  says "with no GPU"
  as alice container-create third --image lab-python --cpu-only
  ok
  as alice container-create fourth --image lab-python --cpu-only
  code 3
  says "you have 3 of 3 containers"
}

@test "limits at zero are limits" {
  limits_are 's/max_containers_per_user:.*/max_containers_per_user: 0/'
  as alice container-create tt --image lab-python --cpu-only
  limits_back
  code 3
  says "0 of 0 containers"
}

@test "--wait stands in line until a GPU is free; Ctrl-C leaves the line" {
  as alice container-create first --image lab-python
  ok
  sits alice "container-create second --image lab-python --wait"
  sees "in line"
  presses $'\x03'
  ends
  code 130
  as alice gpu-queue position
  code 4
  sits alice "container-create second --image lab-python --wait"
  sees "in line"
  as alice container-remove --yes first
  ok
  # The timer's work, sooner.
  passed() { lab run root -- gpu-queue pass >/dev/null && [[ $(containers_of alice) == 1 ]]; }
  eventually passed
  ends
  ok
  says "second is created"
  as alice container-create third --image lab-python --wait --wait-at-most 1s
  code 3
  says "in time"
  as alice gpu-queue position
  code 4
}

@test "a client killed at any moment leaves no lease without a container, and none that cannot be used" {
  # Where nobody hears of the container, its lease ends by itself.
  limits_are 's/gpu_allocation: {/gpu_allocation: {pending_deadline: 5s, /'
  for ms in 005 015 025 035 050 070 090 120; do
    as bob bash -c 'timeout -s KILL 0.$1 container-create "k$1" --image lab-python >/dev/null 2>&1; :' - "$ms"
    for name in $(lab run bob -- container-list -o name); do
      as bob container-run "$name" -- whoami
      ok
      is bob
      as bob container-remove --yes --force "$name"
      ok
    done
  done
  # Both of the slots that he may have are his to take.
  for name in last1 last2; do
    eventually lab run bob -- container-create "$name" --image lab-python
  done
  limits_back
  leases_are bob 2
}

@test "an image with sh alone lives, ends, and has a shell" {
  as root bash -c 'set -e; d=$(mktemp -d); mkdir -p "$d/bin"; cp /bin/dash "$d/bin/sh"
    ldd /bin/dash | grep -o "/[^ ]*" | while read -r lib; do install -D "$lib" "$d$lib"; done
    tar -C "$d" -c . | docker import - bare; rm -r "$d"'
  ok
  as alice container-create tt --image bare --cpu-only
  ok
  as alice bash -c 'echo "echo \$HOME; echo x >/workspace/x" | container-run tt'
  ok
  is /home/alice
  as alice stat -c %U workspace/tt/x
  is alice
  as alice container-stop tt -o exit_code
  is 143
}

@test "pitfall 29: under sudo it is the person's" {
  as root env SUDO_UID=1001 container-create mine --image lab-python --cpu-only -o container
  ok
  is mine._.alice
  as root docker inspect -f '{{index .Config.Labels "ds01.user"}} {{.HostConfig.CgroupParent}}' mine._.alice
  is "alice ds01-students-alice.slice"
  as alice stat -c %U workspace/mine
  is alice
}

@test "without Docker it is 6, and says so" {
  as alice env DOCKER_HOST=unix:///run/nobody.sock container-create tt --image lab-python --cpu-only
  code 6
  says "cannot reach Docker"
}

@test "with Docker stopped behind the door it is 6, and nothing is left" {
  lab run root -- systemctl stop docker.socket docker.service
  as alice container-create tt --image lab-python
  lab run root -- systemctl start docker.socket docker.service
  code 6
  as alice container-list -o name
  is ''
  eventually leases_are alice 0
}

@test "without a board a GPU is 6, and the way without one is named" {
  library=/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1
  lab run root -- bash -c 'mv "$1" "$1.away"; rm -f /run/ds01/board.json; systemctl restart ds01-dfilter.service' - "$library"
  as alice container-create tt --image lab-python
  lab run root -- bash -c 'mv "$1.away" "$1"; systemctl restart ds01-dfilter.service' - "$library"
  code 6
  says "--cpu-only"
  [[ $(containers_of alice) == 0 ]]
}
