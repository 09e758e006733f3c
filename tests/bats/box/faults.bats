#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # Inner shells expand; each test has its own variables, and functions that `eventually` calls.
# faults.bats - the door when it is restarted, told a new policy, left without a daemon, and asked from strange places

load box.bash
load clients.bash

CONFIG=/etc/ds01/resource-limits.yaml

setup_file() {
  load box.bash
  load clients.bash
  door_up
  lab run root -- cp "$CONFIG" /root/limits.kept
  lab run root -- tee /run/ds01-lab/ask.py <"$BATS_TEST_DIRNAME/clients_ask.py" >/dev/null
  for who in alice bob admin; do
    lab run "$who" -- docker run -d --restart always --name "work._.$who" lab-python \
      sh -c 'while :; do echo tick; sleep 0.1; done' >/dev/null 2>&1
  done
}

teardown() { lab run root -- bash -c 'cp /root/limits.kept "$1"; systemctl start docker.socket docker.service' - "$CONFIG"; }

teardown_file() {
  load box.bash
  load clients.bash
  door_down
}

ask() { as "$1" python3 /run/ds01-lab/ask.py "${@:2}"; }
# FILE WORDS: it holds them; FILE LINES: it has more than so many.
holds() { grep -qs -- "$2" "$1"; }
longer() { (($(wc -l <"$1") > $2)); }

@test "restarted under load: no connection is refused, none is left without its answer" {
  lab run alice -- python3 - >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- <<'END' &
import socket, threading, time
until, lost, done = time.time() + 6, [], [0] * 6
def knock(me):
    while time.time() < until:
        try:
            one = socket.socket(socket.AF_UNIX); one.settimeout(30); one.connect("/var/run/docker.sock")
            one.sendall(b"GET /containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
            said = b""
            while part := one.recv(65536): said += part
            if not said.startswith(b"HTTP/1.1 200"): lost.append(said[:80])
            done[me] += 1
        except OSError as error: lost.append(error)
threads = [threading.Thread(target=knock, args=(me,)) for me in range(6)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
print("lost", len(lost), lost[:3], "of some" if min(done) > 5 else done)
END
  asking=$!
  for _ in {1..5}; do
    sleep 0.5
    lab run root -- systemctl restart ds01-dfilter.service
  done
  wait "$asking"
  output=$(<"$BATS_TEST_TMPDIR/said")
  says "lost 0 [] of some"
}

@test "a new policy counts from SIGHUP on and ends no stream; a bad one changes nothing and is told" {
  lab run alice -- docker logs -f --tail 0 work._.alice >"$BATS_TEST_TMPDIR/logs" 2>&1 3>&- &
  reading=$!
  eventually longer "$BATS_TEST_TMPDIR/logs" 3
  lab run root -- bash -c 'sed -i "s/memory: \"512m\"/memory: \"256m\"/" "$1"; systemctl reload ds01-dfilter' - "$CONFIG"
  script_as alice 'docker run --rm --name lim lab-python sleep 0; docker create --name lim lab-python >/dev/null; docker inspect -f "{{.HostConfig.Memory}}" lim; docker rm lim'
  is $((256 << 20))$'\n'lim
  lab run root -- bash -c 'echo "groups: [this is no group" >"$1"; systemctl reload ds01-dfilter' - "$CONFIG"
  told() { lab run root -- grep -q '"event_type":"config.error"' /var/log/ds01/events.jsonl; }
  eventually told
  # As before, for what is seen and for who is an admin.
  ask bob GET '/containers/json'
  says work._.bob
  [[ "$output" != *work._.alice* ]]
  ask admin GET '/containers/json'
  says work._.alice
  script_as alice 'docker exec work._.bob true'
  owned bob
  now=$(wc -l <"$BATS_TEST_TMPDIR/logs")
  eventually longer "$BATS_TEST_TMPDIR/logs" $((now + 3))
  kill -0 "$reading"
  kill "$reading"
}

@test "the daemon goes in the middle of logs -f: the stream ends, asking is a 502, and then it goes on" {
  lab run alice -- docker logs -f --tail 0 work._.alice >"$BATS_TEST_TMPDIR/logs" 2>&1 3>&- &
  reading=$!
  eventually longer "$BATS_TEST_TMPDIR/logs" 3
  lab run root -- systemctl stop docker.socket docker.service
  wait "$reading" || :
  for who in alice admin; do
    ask "$who" GET /containers/json
    [[ "$output" == '502 {"message":"'* ]]
  done
  script_as alice 'docker ps'
  code 1
  says 'Docker'
  ask alice POST /containers/create '{"Image":"lab-python"}'
  [[ "$output" == '502 {'* ]]
  lab run root -- systemctl start docker.socket docker.service
  eventually lab run alice -- docker exec work._.alice true
  script_as alice 'docker logs -f --tail 0 work._.alice | sed 2q'
  ok
  script_as bob 'docker exec work._.alice true'
  owned alice
}

@test "the door's socket in a container: root there is the container's owner, and never an admin" {
  for who in alice admin; do
    script_as "$who" 'docker run -d --name "in._.$USER" -v /var/run/docker.sock:/var/run/docker.sock lab-python sleep 1000 >/dev/null
      docker exec -i "in._.$USER" tee /ask.py >/dev/null' <"$BATS_TEST_DIRNAME/clients_ask.py"
    ok
    lab run root -- docker exec -i "in._.$who" tee /ask.py <"$BATS_TEST_DIRNAME/clients_ask.py" >/dev/null
    # Whatever uid they take there: root's, the admin's, bob's, nobody's.
    for uid in 0 1000 1002 4711; do
      script_as "$who" 'docker exec -u "$1" "in._.$USER" python3 /ask.py GET "/containers/json?all=1" | grep -o "/[a-z]*\._\.[a-z]*\"" | sort -u | paste -sd" "' "$uid"
      [[ "$output" == "/in._.$who\" /work._.$who\"" ]] || {
        echo "$who as $uid: $output"
        return 1
      }
    done
    script_as "$who" 'docker exec "in._.$USER" python3 /ask.py POST /containers/work._.bob/kill'
    says '403 {"message":"Permission denied: container owned by bob'
    script_as "$who" 'docker exec "in._.$USER" python3 /ask.py POST /containers/create?name=made '"'"'{"Image":"lab-python","HostConfig":{"Privileged":true}}'"'"
    says '403 {'
    script_as "$who" 'docker exec "in._.$USER" python3 /ask.py POST /containers/create?name=made "{\"Image\":\"lab-python\"}"
      docker inspect -f "{{index .Config.Labels \"ds01.user\"}}" made; docker rm made'
    says '201 {'
    [[ "$output" == *$'\n'"$who"$'\n'made ]]
  done
  # The real one is not to be had.
  script_as alice 'docker run --rm -v /run/docker-real.sock:/s lab-python true'
  code 125
  script_as alice 'docker run --rm -v /run:/s lab-python true'
  code 125
}

@test "a uid without an account may ping and ask for the version, no more" {
  nobody() { as root setpriv --reuid 4711 --regid 4711 --clear-groups python3 /run/ds01-lab/ask.py "$@"; }
  nobody GET /_ping
  is "200 OK"
  nobody GET /version
  says '200 {'
  for what in 'GET /containers/json' 'GET /info' 'GET /images/json' 'GET /events' 'POST /containers/create {}' \
    'GET /containers/work._.alice/json' 'POST /auth {}' 'GET /v1.41/containers/json'; do
    # shellcheck disable=SC2086 # A method and a path.
    nobody $what
    [[ "$output" == '403 {'* ]] || {
      echo "$what: $output"
      return 1
    }
  done
}
