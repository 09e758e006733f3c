#!/usr/bin/env bats
# shellcheck disable=SC2016 # Inner shells expand.
# tend.bats - containers listed, measured, read, stopped, paused and removed by their people, through the door
#
# Pitfalls 9 (only one's own), 13 (packages), 18 (several GPUs), 31, 36 (no terminal, dry runs), 37 (JSON).

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
  door_down
  lab run root -- bash -c 'rm -rf /home/*/workspace /home/*/requirements-*.txt'
}
teardown() { clear_docker; }

# NAME USER [FLAG...]: one that runs, ends when asked, and says so.
start() {
  local name=$1 user=$2
  shift 2
  as "$user" docker run -d --name "$name" "$@" lab-python \
    sh -c 'trap "echo asked to end; exit 0" TERM; echo ready; echo hot >&2; while :; do sleep 0.1; done'
  ok
  eventually lab run "$user" -- sh -c 'docker logs "$1" | grep -q ready' - "$name"
}

# JSON KEY...: values of one line, as Python writes them.
fields() {
  python3 -c 'import json, sys
item = json.loads(sys.argv[1])
print(*(item[key] for key in sys.argv[2:]), sep="\n")' "$@"
}
holds() { lab run root -- gpu-state by-container "$1" --json; }

@test "a list has the GPU, its profile and the time left, and what nobody tells is not known" {
  start train._.alice alice --gpus 1
  start b._.bob bob
  as alice container-list -o json
  ok
  [[ $(wc -l <<<"$output") == 1 ]]
  run fields "$output" name container user state gpu profile gpu_busy idle_since deadline gpu_hold_until
  [[ "$output" == $'train\ntrain._.alice\nalice\nrunning\n[\'0:0\']\n[\'3g.20gb\']\nNone\nNone\nNone\nNone' ]]
  as alice container-list train -o gpu,profile,gpu_memory
  [[ "$output" == $'0:0\t3g.20gb\t'*0* ]]
  as alice container-list --stopped
  says "you have no stopped container"
  # The board cannot be asked: no number, and the list all the same.
  as alice env DS01_NVML_LIB=/none container-list -o name,gpu,gpu_memory
  [[ "$output" == $'train\t0:0\t' ]]
  as alice env DS01_NVML_LIB=/none container-stats -o name,tasks,gpu_memory_used
  ok
  says $'train\t2\t'
  says 'GPU use is not known'
  as alice container-stats --everyone
  code 5
  as admin container-list --everyone -o user,name
  ok
  [[ "$output" == $'bob\tb._.bob\nalice\ttrain._.alice' ]]
}

@test "several GPUs have all their names" {
  as carol docker run -d --name two --gpus 2 lab-python sleep 1000
  as carol container-list -o gpu,profile
  [[ "$output" == $'0:0,0:1\t3g.20gb,2g.10gb' ]]
  as carol container-stop -t 0 two
  says 'GPUs 0:0 and 0:1 are kept for it until'
}

@test "a name is one's own, short or full, or an id; others' are refused with their owner" {
  start train._.alice alice
  start b._.bob bob
  id=$(lab run alice -- docker ps -q)
  for name in train train._.alice "$id"; do
    as alice container-list "$name" -o container
    [[ "$output" == train._.alice ]]
  done
  for verb in stop pause unpause remove logs list stats exit; do
    as alice "container-$verb" b._.bob
    code 5
    says "container owned by bob"
    as alice "container-$verb" trian
    code 4
    says 'did you mean `train`?'
  done
  as alice container-stop 'a/b'
  code 4
  as bob container-list -o state
  [[ "$output" == running ]]
  as admin container-list train
  code 4
  says 'train._.alice is called so'
  as alice env DOCKER_HOST=unix:///none.sock container-stop train
  code 6
}

@test "a dry run changes nothing, and pausing keeps the GPU" {
  start train._.alice alice --gpus 1
  as alice docker create --name never lab-python true
  begun=$(lab run root -- date +%s.%N)
  as alice container-cleanup --dry-run
  says 'never (created) would be removed'
  for verb in 'stop' 'stop --force' 'pause' 'remove --force' 'remove --force --save-packages'; do
    # shellcheck disable=SC2086 # A verb and its options.
    as alice container-$verb --dry-run train
    ok
    says 'dry run, nothing is changed'
    says 'would'
  done
  # The daemon has been asked and told nothing.
  as root bash -c 'docker events --since "$1" --until "$(date +%s.%N)" --filter type=container' - "$begun"
  ok
  [[ -z "$output" ]]
  as alice container-remove --yes never
  as alice container-list -o state
  [[ "$output" == running ]]
  as alice container-pause train
  ok
  says 'still holds GPU 0:0'
  as alice container-pause train
  ok
  says 'paused already'
  as alice container-unpause train
  says 'train goes on'
  as alice container-exit
  ok
  says 'It keeps GPU 0:0 while it runs'
  says 'stopped when it does nothing for 2 d'
}

@test "stopping asks it to end, keeps the GPU and says until when" {
  start train._.alice alice --gpus 1
  as alice container-pause train
  as alice container-stop train
  ok
  says 'train is stopped.'
  says 'GPU 0:0 is kept for it until'
  as alice container-logs train
  says 'asked to end'
  as alice container-stop train
  ok
  says 'is stopped already'
  eventually lab run alice -- sh -c '[ "$(container-list -o gpu,held_for_good)" = "0:0	false" ]'
  as alice container-list -o gpu_hold_until
  [[ "$output" == 20*Z ]]
  as alice container-unpause train
  code 1
  says 'container-start train'
}

@test "one that does not end is killed after its time, and that is said" {
  as alice docker run -d --name deaf lab-python sleep 1000
  as alice container-stop -t 1 deaf
  ok
  says 'did not end within 1 s'
  as alice docker start deaf
  as alice timeout --preserve-status -s INT 1 container-stop -t 5 deaf
  code 130
  says 'deaf may not have stopped yet'
  eventually lab run alice -- sh -c '[ "$(container-list deaf -o state)" = exited ]'
  as alice docker run -d --rm --name fleeting lab-python sleep 1000
  as alice container-stop --force fleeting
  ok
  says 'made to be removed'
}

@test "names come down a pipe, all are tried, and the worst code is the answer" {
  start a._.alice alice
  start b._.alice alice
  as alice bash -c 'set -o pipefail; container-list --running --json | container-stop --json -'
  ok
  [[ $(grep -c '"did":"stopped"' <<<"$output") == 2 ]]
  as alice container-remove --yes a nothing b._.bob b
  code 4
  says 'a is removed'
  says 'b is removed'
  says 'no container `nothing`'
  as alice bash -c 'container-stop </dev/null'
  code 2
  as alice bash -c 'container-stop --all </dev/null'
  ok
  says 'no running container'
}

@test "what it printed: both streams, the last lines, as it comes, and with a terminal" {
  start a._.alice alice
  as alice bash -c 'container-logs a --json'
  ok
  [[ $(sort <<<"$output") == *'"stream":"stderr","at":null,"text":"hot"'*'"stream":"stdout","at":null,"text":"ready"'* ]]
  as alice bash -c '(sleep 1; container-stop a >/dev/null) & timeout 60 container-logs -f a; wait'
  ok
  says 'asked to end'
  as alice container-logs -n 1 a
  [[ "$output" == 'asked to end' ]]
  as alice container-logs --since 2099-01-01 a
  ok
  [[ -z "$output" ]]
  as alice container-logs -n some a
  code 2
  as alice docker run -t --name tty lab-python echo from a terminal
  as alice container-logs tty
  [[ "$output" == 'from a terminal' ]]
}

@test "removing takes a yes, frees the GPU at once and leaves volumes" {
  start train._.alice alice --gpus 1 -v kept:/kept
  as alice container-remove --yes train
  code 1
  says 'container-stop train first'
  as alice container-remove --force train
  code 2
  says '--yes'
  as alice container-remove --yes --force --json train
  ok
  says '"gpu_freed":true'
  run holds train._.alice
  [[ "$output" != *'"held"'* ]]
  as alice docker volume ls -q
  says kept
}

@test "packages are written down with exact versions before they are lost, and overwrite nothing" {
  as alice docker run --name train._.alice lab-python sh -c 'cd /usr/lib/python3/dist-packages &&
    mkdir -p numpy-1.26.4.dist-info && touch numpy-1.26.4.dist-info/METADATA'
  ok
  lab run alice -- bash -c 'mkdir -p ~/workspace/train && echo mine >~/workspace/train/requirements-train.txt'
  as alice container-remove --yes --save-packages train
  ok
  says '/home/alice/workspace/train/requirements-train-2.txt'
  as alice bash -c 'cat ~/workspace/train/requirements-train.txt; tail -n 1 ~/workspace/train/requirements-train-2.txt'
  [[ "$output" == $'mine\nnumpy==1.26.4' ]]
  # Nowhere to write: the container stays.
  as alice docker run --name full._.alice lab-python sh -c 'mkdir -p /usr/lib/python3/dist-packages/x-1.dist-info'
  as root bash -c 'mkdir -p /home/alice/workspace/full && mount -t tmpfs -o size=4k,nr_inodes=1,mode=777 none /home/alice/workspace/full'
  as alice container-remove --yes --save-packages full
  code 1
  lab run root -- umount /home/alice/workspace/full
  as alice container-list -o name
  [[ "$output" == full ]]
}

@test "a clean-up is of one's own that stand still" {
  start runs._.alice alice
  as alice docker create --name never lab-python true
  as bob docker create --name his lab-python true
  as alice container-cleanup
  code 2
  as alice container-cleanup --older-than 1h --yes
  says 'nothing to clean up'
  as alice container-cleanup --yes -o name,did
  ok
  [[ "$output" == $'never\tremoved' ]]
  as alice container-list -o name
  [[ "$output" == runs ]]
  as bob container-list -o name
  [[ "$output" == his ]]
}

@test "at a terminal one chooses, and a no changes nothing" {
  start train._.alice alice
  as alice bash -c 'printf "9\ntrain\n" | script -qec container-stop /dev/null'
  ok
  says 'Which container do you want to stop?'
  says 'train is stopped.'
  as alice bash -c 'echo n | script -qec "container-remove train" /dev/null'
  ok
  says 'Remove train (exited)?'
  says 'nothing is removed'
  as alice bash -c 'printf "y\n" | script -qec "container-remove train" /dev/null'
  ok
  says 'train is removed'
  as alice bash -c 'echo | script -qec container-stop /dev/null'
  code 4
}

@test "watching repeats: lines of JSON in a pipe" {
  start train._.alice alice
  for command in container-list container-stats; do
    as alice bash -c "timeout 30 $command --watch=1 --json | head -n 2 | grep -c '\"name\":\"train\"'"
    [[ "$output" == 2 ]]
  done
}

@test "people with other names do the same" {
  for user in h.baker@hertie-school.lan 212345 anna-lena; do
    uid=$(lab run root -- id -u "$user")
    for suffix in "$uid" "$user"; do
      [[ "$suffix" != *@* ]] || continue
      as "$user" docker run -d --name "train._.$suffix" lab-python sleep 1000
      ok
      as "$user" container-stop -t 0 train
      ok
      as "$user" container-remove -y train -o name,did
      [[ "$output" == $'train\tremoved' ]]
    done
  done
}

@test "limits are told to whoever asks, by both names, with the place in line" {
  start train._.alice alice --gpus 1
  as root gpu-queue join --user alice
  as alice check-limits --json
  ok
  first=$(fields "$output" user containers gpus leases)
  says '"position": 1'
  as alice get-limits --json
  [[ $(fields "$output" user containers gpus leases) == "$first" ]]
  [[ "$first" == *"'used': 1.0"*"'0:0'"* ]]
  as alice get-limits bob
  code 5
  lab run root -- bash -c 'gpu-queue leave --user alice'
}

@test "inside a container, what is true of all is told" {
  as root docker run --rm -v /usr/bin/ds01:/usr/bin/container-exit:ro lab-python container-exit
  ok
  says 'ends that'
  says 'container-stop NAME'
}
