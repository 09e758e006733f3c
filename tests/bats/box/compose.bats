#!/usr/bin/env bats
# shellcheck disable=SC2016 # Inner shells expand.
# compose.bats - Docker Compose through the door: a project with a network, a volume, a health check and a GPU

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  for who in alice bob; do
    lab run "$who" -- bash -c 'mkdir -p shop && cat >shop/compose.yaml' <<'END'
services:
  web:
    image: lab-python
    command: python3 -m http.server 8000
    init: true
    volumes: [data:/data, .:/src]
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as r; r.urlopen('http://localhost:8000')"]
      interval: 500ms
      retries: 60
  job:
    image: lab-python
    command: sh -c 'echo job ready; exec sleep 1000'
    init: true
    depends_on: {web: {condition: service_healthy}}
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}
volumes: {data: }
END
  done
}

setup() { client compose; }

teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- rm -rf /home/alice/shop /home/bob/shop
}

# USER COMMAND...: in that person's project.
compose() {
  local user=$1
  shift
  script_as "$user" 'cd shop && docker compose --progress plain "$@" </dev/null' "$@"
}

@test "up, and the door's words about the GPU; ps, exec, cp, run, top, logs" {
  compose alice up -d
  ok
  says 'ds01: GPU '
  compose alice ps --format '{{.Service}} {{.State}} {{.Health}}'
  ok
  [[ "$(sort <<<"$output")" == $'job running \nweb running healthy' ]]
  compose alice exec -T job sh -c 'ls /dev/nvidia-lab | wc -l; python3 -c "import urllib.request as r; print(r.urlopen(\"http://web:8000\").status)"'
  ok
  is $'1\n200'
  script_as alice 'cd shop; echo in | docker compose exec -T job cat'
  is in
  script_as alice 'cd shop; script -qec "docker compose exec job tty" /dev/null </dev/null'
  says /dev/pts/
  compose alice run --rm -T web sh -c 'ls /src'
  says compose.yaml
  compose alice cp web:/etc/hostname copied
  ok
  compose alice logs --no-log-prefix job
  [[ "$output" == *"job ready" ]]
  compose alice top job
  says 'sleep 1000'
  [[ $(leases alice) == 1 ]]
}

@test "logs -f, events and a second up that changes nothing" {
  script_as alice 'cd shop; timeout 20 docker compose logs -f --no-log-prefix web | { grep -m1 -o "GET / HTTP"; pkill -u "$USER" -f "compose logs"; }'
  says 'GET / HTTP'
  script_as alice 'cd shop; exec 3< <(exec docker compose events)
    # It may not listen yet at the first.
    for _ in {1..5}; do
      docker compose restart -t 0 web 2>/dev/null
      while read -t 4 -r line <&3; do [[ "$line" != *"container restart"* ]] || { echo seen; break 2; }; done
    done; pkill -u "$USER" -f "compose events"'
  says seen
  compose alice up -d
  ok
  [[ "$output" != *Creat* && "$output" != *Recreate* ]]
}

@test "stop, start, pause, kill, scale, recreate" {
  script_as alice 'cd shop; exec 2>/dev/null </dev/null
    docker compose stop -t 0 web && docker compose start web && docker compose pause web && docker compose unpause web &&
      docker compose kill web && docker compose up -d --no-deps --force-recreate -t 0 web && docker compose ps -q web | wc -l
    docker compose up -d --no-deps --scale web=2 web && docker compose ps -q web | wc -l
    docker compose up -d --no-deps --scale web=1 web
    docker compose ls -q; docker compose images -q | sort -u | wc -l'
  ok
  is $'1\n2\nshop\n1'
}

@test "recreate: a service gets its GPU again, though its owner may have no second" {
  compose alice up -d --no-deps --force-recreate -t 0 job
  ok
  compose alice exec -T job sh -c 'ls /dev/nvidia-lab | wc -l'
  is 1
  [[ $(leases alice) == 1 ]]
}

@test "the word that recreates is no way past the limit" {
  script_as alice 'cd shop; old=$(docker compose ps -q job); docker create --name beside --label com.docker.compose.replace=$old --gpus 1 lab-python sleep 9 2>&1 | grep -c GPU
    docker start beside 2>&1; docker rm beside >/dev/null'
  says 'holds 1 of 1 GPUs'
  [[ $(leases alice) == 1 ]]
  script_as bob 'docker run --rm --label com.docker.compose.replace=shop-job-1 --gpus 1 lab-python sh -c "ls /dev/nvidia-lab" 2>/dev/null'
  ok
  [[ "$output" != "$(lab run alice -- bash -c 'cd shop; docker compose exec -T job ls /dev/nvidia-lab' </dev/null)" ]]
}

@test "two people's projects of one name stand side by side, and neither is the other's" {
  compose bob up -d
  ok
  compose bob ps --format '{{.Service}} {{.State}}'
  [[ "$(sort <<<"$output")" == $'job running\nweb running' ]]
  compose bob exec -T web sh -c 'echo of bob >/data/mark; cat /data/mark'
  is "of bob"
  compose bob exec -T job python3 -c 'import urllib.request as r; print(r.urlopen("http://web:8000").status)'
  is 200
  compose alice exec -T web ls /data
  [[ -z "$output" ]]
  compose bob up -d
  ok
  [[ "$output" != *Creat* && "$output" != *Recreate* ]]
  compose alice down -v -t 0
  ok
  compose bob exec -T web cat /data/mark
  is "of bob"
  compose bob down -v -t 0
  ok
}

@test "down -v leaves nothing, and the GPU is free again" {
  for who in alice bob; do
    script_as "$who" 'docker ps -aq; docker volume ls -q; docker network ls -q --filter label=com.docker.compose.project'
    ok
    [[ -z "$output" ]]
    eventually leases_are "$who" 0
  done
}

@test "build: what compose builds is one's own image, and up runs it" {
  script_as bob 'mkdir -p shop/app && cd shop/app && printf "FROM lab-python\nRUN echo built >/mark\n" >Dockerfile
    printf "services: {app: {build: ., command: sh -c \"cat /mark; sleep 6\"}}" >compose.yaml
    docker compose build </dev/null >/dev/null 2>&1 && docker compose run --rm -T app </dev/null 2>/dev/null
    docker compose up -d </dev/null 2>/dev/null; docker compose wait app | grep -o "code 0"; docker compose down </dev/null 2>/dev/null
    docker images --format "{{.Repository}}" | grep app'
  ok
  is $'built\ncode 0\nds01-bob/app-app'
}
