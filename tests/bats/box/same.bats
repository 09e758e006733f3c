#!/usr/bin/env bats
# shellcheck disable=SC2016 # Inner shells expand.
# same.bats - one GPU by the docker command, by compose and by docker-py is the same to ledger, slice and index, whoever asks

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
}

setup() {
  client compose
  client docker-py
}

teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- bash -c 'rm -rf /home/*/same'
}

RUN=(
  'docker docker run -d --name "$name" --gpus 1 lab-python sleep 1000'
  'compose mkdir -p same; cd same; printf "services: {job: {image: lab-python, container_name: $name, command: sleep 1000, deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1}]}}}}}" >compose.yaml; docker compose up -d'
  'api PYTHONPATH=/opt/docker-py python3 -W ignore -c "import sys, docker; docker.from_env().containers.run(\"lab-python\", [\"sleep\", \"1000\"], name=sys.argv[1], detach=True, device_requests=[docker.types.DeviceRequest(count=1, capabilities=[[\"gpu\"]])])" "$name"'
)

# USER SLICE: by each client; all that is written about it agrees.
each_client() {
  local user=$1 slice=$2 entry name facts
  for entry in "${RUN[@]}"; do
    name=same-${entry%% *}
    script_as "$user" "name=$name; { ${entry#* }; } </dev/null"
    ok
    facts=$(lab run root -- bash -c '
      id=$(docker inspect -f "{{.Id}}" "$1") pid=$(docker inspect -f "{{.State.Pid}}" "$1")
      gpu-alloc status | jq -r --arg name "$1" --arg id "$id" ".allocations[\$name] | [.user, .state, (.slots | length), .container_id == \$id] | @tsv"
      grep -oE "[^/]*/docker-" /proc/$pid/cgroup | sort -u
      docker inspect -f "{{index .Config.Labels \"ds01.user\"}} {{index .Config.Labels \"ds01.gpu.slots\"}}" "$1" | sed "s/ [0-9:]*$/ slot/"
      uuid=$(docker exec "$1" ls /dev/nvidia-lab)
      gpu-alloc status | jq -r --arg name "$1" --arg uuid "$uuid" ".allocations[\$name].slots[0].uuid == \$uuid"
      for _ in {1..100}; do
        row=$(jq -r --arg id "${id:0:12}" ".containers[\$id] | select(.) | [.owner, .owner_uid, .has_gpu, .ds01_managed, .found_by] | @tsv" /run/ds01/opa/container-owners.json)
        [[ -z "$row" ]] || break
        sleep 0.1
      done
      echo "$row"
      docker rm -f "$1" >/dev/null' - "$name")
    diff - <(printf '%s\n' "$facts") <<END
$user	held	1	true
$slice/docker-
$user slot
true
$user	$(lab run root -- awk -F: -v name="$user" '$1 == name { print $3 }' /etc/passwd)	true	true	ds01.user
END
    eventually leases_are "$user" 0
  done
}

@test "alice" { each_client alice ds01-students-alice.slice; }
@test "a name with a domain" { each_client h.baker@hertie-school.lan 'ds01-students-h_baker_hertie\x2dschool_lan.slice'; }
@test "a name with a hyphen" { each_client anna-lena 'ds01-students-anna\x2dlena.slice'; }
@test "a name of digits" { each_client 212345 ds01-students-212345.slice; }
