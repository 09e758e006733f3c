#!/usr/bin/env bash
# dockerd.bash - a private dockerd for a bats suite: own socket, root and config, no bridge
#
# In setup_file: dockerd_start; in teardown_file: dockerd_stop. In between, `docker` is that
# engine's client aimed at it, and DOCKERD_DIR is where all of it lies. It ends by itself
# should the suite be killed: what keeps it alive is a pipe that only the suite holds.

dockerd_start() {
  local tree said
  tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
  DOCKERD_ENGINE=$("$tree/tests/dockerd/engine" --check)
  said=$(mktemp -d)
  mkfifo "$said/life" "$said/ready"
  "$tree/tests/dockerd/private-dockerd" <"$said/life" >"$said/ready" 2>"$said/errors" 3>&- &
  DOCKERD_KEEPER=$!
  exec {DOCKERD_LIFE}>"$said/life"
  local ready=''
  read -r ready <"$said/ready" || :
  if [[ "$ready" != "ready "* ]]; then
    cat "$said/errors" >&2
    rm -rf "$said"
    return 1
  fi
  rm -rf "$said"
  export DOCKERD_DIR=${ready#ready } DOCKERD_ENGINE DOCKERD_KEEPER DOCKERD_LIFE
}

dockerd_stop() {
  exec {DOCKERD_LIFE}>&-
  wait "$DOCKERD_KEEPER" || :
}

docker() {
  DOCKER_HOST=unix://$DOCKERD_DIR/docker.sock DOCKER_CONFIG=$DOCKERD_DIR/cli \
    "$DOCKERD_ENGINE/root/usr/bin/docker" "$@"
}
