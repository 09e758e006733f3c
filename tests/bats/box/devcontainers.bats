#!/usr/bin/env bats
# shellcheck disable=SC2016 # Inner shells expand.
# devcontainers.bats - VS Code's Dev Containers command through the door: from an image, from a Dockerfile, again

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  lab run alice -- bash -c 'mkdir -p thesis/.devcontainer && cat >thesis/.devcontainer/devcontainer.json' <<'END'
// What a course hands out.
{
  "name": "thesis",
  "image": "lab-python",
  "init": true,
  "runArgs": ["--gpus", "all", "--cap-add=SYS_PTRACE", "--security-opt", "seccomp=unconfined"],
  "mounts": ["source=vscode,target=/vscode,type=volume"],
  "containerEnv": {"COURSE": "ml"},
  "postCreateCommand": "echo created >>made",
}
END
  lab run bob -- bash -c 'mkdir -p built/.devcontainer && cat >built/.devcontainer/devcontainer.json' <<'END'
{
  "name": "built",
  "build": {"dockerfile": "Dockerfile", "args": {"COURSE": "rl"}},
  "remoteUser": "dev",
  "updateRemoteUserUID": true,
  "runArgs": ["--gpus", "all"],
  "mounts": ["source=vscode,target=/vscode,type=volume"],
  "postCreateCommand": "id -un >made",
}
END
  lab run bob -- bash -c 'cat >built/.devcontainer/Dockerfile' <<'END'
FROM lab-python
ARG COURSE
RUN useradd -m -u 5000 dev && echo "$COURSE" >/course
END
}

setup() { client devcontainers; }

teardown_file() {
  load box.bash
  load clients.bash
  door_down
  lab run root -- rm -rf /home/alice/thesis /home/bob/built
}

# USER FOLDER ARGUMENT...: bring it up; what is left of the output is the container's id.
up() {
  script_as "$1" 'devcontainer up --workspace-folder "$@" </dev/null' "${@:2}"
  ok
  says '"outcome":"success"'
  output=$(sed -n 's/^{"outcome":"success","containerId":"\([0-9a-f]*\)".*/\1/p' <<<"$output")
}

inside() { script_as "$1" 'devcontainer exec --workspace-folder "$1" sh -c "$2" </dev/null' "$2" "$3"; }

@test "up from an image, with all GPUs one may have, a debugger's rights and a shared volume's name" {
  client compose # The engine's builder of today comes with it.
  up alice thesis
  id=$output
  inside alice thesis 'pwd; echo $COURSE; ls /dev/nvidia-lab | wc -l; cat made; touch /vscode/mine from-inside'
  ok
  is $'/workspaces/thesis\nml\n1\ncreated'
  lab run alice -- test -e thesis/from-inside
  # It is found again, and is another after a removal.
  up alice thesis
  is "$id"
  up alice thesis --remove-existing-container
  [[ -n "$output" && "$output" != "$id" ]]
  inside alice thesis 'cat made; ls /vscode; ls /dev/nvidia-lab | wc -l'
  is $'created\ncreated\nmine\n1'
  owner() { lab run root -- grep -A1 "${1:0:12}" /run/ds01/opa/container-owners.json | grep -q '"alice"'; }
  eventually owner "$(lab run alice -- docker ps -q)"
}

@test "up from a Dockerfile, as a user of the image who has one's own uid" {
  client compose
  up bob built
  inside bob built 'id -u; id -un; cat /course made; ls /dev/nvidia-lab | wc -l; ls /vscode'
  ok
  is $'1002\ndev\nrl\ndev\n1'
  as bob stat -c %U built/made
  is bob
  script_as bob 'docker images --format "{{.Repository}}" | grep -c "^ds01-bob/vsc-built-"; docker ps --format "{{.Image}}" | grep -c vsc-built'
  is $'2\n1'
}

@test "another's dev container is neither found nor entered, whatever a label says" {
  script_as bob 'mkdir -p mine && docker run -d --name lure -l devcontainer.local_folder=/home/alice/thesis lab-python sleep 1000 >/dev/null'
  ok
  script_as alice 'docker ps -q --filter label=devcontainer.local_folder=/home/alice/thesis | wc -l'
  is 1
  script_as bob 'docker ps -q --filter label=devcontainer.local_folder=/home/alice/thesis --format "{{.Names}}"'
  is lure
  script_as bob "docker exec $(lab run alice -- docker ps -q) true"
  owned alice
  script_as bob 'docker rm -f lure; rmdir mine'
}
