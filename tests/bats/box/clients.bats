#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# clients.bats - the docker command through the door: what people type works, and only on what is theirs

load box.bash
load clients.bash

setup_file() {
  load box.bash
  load clients.bash
  door_up
  # One container each that stands through all tests, and says a line now and then.
  for who in alice bob admin; do
    lab run "$who" -- docker run -d --name "work._.$who" lab-python \
      sh -c 'echo ready; while :; do echo tick; sleep 0.2; done' >/dev/null 2>&1
  done
}

teardown_file() {
  load box.bash
  load clients.bash
  door_down
}

everybody=(alice bob admin)

@test "run, with its exit code, its output apart, and what is piped into it" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'docker run --rm lab-python sh -c "echo out; echo err >&2; exit 7" 2>/dev/null'
    code 7
    is out
    script_as "$who" 'head -c 300000 /dev/zero | docker run --rm -i lab-python wc -c'
    ok
    is 300000
  done
}

@test "exec: piped both ways, its exit code, an environment, a user, a detached one" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'echo x | docker exec -i work._.'"$who"' cat'
    ok
    is x
  done
  script_as alice '
    docker exec work._.alice sh -c "exit 9" || echo "code $?"
    docker exec -e A=b -u nobody -w /tmp work._.alice sh -c "echo \$A \$(id -un) \$PWD"
    docker exec -d work._.alice touch /tmp/made
    until docker exec work._.alice test -e /tmp/made; do sleep 0.1; done
    head -c 3000000 /dev/urandom >sent; docker exec -i work._.alice cat <sent | cmp - sent && echo same; rm sent'
  ok
  is $'code 9\nb nobody /tmp\nsame'
}

@test "exec -it and run -it at a terminal" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'script -qec "stty rows 33 cols 99; docker exec -it work._.$USER sh -c \"tty; until stty size | grep -v ^0; do sleep 0.1; done\"" /dev/null </dev/null'
    ok
    says /dev/pts/
    says '33 99'
  done
  # What is typed arrives, and what it answers comes back.
  script_as alice '{ sleep 1; echo "echo I am \$((40 + 2)); exit 3"; sleep 5; } |
    script -qec "docker run --rm -it lab-python sh" /dev/null'
  code 3
  says "I am 42"
}

@test "attach shows what it says, and detach keys leave it running" {
  script_as alice '
    docker run -dit --name att lab-python sh >/dev/null
    { for _ in {1..300}; do printf "\020\021"; sleep 0.1; done; } 2>/dev/null |
      script -qec "docker attach --detach-keys ctrl-p,ctrl-q att" /dev/null >/dev/null
    docker inspect -f "{{.State.Running}}" att
    { for _ in {1..300}; do printf "abc"; sleep 0.1; done; } 2>/dev/null |
      script -qec "docker attach --detach-keys a,b,c att" /dev/null | grep -o "read escape sequence"
    { sleep 0.5; echo; echo "echo \$((6 * 7)); exit 5"; sleep 5; } | script -qec "docker attach att" /dev/null | grep -ow 42
    docker wait att; docker rm att'
  ok
  is $'true\nread escape sequence\n42\n5\natt'
}

@test "cp both ways: a file, a folder, a stream" {
  for who in "${everybody[@]}"; do
    script_as "$who" '
      rm -rf cp && mkdir -p cp/in && cd cp && echo here >in/file
      docker cp in "work._.$USER:/tmp/in" && docker cp "work._.$USER:/tmp/in/file" back && cat back
      tar -c in | docker cp - "work._.$USER:/root" && docker cp "work._.$USER:/root/in" - | tar -t
      docker cp "work._.$USER:/etc/hostname" ../cp/ && wc -l <hostname; cd .. && rm -rf cp'
    ok
    is $'here\nin/\nin/file\n1'
  done
}

@test "logs, and logs -f until its reader has enough" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'docker logs work._.$USER | head -1; docker logs -f --since 1s work._.$USER | sed 3q
      docker logs --tail 1 -t work._.$USER | grep -c "^20.*Z tick$"'
    ok
    is $'ready\ntick\ntick\ntick\n1'
  done
}

@test "stats, top, ps, port, diff and inspect are those of their own" {
  script_as alice 'docker stats --no-stream --format "{{.Name}} {{.MemUsage}}"; docker ps --format "{{.Names}}"
    docker diff work._.alice >/dev/null; docker port work._.alice
    docker ps -aq --filter name=work --no-trunc | xargs docker inspect -f "{{.Name}}"
    docker ps -q --filter label=ds01.user=bob; docker container ls -n 1 --format "{{.Names}}"'
  ok
  [[ "$output" == 'work._.alice '*'/ 512MiB'$'\n''work._.alice'$'\n''/work._.alice'$'\n''work._.alice' ]]
  script_as alice 'timeout 30 docker stats --format "{{.Name}}" work._.alice | { grep -m 2 -c work._.alice; pkill -u "$USER" -f "docker stats"; }'
  ((output > 1))
  # As the daemon itself says it.
  script_as alice 'docker top work._.alice'
  top=$output
  script_as root 'docker -H unix:///run/docker-real.sock top work._.alice'
  [[ "$(head -1 <<<"$top")" == "$(head -1 <<<"$output")" && "$top" == UID* ]]
  script_as admin 'docker stats --no-stream --format "{{.Name}}" | sort'
  is $'work._.admin\nwork._.alice\nwork._.bob'
}

@test "events: their own as they happen, and those that were" {
  script_as alice '
    exec 3< <(exec docker events --since "$(date +%s)" --format "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}"); reader=$!
    sleep 1
    docker run --rm --name ev lab-python true
    while read -r line <&3; do echo "$line"; [[ "$line" != *destroy* ]] || break; done; kill "$reader"'
  ok
  says 'container create ev'
  says 'container start ev'
  says 'container die ev'
  says 'container destroy ev'
  [[ "$output" != *bob* ]]
  # The client sends whole seconds: what happened in the present one is not among them.
  script_as alice 'sleep 1; docker events --since 60s --until 0s --format "{{.Actor.Attributes.name}}" | sort -u'
  ok
  says ev
  [[ "$output" != *work._.bob* ]]
}

@test "rename, update, pause, wait, restart, kill, prune" {
  script_as alice '
    docker run -d --name one lab-python sleep 1000 >/dev/null
    docker rename one two; docker update --memory 64m --memory-swap 64m --cpus 0.5 --restart no two
    docker inspect -f "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}" two
    docker update --cpus 64 two >/dev/null; docker inspect -f "{{.HostConfig.CpuQuota}}" two
    docker pause two; docker unpause two; docker restart -t 0 two
    { sleep 1; docker kill two >/dev/null; } & docker wait two; wait
    docker start two; docker stop -t 0 two
    docker container prune -f | grep -c "^[0-9a-f]\{64\}$"; docker ps -aq --filter name=two'
  ok
  is $'two\n67108864 50000\n100000\ntwo\ntwo\ntwo\n137\ntwo\ntwo\n1'
}

@test "a network of one's own, with names and an address outside" {
  script_as alice '
    docker network create anet >/dev/null
    docker run -d --name srv --network anet -p 127.0.0.1:18099:80 lab-python python3 -m http.server 80 >/dev/null
    docker run --rm --network anet lab-python python3 -c "
import time, urllib.request
for _ in range(50):
    try:
        print(urllib.request.urlopen(\"http://srv\").status); break
    except OSError: time.sleep(0.1)"
    docker port srv; docker network connect bridge srv; docker network disconnect bridge srv
    docker network inspect anet -f "{{range .Containers}}{{.Name}}{{end}}"; docker network ls -q --filter name=anet | wc -l'
  ok
  is $'200\n80/tcp -> 127.0.0.1:18099\nsrv\n1'
  script_as bob 'docker network ls --format "{{.Name}}" | paste -sd" "; docker network inspect anet'
  code 1
  says "bridge host none"
  owned_network alice
  script_as bob 'docker run --rm --network anet lab-python true'
  code 125
  says alice
  script_as alice 'docker rm -f srv; docker network rm anet'
  ok
}
owned_network() { says "owned by $1"; }

@test "volumes: named, unnamed, bound, in memory; those of others are closed" {
  script_as alice '
    docker volume create made >/dev/null
    docker run --rm -v made:/v lab-python sh -c "echo kept >/v/a"
    docker run --rm -v implicit:/v lab-python touch /v/a
    docker run --rm -v made:/v:ro -v /anonymous --tmpfs /t --mount type=bind,src=$HOME,dst=/home/me lab-python sh -c "cat /v/a; ls -d /anonymous /home/me; df /t | tail -1 | cut -d\  -f1"
    docker volume ls --format "{{.Name}}" | sort; docker volume inspect -f "{{index .Labels \"ds01.user\"}}" implicit'
  ok
  is $'kept\n/anonymous\n/home/me\ntmpfs\nimplicit\nmade\nalice'
  script_as bob 'docker volume ls -q; docker run --rm -v made:/v lab-python cat /v/a'
  code 125
  says "owned by alice"
  script_as bob 'docker volume rm made'
  code 1
  says "owned by alice"
  script_as bob 'docker run --rm -v /home/alice:/v lab-python ls /v'
  code 125
  says "/home/alice"
  script_as alice 'docker volume rm made implicit'
  ok
}

@test "save and load, export and commit, tag and remove" {
  script_as alice '
    docker run --name cm lab-python touch /mark; docker commit cm ds01-alice/mine >/dev/null; docker rm cm >/dev/null
    docker save ds01-alice/mine -o mine.tar; docker rmi ds01-alice/mine >/dev/null
    docker load -i mine.tar; docker load <mine.tar; rm mine.tar
    docker run --rm ds01-alice/mine ls /mark
    docker tag ds01-alice/mine ds01-alice/other; docker rmi ds01-alice/other
    docker create --name ex lab-python >/dev/null; docker export ex | tar -t | grep -c "^etc/passwd$"; docker rm ex >/dev/null
    docker image inspect -f "{{.Id}}" lab-python | cut -c1-7; docker history -q lab-python | wc -l'
  ok
  is $'Loaded image: ds01-alice/mine:latest\nLoaded image: ds01-alice/mine:latest\n/mark\nUntagged: ds01-alice/other:latest\n1\nsha256:\n1'
  script_as bob 'docker rmi ds01-alice/mine'
  code 1
  says "not yours"
  script_as alice 'docker rmi ds01-alice/mine'
  ok
}

@test "what is another's answers 403 and says whose it is; the admin may" {
  for verb in 'exec work._.bob true' 'logs work._.bob' 'inspect work._.bob' 'stop work._.bob' 'rm -f work._.bob' \
    'rename work._.bob mine' 'update --memory 64m work._.bob' 'top work._.bob' 'stats --no-stream work._.bob' \
    'cp work._.bob:/etc/passwd -' 'attach work._.bob' 'commit work._.bob ds01-alice/x' 'wait work._.bob' \
    'port work._.bob' 'diff work._.bob' 'export work._.bob' 'kill work._.bob' 'start work._.bob' \
    'run --rm --volumes-from work._.bob lab-python true' 'run --rm --network container:work._.bob lab-python true' \
    'network connect bridge work._.bob'; do
    script_as alice "docker $verb"
    ((status > 0)) && owned bob || {
      echo "$verb"
      return 1
    }
  done
  # By its id, whole and short, too.
  id=$(lab run bob -- docker inspect -f '{{.Id}}' work._.bob)
  for name in "$id" "${id:0:12}" "${id:0:6}"; do
    script_as alice "docker inspect $name"
    owned bob
  done
  script_as admin 'docker exec work._.bob echo inside; docker inspect -f "{{.Name}}" work._.alice'
  ok
  is $'inside\n/work._.alice'
  # Nothing of it has reached bob's.
  script_as bob 'docker inspect -f "{{.State.Running}} {{.Name}} {{.HostConfig.Memory}}" work._.bob'
  is 'true /work._.bob 536870912'
}

@test "--gpus 1 in the background: leased, seen inside, kept when stopped, free when removed" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'docker run -d --name gpu._.$USER --gpus 1 lab-python sleep 1000 >/dev/null
      docker exec gpu._.$USER sh -c "ls /dev/nvidia-lab | wc -l"'
    ok
    is 1
  done
  script_as alice 'docker run --rm --gpus all lab-python true'
  code 125
  says "alice holds 1 of 1 GPUs"
  script_as alice 'docker rm -f gpu._.alice'
  eventually leases_are alice 0
  # All means: as many as one may have by default.
  script_as alice 'docker run --rm --gpus all lab-python sh -c "ls /dev/nvidia-lab | wc -l"'
  ok
  is 1
  script_as bob 'docker rm -f gpu._.bob'
  script_as admin 'docker rm -f gpu._.admin'
  for who in "${everybody[@]}"; do eventually leases_are "$who" 0; done
}

@test "info, version, system df, context, login and search are answered" {
  for who in "${everybody[@]}"; do
    script_as "$who" 'docker info -f "{{.Containers}} {{.ServerVersion}}"; docker version -f "{{.Server.Version}}"
      docker system df | wc -l; docker context ls -q'
    ok
    if [[ "$who" == admin ]]; then says "3 20."; else says "1 20."; fi
    says default
  done
  # What the daemon says of them, not the door.
  script_as alice 'docker login -u a -p b localhost:1'
  code 1
  says "localhost:1"
  script_as alice 'docker pull no-such-image'
  code 1
  says "registry-1.docker.io"
}
