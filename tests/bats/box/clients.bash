#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034,SC2153 # Inner shells expand; TREE is of box.bash.
# clients.bash - what the suites of Docker's clients share: the door with its units, and the clients themselves

UNITS=(ds01-owner-sync.service ds01-gpu-follow.service)
FOLDERS=(/var/lib/ds01 /var/log/ds01 /run/ds01)

# The door and the pipelines beside it, as on a server; in setup_file.
door_up() {
  lab run root -- bash -c 'ls -d "$@"' - "${FOLDERS[@]}" >"$BATS_FILE_TMPDIR/folders" 2>/dev/null || :
  lab run root -- bash -c 'setup-docker-permissions --yes >/dev/null && systemctl start "$@"' - "${UNITS[@]}"
}

# All as it was; in teardown_file.
door_down() {
  local folders
  mapfile -t folders <"$BATS_FILE_TMPDIR/folders"
  clear_docker
  lab run root -- bash -c '
    systemctl stop "${@:1:2}"
    setup-docker-permissions --uninstall --yes
    systemctl reset-failed "docker*" "ds01*"
    systemctl start docker.socket docker.service
    systemctl stop ds01.slice
    rm -f /etc/systemd/system/ds01*.slice
    for folder in "${@:3:3}"; do
      [[ " ${*:6} " == *" $folder "* ]] || rm -rf "$folder"
    done' - "${UNITS[@]}" "${FOLDERS[@]}" "${folders[@]}" >/dev/null 2>&1 || :
}

# Nothing of anybody's is left, and no GPU is leased.
clear_docker() {
  lab run root -- bash -c '
    docker ps -aq | xargs -r docker rm -f -v
    docker network prune -f; docker volume prune -f
    docker images --format "{{.Repository}}:{{.Tag}}" | grep -vE "^(lab-python:latest|<none>)" | xargs -r docker rmi -f
    docker image prune -f
    gpu-alloc reconcile --apply' >/dev/null 2>&1 || :
}

# NAME: one of tests/lab/clients is in the box; where it cannot be had the test is skipped.
client() {
  local tree
  ! lab run root -- test -e "/run/ds01-lab/client-$1" || return 0
  # Tried once a suite.
  [[ ! -e "$BATS_FILE_TMPDIR/no-$1" ]] || skip "$(<"$BATS_FILE_TMPDIR/no-$1")"
  tree=$("$TREE/tests/lab/clients" "$1" 2>"$BATS_TEST_TMPDIR/clients") || {
    echo "$1 cannot be had here: $(grep -E '^clients: cannot|why:' "$BATS_TEST_TMPDIR/clients" | paste -sd' ')" >"$BATS_FILE_TMPDIR/no-$1"
    skip "$(<"$BATS_FILE_TMPDIR/no-$1")"
  }
  tar -C "$tree" --owner=0 --group=0 -c . |
    lab run root -- tar -x --keep-directory-symlink --no-overwrite-dir -C /
  lab run root -- touch "/run/ds01-lab/client-$1"
}

# USER SCRIPT ARGUMENT...: bash with that text, as somebody; shows no words of the door's own.
script_as() {
  local user=$1 text=$2
  shift 2
  as "$user" timeout 100 bash -c "$text" - "$@"
  output=$(grep -v '^WARNING: ds01: ' <<<"$output" || :)
}

# WORDS: what was said, and nothing else.
is() {
  [[ "$output" == "$1" ]] || {
    printf 'says: %s\nnot:  %s\n' "$output" "$1"
    return 1
  }
}

owned() { says "Permission denied: container owned by $1"; }

# USER: how many slots the ledger gives them.
leases() { lab run root -- gpu-alloc status | grep -c "\"user\": \"$1\"" || :; }
leases_are() { [[ $(leases "$1") == "$2" ]]; }
