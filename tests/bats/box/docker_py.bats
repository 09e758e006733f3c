#!/usr/bin/env bats
# docker_py.bats - Docker's client library for Python through the door: containers, streams, sockets, events

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
}

@test "docker-py does for alice, bob and the admin what it does without a door" {
  client docker-py
  lab run root -- tee /run/ds01-lab/docker_py.py <"$BATS_TEST_DIRNAME/clients_docker_py.py" >/dev/null
  lab run carol -- docker run -d --name other lab-python sleep 1000 >/dev/null 2>&1
  for who in alice bob; do
    as "$who" env PYTHONPATH=/opt/docker-py timeout 100 python3 -W ignore /run/ds01-lab/docker_py.py other
    ok
    diff - <(printf '%s\n' "$output") <<END
ping True True
run hello
exit 3 bad
event create
logs line 1 line 2 line 3
exec 4
demux out err
stream streamed
exec-socket 100000
attach-socket typed
stats $((64 << 20))
top UID
archive hostname True
reload True 32 ml True
list py2._.$who
mine 1 True
images True sha256:
network ['py2._.$who']
volume True True
wait 137
prune True
volumes-prune None
networks-prune None
past ['create', 'destroy', 'die']
gpu 1
closed 403 Permission denied: container owned by carol
END
    eventually leases_are "$who" 0
  done
  as admin env PYTHONPATH=/opt/docker-py timeout 100 python3 -W ignore /run/ds01-lab/docker_py.py other
  ok
  says "open other"
}
