#!/usr/bin/env bats
# life.bats - the box comes back from anything, and goes without a trace
#
# On a box of its own, so that what happens to it hurts no other suite.

load box.bash

setup_file() {
  export DS01_LAB_NAME=$DS01_LAB_NAME-life
  "$BATS_TEST_DIRNAME/../../lab/lab" up >/dev/null
}
teardown_file() { "$BATS_TEST_DIRNAME/../../lab/lab" down; }

cache=${DS01_LAB_CACHE:-/var/cache/ds01-lab}
nap=1$$ # Seconds, and no other run's.

box_init() { cat "$cache/boxes/$DS01_LAB_NAME/pid"; }
cgroups() { find /sys/fs/cgroup -maxdepth 4 -type d -name "ds01-lab-$DS01_LAB_NAME*"; }

@test "up on a running box starts nothing anew" {
  before=$(box_init)
  run lab up
  ok
  says "lab-shell"
  [[ $(box_init) == "$before" ]]
}

@test "killed, it comes back with what was in it" {
  as alice bash -c 'echo kept >note'
  as root docker create --name kept lab-python
  ok
  kill -KILL "$(box_init)"
  stopped() { [[ $(lab status) == *stopped* ]]; }
  eventually stopped
  as alice cat note
  code 1
  says "no box is running"
  says "make lab"
  run lab logs -n 5
  ok
  run lab up
  ok
  as alice cat note
  ok
  [[ "$output" == kept ]]
  as root docker inspect -f '{{.State.Status}}' kept
  ok
  [[ "$output" == created ]]
}

@test "killed while a container runs, it leaves no process and no cgroup on the host" {
  lab run root -- docker run -d lab-python sleep "$nap" >/dev/null
  pgrep -xf "sleep $nap" >/dev/null
  kill -KILL "$(box_init)"
  gone() { ! pgrep -xf "sleep $nap" >/dev/null; }
  eventually gone
  run lab up
  ok
  as root systemctl is-system-running
  [[ "$output" == running ]]
}

@test "a changed command is brought into a running box" {
  lab run root -- rm /usr/lib/ds01-lab/as.new 2>/dev/null || :
  lab run root -- touch /etc/ds01/mine
  rm "$cache/boxes/$DS01_LAB_NAME/furnished"
  before=$(box_init)
  run lab up
  ok
  [[ $(box_init) == "$before" ]]
  as root ls /etc/ds01/mine
  ok
}

@test "reset throws away what was in it" {
  as alice bash -c 'echo lost >note'
  run lab reset
  ok
  as alice ls note
  code 2
}

@test "a box of an earlier recipe is refused by up, and reset makes it anew" {
  echo 0000000000000000 >"$cache/boxes/$DS01_LAB_NAME/recipe"
  run lab up
  code 1
  says "another version"
  says "lab-reset"
  run lab reset
  ok
}

@test "a start whose command was killed is finished by the next" {
  lab down
  for stage in boxes/$DS01_LAB_NAME.new/upper boxes/$DS01_LAB_NAME/cgroups boxes/$DS01_LAB_NAME/pid; do
    "$TREE/tests/lab/lab" up >/dev/null 2>&1 3>&- &
    command=$!
    reached() { [[ -e "$cache/$stage" ]] || ! kill -0 "$command" 2>/dev/null; }
    eventually reached
    kill -KILL "$command" || :
    run lab up
    ok
    as root systemctl is-system-running
    [[ "$output" == running ]]
    as alice limits-resolve alice
    ok
    lab down
  done
  lab up >/dev/null
}

@test "another clone cannot take or end a box by its name" {
  echo / >"$cache/boxes/$DS01_LAB_NAME/tree"
  for verb in up down; do
    run lab "$verb"
    code 1
    says "is taken"
    says "DS01_LAB_NAME"
  done
  echo "$TREE" >"$cache/boxes/$DS01_LAB_NAME/tree"
}

@test "down leaves nothing: no process, cgroup, mount or file" {
  lab run root -- docker run -d lab-python sleep "$nap" >/dev/null
  run lab down
  ok
  [[ ! -e "$cache/boxes/$DS01_LAB_NAME" ]]
  [[ -z "$(cgroups)" ]]
  run pgrep -xf "sleep $nap"
  code 1
  run grep -F "$cache/boxes/$DS01_LAB_NAME/" /proc/self/mountinfo
  code 1
  run lab status
  code 4
  says none
  run lab down
  ok
}
