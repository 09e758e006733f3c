#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2094 # Inner shells expand; each test has its own variables.
# people.bats - the users of the box, and how a command becomes one of them

load box.bash

people=(alice bob carol anna anna-lena 212345 h.baker@hertie-school.lan admin)

@test "everybody is themselves: uid, group, home, environment" {
  for name in "${people[@]}"; do
    as "$name" bash -c 'echo "$USER $LOGNAME $HOME $PWD"; id -un; id -gn; stat -c %U "$HOME"'
    ok
    [[ "$output" == "$name $name /home/$name /home/$name"$'\n'"$name"$'\n'"$name"$'\n'"$name" ]]
  done
}

@test "nobody but the admin can reach Docker's socket" {
  for name in "${people[@]}"; do
    as "$name" id -nG
    if [[ "$name" == admin ]]; then
      says docker
      says ds01-admin
    else
      [[ "$output" != *docker* && "$output" != *admin* ]]
    fi
  done
  as alice docker ps
  code 1
  says "permission denied"
  as admin docker ps
  ok
}

@test "a uid of a directory service's size makes no huge last-login file" {
  as root bash -c 'stat -c %s /var/log/lastlog 2>/dev/null || echo 0'
  ok
  ((output < 1000000))
}

@test "exit code, output, error output and input pass through" {
  as alice bash -c 'exit 7'
  code 7
  as alice bash -c 'kill -KILL $$'
  code 137
  status=0
  lab run alice -- no-such-command || status=$?
  code 127
  run bash -c 'echo from outside | "$0" run bob -- tr a-z A-Z' "$TREE/tests/lab/lab"
  ok
  [[ "$output" == "FROM OUTSIDE" ]]
  run bash -c '"$0" run bob -- bash -c "echo out; echo err >&2" 2>/dev/null' "$TREE/tests/lab/lab"
  ok
  [[ "$output" == out ]]
  head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
  lab run bob -- cat <"$BATS_TEST_TMPDIR/sent" | cmp - "$BATS_TEST_TMPDIR/sent"
}

@test "arguments arrive as they are" {
  as alice printf '<%s>' 'two words' "a'b" '$HOME' '' '*'
  ok
  [[ "$output" == "<two words><a'b><\$HOME><><*>" ]]
}

@test "nothing of the caller's environment comes along" {
  SECRET=here run lab run alice -- env
  ok
  [[ "$output" != *SECRET* && "$output" == *NVML_SIM_WORLD=/etc/ds01-lab/world.json* ]]
}

@test "a shell is a login shell, at a terminal and in a pipe" {
  run bash -c 'echo "shopt -q login_shell && echo login as \$USER; exit 3" | "$0" shell carol' "$TREE/tests/lab/lab"
  code 3
  says "login as carol"
  # With a terminal the box gives one of its own.
  run script -qec "'$TREE/tests/lab/lab' shell carol" /dev/null <<<$'tty\nexit 4'
  code 4
  says /dev/pts/
}

@test "make lab-run and make lab-shell do the same" {
  run make -s -C "$TREE" lab-run USER=alice CMD='echo "$USER in $HOME" | cat'
  ok
  says "alice in /home/alice"
  run make -s -C "$TREE" lab-run CMD=true
  code 2
  says "needs a name"
  run bash -c 'echo "echo I am \$USER" | make -s -C "$0" lab-shell USER=212345' "$TREE"
  ok
  says "I am 212345"
}

@test "a command whose caller is killed does not go on alone" {
  "$TREE/tests/lab/lab" run alice -- sleep 4242 &
  caller=$!
  eventually lab run root -- pgrep -f '^sleep 4242' >/dev/null
  kill -KILL "$caller"
  gone() { ! lab run root -- pgrep -f '^sleep 4242' >/dev/null; }
  eventually gone
}
