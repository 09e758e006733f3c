#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2317 # Inner shells expand; functions that `eventually` calls.
# build.bats - images built through the door: by the classic builder, BuildKit, buildx and compose

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  for who in alice bob; do
    lab run "$who" -- bash -c '
      mkdir -p made && cd made
      printf "FROM lab-python\nCOPY word /word\nRUN cat /word > /said\n" >Dockerfile
      printf "%s\n" "$USER" >word
      printf "services: {web: {build: ., image: composed}}\n" >compose.yaml'
  done
}

teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- rm -rf /home/alice/made /home/bob/made
}

# USER WORDS ARGUMENT...: a build in that person's directory, by the client that the words name.
build() {
  local user=$1 client=$2
  shift 2
  script_as "$user" "cd made && $client"' "$@" </dev/null' "$@"
}

ways=(
  'DOCKER_BUILDKIT=0 docker build'
  'DOCKER_BUILDKIT=1 docker build'
  'docker buildx build --load'
)

@test "each way of building: one's own name, one's own image, one's own label" {
  client compose
  for way in "${ways[@]}"; do
    for who in alice bob; do
      build "$who" "$way" -t built .
      ok
      script_as "$who" 'docker run --rm built cat /said'
      is "$who"
      script_as "$who" 'docker image inspect -f "{{index .Config.Labels \"ds01.user\"}} {{.RepoTags}}" built'
      is "$who [ds01-$who/built:latest]"
    done
    script_as alice 'docker rmi built'
    ok
    # What is left under that name is bob's, and nothing to alice.
    script_as alice 'docker run --rm built cat /said'
    code 125
    script_as bob 'docker rmi built'
    ok
  done
}

@test "compose build, and up with what it built" {
  client compose
  build alice 'docker compose build'
  ok
  build alice 'docker compose run --rm web' cat /said
  ok
  says alice
  build alice 'docker compose down'
  script_as bob 'docker run --rm composed true'
  code 125
}

@test "another's name and the host's network are refused by each way, in words" {
  client compose
  for way in "${ways[@]}"; do
    build alice "$way" -t ds01-bob/built .
    code 1
    says 'the image name `ds01-bob/built` is not yours'
    says 'use ds01-alice/NAME'
    build alice "$way" --network host .
    code 1
    says 'do:'
  done
  script_as alice 'printf "services: {web: {build: ., image: ds01-bob/x}}\n" >made/bobs.yaml'
  build alice 'docker compose -f bobs.yaml build'
  [[ "$status" != 0 ]]
  says 'is not yours'
  script_as alice 'docker buildx prune -f'
  code 1
  says 'is for admins'
}

@test "secrets and a context of 64 MB over the session" {
  client compose
  script_as alice 'cd made; mkdir -p big; head -c 64000000 /dev/zero >big/file; echo hush >token
    printf "FROM lab-python\nCOPY file /file\nRUN --mount=type=secret,id=t cat /run/secrets/t /file | wc -c >/size\n" >big/Dockerfile'
  for way in "${ways[@]:1}"; do
    build alice "$way" --secret id=t,src=token -t big big
    ok
    script_as alice 'docker run --rm big cat /size'
    is 64000005
    script_as alice 'docker rmi big'
  done
  script_as alice 'rm -r made/big made/token'
}

no_sleeper() { ! lab run root -- pgrep -f '^sleep 98765' >/dev/null; }
sleeper() { ! no_sleeper; }

@test "a build that is given up leaves nothing running" {
  client compose
  script_as alice 'mkdir -p made/slow; printf "FROM lab-python\nRUN exec sleep 98765\n" >made/slow/Dockerfile'
  for way in "${ways[@]:1}"; do
    for signal in INT KILL; do
      lab run alice -- bash -c "cd made; exec env $way slow" >/dev/null 2>&1 3>&- &
      eventually sleeper
      # The command and the plugin that it may have begun.
      lab run root -- pkill "-$signal" -u alice '^docker'
      wait $! || :
      eventually no_sleeper
    done
  done
  script_as alice 'rm -r made/slow'
}

@test "a build runs in its owner's slice, which is there with its limits" {
  # Carol has run nothing yet; the classic builder is the one that takes a slice on Docker 20.10.
  script_as carol 'mkdir -p made; printf "FROM lab-python\nRUN true\n" >made/Dockerfile'
  build carol 'DOCKER_BUILDKIT=0 docker build' -t placed .
  ok
  as root bash -c 'systemctl show -P MemoryMax "$(systemctl list-units --plain --no-legend -t slice "ds01-*-carol.slice" | cut -d" " -f1)"'
  ok
  [[ "$output" =~ ^[0-9]+$ ]]
  script_as carol 'docker rmi placed; rm -r made'
}

@test "what was built is written down with who built it" {
  client compose
  build alice 'docker buildx build' .
  ok
  as root grep -c '"user":"alice".*"path":"/grpc/moby.buildkit.v1.Control/Solve"' /var/log/ds01/door.jsonl
  ok
}
