#!/usr/bin/env bats
# dockerd.bats - the private dockerd that most suites use

load dockerd.bash

setup_file() {
  tree=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
  export DS01_NVML_LIB=$tree/target/release/libnvml_sim.so
  export NVML_SIM_WORLD=$tree/tests/worlds/mig-mixed.json
  dockerd_start
}
teardown_file() { dockerd_stop; }

@test "it runs a container, in cgroups of its own" {
  run docker run --rm lab-busybox cat /proc/self/cgroup
  ((status == 0))
  [[ "$output" == *"/${DOCKERD_DIR##*/}/box/"* ]]
}

@test "it has no network but none and the host's" {
  run docker network ls --format '{{.Name}}'
  [[ "$output" == $'host\nnone' ]]
}

@test "its --gpus takes devices from the simulated board" {
  run docker run --rm --gpus device=1:0 lab-busybox sh -c 'ls /dev/nvidia-lab; ls /dev'
  ((status == 0))
  [[ "$output" == *MIG-*nvidia1* ]]
  run docker run --rm --gpus device=7 lab-busybox true
  ((status == 125))
  [[ "$output" == *"unknown device"* ]]
}

@test "what lies in the host's own /etc/docker and /run/docker is not its own" {
  run docker info -f '{{.DockerRootDir}} {{.CgroupDriver}}'
  [[ "$output" == "$DOCKERD_DIR/data cgroupfs" ]]
}
