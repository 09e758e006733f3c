#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# units.bats - the services beside the door: who owns what, and what became of leased GPUs

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
}

teardown() { clear_docker; }

teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- rm -rf /home/alice/own /home/bob/own
}

# NAME OWNER BY [FIELD VALUE]...: what the index says of a container.
index_says() {
  lab run root -- jq -e --arg name "$1" --arg owner "$2" --arg by "$3" '
    .containers[] | select(.name == $name) |
    (.owner // "nobody") == $owner and (.found_by // "nothing") == $by' /run/ds01/opa/container-owners.json >/dev/null
}
indexed() {
  eventually index_says "$@" || {
    lab run root -- jq -c '.containers[]' /run/ds01/opa/container-owners.json
    return 1
  }
}
# NAME: state and interface of a lease, or nothing.
lease() { lab run root -- gpu-alloc status | jq -r --arg name "$1" '.allocations[$name] | select(.) | .state'; }
lease_is() { [[ "$(lease "$1")" == "$2" ]]; }
# Past the door, as before it there was.
raw() { lab run root -- docker -H unix:///run/docker-real.sock "$@" >/dev/null; }

@test "owner-sync: six ways to find an owner, in their order" {
  lab run alice -- mkdir -p own
  lab run bob -- mkdir -p own/data
  raw create --name first._.bob -l ds01.user=alice -l aime.mlc.USER=bob lab-python
  raw create --name second._.alice -l aime.mlc.USER=bob lab-python
  raw create --name third -l devcontainer.local_folder=/home/alice/own -v /home/alice/own:/w lab-python
  raw create --name fourth._.carol lab-python
  raw create --name fifth -l com.docker.compose.project.working_dir=/home/bob/own -v /home/bob/own:/w lab-python
  raw create --name sixth -v /home/bob/own/data:/d lab-python
  raw create --name none lab-python
  indexed first._.bob alice ds01.user
  indexed second._.alice bob aime.mlc.USER
  indexed third alice devcontainer.local_folder
  indexed fourth._.carol carol name
  indexed fifth bob compose
  indexed sixth bob mount
  indexed none nobody nothing
  raw rename none none._.anna-lena
  indexed none._.anna-lena anna-lena name
  raw rm sixth
  gone() { ! index_says sixth bob mount; }
  eventually gone
  # The old place leads to the new.
  lab run alice -- jq -e '.admins | index("admin")' /var/lib/ds01/opa/container-owners.json
}

@test "owner-sync: none of the six can be forged, at the door or past it" {
  lab run alice -- mkdir -p own
  lab run alice -- ln -sfn /home/bob/own own/link
  lab run bob -- mkdir -p own
  # What is there without an owner's label: the files must agree.
  raw create --name f1 -l devcontainer.local_folder=/home/bob/own lab-python
  raw create --name f2._.bob -v /home/alice/own:/w lab-python
  raw create --name f3 -l com.docker.compose.project.working_dir=/home/bob/own -v /home/alice/own:/w lab-python
  raw create --name f4 -v /home/alice/own:/a -v /home/bob/own:/b lab-python
  raw create --name f5._.root lab-python
  indexed f1 nobody nothing
  indexed f2._.bob alice mount
  indexed f3 alice mount
  indexed f4 nobody nothing
  indexed f5._.root nobody nothing
  # At the door the label is the caller's, whatever they send.
  script_as alice 'docker create --name own1 -l ds01.user=bob lab-python'
  code 1
  script_as alice 'docker create --name own1 -l aime.mlc.USER=bob lab-python'
  code 1
  script_as alice 'docker create --name own3._.bob lab-python'
  code 1
  script_as alice 'docker create --name own2 -l devcontainer.local_folder=/home/bob/own -l com.docker.compose.project.working_dir=/home/bob/own lab-python'
  ok
  indexed own2 alice ds01.user
}

@test "owner-sync: a GPU that is nobody's is flagged; killed, the index comes back" {
  raw create --name wild --gpus 1 lab-python
  id=$(lab run root -- docker inspect -f '{{.Id}}' wild)
  flagged() { lab run root -- jq -e --arg id "${id:0:12}" '.flagged | index($id)' /run/ds01/opa/container-owners.json >/dev/null; }
  eventually flagged
  lab run root -- bash -c 'systemctl kill -s KILL ds01-owner-sync; rm -rf /run/ds01/opa'
  eventually flagged
}

@test "follow: stopped is held, started is held no more, removed is free, --rm is free at its end" {
  script_as alice 'docker run -d --init --name fol --gpus 1 lab-python sleep 1000 >/dev/null'
  ok
  [[ $(lease fol) == held ]]
  script_as alice 'docker stop -t 1 fol'
  eventually lease_is fol stopped
  lab run root -- gpu-alloc status | jq -e '.allocations.fol | .stopped_at != null and .hold_until != null'
  script_as alice 'docker start fol'
  eventually lease_is fol held
  script_as alice 'docker kill fol'
  eventually lease_is fol stopped
  script_as alice 'docker rm fol'
  eventually lease_is fol ''
  # One after the other, each with the only GPU alice may have.
  script_as alice 'docker run --rm --name fol --gpus 1 lab-python true'
  ok
  eventually lease_is fol ''
  # Renamed, the lease goes by the new name.
  script_as alice 'docker run -d --name fol --gpus 1 lab-python sleep 1000 >/dev/null; docker rename fol renamed'
  eventually lease_is renamed held
  [[ -z "$(lease fol)" ]]
}

@test "follow: what happens while it does not run is caught up with" {
  script_as alice 'docker run -d --name away --gpus 1 lab-python sleep 1000 >/dev/null'
  script_as bob 'docker run -d --name stays --gpus 1 lab-python sleep 1000 >/dev/null'
  lab run root -- systemctl stop ds01-gpu-follow
  script_as alice 'docker rm -f away'
  script_as bob 'docker kill stays'
  lab run root -- systemctl start ds01-gpu-follow
  eventually lease_is away ''
  eventually lease_is stays stopped
}

@test "follow: the daemon is restarted, and so is either end of the pipe" {
  script_as alice 'docker run -d --name thr --gpus 1 lab-python sleep 1000 >/dev/null'
  lab run root -- systemctl restart docker.service
  eventually lease_is thr stopped
  eventually lab run alice -- docker start thr >/dev/null
  eventually lease_is thr held
  for end in docker-events gpu-alloc; do
    lab run root -- pkill -KILL -f "^/usr/bin/$end"
    script_as alice 'docker kill thr'
    eventually lease_is thr stopped
    script_as alice 'docker start thr'
    eventually lease_is thr held
  done
  script_as alice 'docker rm -f thr'
  eventually lease_is thr ''
}
