#!/usr/bin/env bats
# docker.bats - a real dockerd, and the real way of --gpus through a runtime hook

load box.bash

docker() { as root docker "$@"; }
board() { lab run root -- nvidia-container-runtime-hook list; }

@test "dockerd uses systemd for cgroups and starts with the box" {
  docker info -f '{{.CgroupDriver}}'
  ok
  [[ "$output" == systemd ]]
  as root systemctl is-enabled docker
  ok
}

@test "a container runs Python from the base image" {
  docker run --rm lab-python python3 -c 'import json, socket; print(json.dumps({"sum": 1 + 1}))'
  ok
  [[ "$output" == '{"sum": 2}' ]]
}

@test "a container stands in the slice it is given, below systemd" {
  docker run --rm --cgroup-parent lab-students.slice lab-python cat /proc/self/cgroup
  ok
  says lab.slice/lab-students.slice/docker-
}

@test "containers of the bridge network reach each other" {
  docker run -d --name server lab-python python3 -m http.server 8000
  ok
  address=$(lab run root -- docker inspect -f '{{.NetworkSettings.IPAddress}}' server)
  eventually lab run root -- docker run --rm lab-python \
    python3 -c "import urllib.request as r; r.urlopen('http://$address:8000')"
  docker rm -f server
  ok
}

@test "--gpus 1 gives the first GPU, through the hook" {
  docker run --rm --gpus 1 lab-python bash -c 'cd /dev; ls -d nvidia*; ls nvidia-lab'
  ok
  [[ "$output" == $'nvidia-lab\nnvidia0\nnvidiactl\n'"$(board | sed -n 's/^0 //p')" ]]
}

@test "--gpus all gives every GPU of the board" {
  gpus=$(board | grep -c GPU-)
  docker run --rm --gpus all lab-python bash -c 'ls -d /dev/nvidia[0-9]* | wc -l'
  ok
  [[ "$output" == "$gpus" ]]
}

@test "--gpus device=UUID gives that one; several need the whole value quoted" {
  uuid=$(board | sed -n 's/^1 //p')
  docker run --rm --gpus "device=$uuid" lab-python bash -c 'ls -d /dev/nvidia[0-9]*; ls /dev/nvidia-lab'
  ok
  [[ "$output" == "/dev/nvidia1"$'\n'"$uuid" ]]
  docker run --rm --gpus '"device=0,1"' lab-python bash -c 'ls -d /dev/nvidia[0-9]*'
  ok
  [[ "$output" == $'/dev/nvidia0\n/dev/nvidia1' ]]
}

@test "a MIG instance by UUID gives the device file of its GPU" {
  mig=$(board | sed -n 's/^1:0 //p')
  docker run --rm --gpus "device=$mig" lab-python bash -c 'ls /dev/nvidia-lab; ls -d /dev/nvidia[0-9]*'
  ok
  [[ "$output" == "$mig"$'\n/dev/nvidia1' ]]
}

@test "a GPU that is not on the board is an error, and no --gpus is no GPU" {
  docker run --rm --gpus device=GPU-no-such lab-python true
  code 125
  says "unknown device"
  docker run --rm lab-python bash -c 'ls /dev | grep nvidia'
  code 1
  docker run --rm -e NVIDIA_VISIBLE_DEVICES=all lab-python bash -c 'ls /dev | grep nvidia'
  code 1
}

@test "a container may open its GPU and no other" {
  lab run root -- test -d /sys/fs/cgroup/devices || skip "on cgroup version 2 the device files are only marks"
  docker run --rm --gpus 1 lab-python bash -c \
    'mknod /dev/other c 195 1; (exec 3</dev/nvidia0); (exec 3</dev/other)'
  says "nvidia0: No such device or address"
  says "other: Operation not permitted"
}
