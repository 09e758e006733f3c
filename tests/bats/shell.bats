#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # Stand-ins expand; each test has its own variables; run sets status and output.
# shell.bats - the scripts of shell/, with stand-ins for the commands that they join

TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)
: "${BATS_TEST_TMPDIR:=$(mktemp -d)}"

setup() {
  BOX=$BATS_TEST_TMPDIR
  export CALLS=$BOX/calls PLAY=$BOX/play DS01_ROOT=$BOX/root DS01_ANSWERS=$BOX/answers
  mkdir -p "$BOX/bin" "$BOX/lib/ds01" "$PLAY" "$DS01_ROOT/usr/share/ds01"
  : >"$CALLS"
  : >"$DS01_ANSWERS"
  ln -s "$TREE/share/guide" "$DS01_ROOT/usr/share/ds01/guide"
  # As make install lays them out.
  find "$TREE"/shell -mindepth 2 -maxdepth 2 ! -type d -exec cp -P -t "$BOX/bin" {} +
  cp "$TREE"/shell/lib/ds01/*.sh "$BOX/lib/ds01/"
  ln -s "$TREE/target/release/ds01" "$BOX/bin/ds01"
  ln -s ds01 "$BOX/bin/ask"
  # A stand-in writes down its call and answers as the test has it.
  cat >"$BOX/bin/stand-in" <<'PLAYER'
#!/usr/bin/env bash
me=${0##*/}
printf '%s' "$me" >>"$CALLS"
(($# == 0)) || printf ' %q' "$@" >>"$CALLS"
printf '\n' >>"$CALLS"
[[ ! -e "$PLAY/$me" ]] || . "$PLAY/$me"
PLAYER
  chmod +x "$BOX/bin/stand-in"
  local name
  for name in create start run attach stop remove list stats logs; do
    ln -s stand-in "$BOX/bin/container-$name"
  done
}

# NAME SCRIPT: what a stand-in does.
plays() { printf '%s\n' "$2" >"$PLAY/$1"; }
does() { run "$BOX/bin/$1" "${@:2}" </dev/null; }
code() {
  ((status == $1)) || {
    printf 'exit code %s, not %s: %s\n' "$status" "$1" "$output"
    return 1
  }
}
says() {
  [[ "$output" == *"$1"* ]] || {
    printf 'says not "%s" but: %s\n' "$1" "$output"
    return 1
  }
}
# CALL...: these and no others, in this order.
called() {
  local calls
  calls=$(<"$CALLS")
  [[ "$calls" == "$(printf '%s\n' "$@")" ]] || {
    printf 'called: %s\n' "$calls"
    return 1
  }
}

# PATTERN: no call is of this kind.
never() {
  if grep -e "$1" "$CALLS"; then return 1; fi
}

@test "an option is known, takes its value either way, and is told when it is not" {
  does container-deploy --no-such-thing -- lab
  called "container-create --no-such-thing -- lab -o container" "container-start ''"
  does container-retire --no-such-thing lab
  code 2
  says '"--no-such-thing" is no option'
  does container-retire --yes=1 lab
  code 2
  says "--yes takes no value"
}

@test "deploy makes and starts, and passes on what is container-create's" {
  plays container-create 'echo lab._.alice'
  plays container-start 'echo "lab runs"'
  does container-deploy lab --gpus 2 --background --image "my image"
  code 0
  [[ "$output" == "lab runs" ]]
  called "container-create lab --gpus 2 --image my\\ image -o container" "container-start lab._.alice"
}

@test "deploy that cannot make ends with the code of the one who could not" {
  plays container-create 'echo "error: at the limit" >&2; exit 3'
  does container-deploy lab
  code 3
  [[ "$output" == "error: at the limit" ]]
  called "container-create lab -o container"
}

@test "deploy that cannot start takes away what it has made, and says so" {
  plays container-create 'echo lab._.alice'
  plays container-start 'exit 6'
  does container-deploy lab
  code 6
  says "going back: container-remove --yes lab._.alice"
  called "container-create lab -o container" "container-start lab._.alice" "container-remove --yes lab._.alice"
  plays container-remove 'exit 6'
  does container-deploy lab
  code 6
  says "container-remove --yes lab._.alice failed, so this is left to do"
}

@test "deploy interrupted while it makes, or while it starts, leaves nothing" {
  local signal at
  for at in container-create container-start; do
    for signal in INT:130 TERM:143; do
      : >"$CALLS"
      plays container-create 'echo lab._.alice'
      plays container-start ''
      printf 'kill -%s "$PPID"\n' "${signal%:*}" >>"$PLAY/$at"
      does container-deploy lab
      code "${signal#*:}"
      [[ "$(tail -n 1 "$CALLS")" == "container-remove --yes lab._.alice" ]]
    done
  done
}

@test "deploy --open ends as the shell ended, and keeps the container" {
  plays container-create 'echo lab._.alice'
  plays container-attach 'exit 7'
  does container-deploy --open lab
  code 7
  called "container-create lab -o container" "container-start lab._.alice" "container-attach lab._.alice"
}

@test "deploy is given one way to end, and a dry run makes nothing" {
  does container-deploy --open --background lab
  code 2
  called ""
  does container-deploy --dry-run lab --gpus 1 --json
  code 0
  called "container-create lab --gpus 1 --dry-run -o json"
}

@test "--guided explains on stderr and changes nothing else" {
  plays container-create 'echo lab._.alice'
  plays container-start 'echo "lab runs"'
  [[ "$("$BOX/bin/container-deploy" lab --guided 2>"$BOX/told" </dev/null)" == "lab runs" ]]
  grep -q '^| Two steps in one' "$BOX/told"
  grep -q 'container retire NAME' "$BOX/told"
  plays container-start 'exit 6'
  does container-deploy lab --guided
  code 6
  says "| That did not work."
  called "$(grep -v guided "$CALLS")"
}

@test "retire stops and removes after a yes, one question for all" {
  plays container-remove '[[ "$*" != *--dry-run* ]] || printf "a._.u\ta\t\t\t\nb._.u\tb\t\t\t\n"'
  echo y >"$DS01_ANSWERS"
  does container-retire a b
  code 0
  says "a, b will be stopped and removed"
  called "container-remove --dry-run --force --save-packages -o container\\,name\\,packages.pip\\,packages.conda\\,packages.apt -- a b" \
    "container-stop -q a._.u" "container-remove --yes a._.u" \
    "container-stop -q b._.u" "container-remove --yes b._.u"
}

@test "retire never loses packages unasked" {
  plays container-remove '[[ "$*" != *--dry-run* ]] || printf "a._.u\ta\tnumpy==1,torch==2\t\thtop=3\n"'
  printf 'y\n\n' >"$DS01_ANSWERS"
  does container-retire a
  code 0
  says "In a were installed: numpy==1, torch==2"
  [[ "$(tail -n 1 "$CALLS")" == "container-remove --yes --save-packages a._.u" ]]
  printf 'y\nn\n' >"$DS01_ANSWERS"
  does container-retire a
  [[ "$(tail -n 1 "$CALLS")" == "container-remove --yes a._.u" ]]
  does container-retire --yes a
  [[ "$(tail -n 1 "$CALLS")" == "container-remove --yes --save-packages a._.u" ]]
  echo y >"$DS01_ANSWERS"
  does container-retire --discard-packages a
  [[ "$(tail -n 1 "$CALLS")" == "container-remove --yes a._.u" ]]
}

@test "retire with nobody to ask names the option and touches nothing" {
  unset DS01_ANSWERS
  plays container-remove '[[ "$*" != *--dry-run* ]] || printf "a._.u\ta\t\t\t\n"'
  does container-retire a
  code 2
  says "--yes"
  never container-stop
  DS01_ANSWERS=$BOX/answers
  echo n >"$DS01_ANSWERS"
  export DS01_ANSWERS
  does container-retire a
  code 1
  says "the answer was no"
  never container-stop
}

@test "retire of a name that is none touches nothing; one that cannot be stopped is not removed" {
  plays container-remove 'printf "a._.u\ta\t\t\t\n"; exit 4'
  does container-retire --yes a nobody
  code 4
  never container-stop
  : >"$CALLS"
  plays container-remove '[[ "$*" != *--dry-run* ]] || printf "a._.u\ta\t\t\t\nb._.u\tb\t\t\t\n"'
  plays container-stop '[[ "$*" != *a._.u ]] || exit 6'
  does container-retire --yes a b
  code 6
  never 'remove --yes.* a._.u'
  grep -q 'remove --yes.* b._.u' "$CALLS"
}

@test "container VERB is container-VERB, with its arguments and its exit code" {
  plays container-list 'exit 6'
  does container list --all "two words"
  code 6
  called "container-list --all two\\ words"
  : >"$CALLS"
  does container ls -a
  does container help stop
  called "container-list -a" "container-stop --help"
}

@test "a verb that is none is answered with the nearest, and alone all are listed" {
  does check limts
  code 2
  says 'did you mean "check limits"?'
  does check zzz
  code 2
  [[ "$output" != *"did you mean"* ]]
  does check
  code 0
  says "limits"
  does container --help
  code 0
  says "deploy"
  says "retire"
}

@test "a script under several names shows its own line" {
  does get --help
  code 0
  [[ "${lines[0]}" == "get WHAT [ARGUMENTS] - "* && "$output" != *"check WHAT"* ]]
}

@test "mlc-create takes AIME's arguments, and counts the GPUs that were named" {
  does mlc-create lab Pytorch 2.4.0 -w=/home/u/work -d /data -g=2
  does mlc-create lab Pytorch 2.4.0 -g=0,2,3
  says "which ones is not chosen here"
  does mlc-create lab Pytorch 2.4.0 '-g="device=1"'
  does mlc-create lab --image "my image" -g all --dry-run
  does mlc-create --show-limits
  does mlc-create
  called "container-create --gpus 2 --workspace /home/u/work --data /data lab Pytorch 2.4.0" \
    "container-create --gpus 3 lab Pytorch 2.4.0" \
    "container-create --gpus 1 lab Pytorch 2.4.0" \
    "container-create --dry-run --gpus all --image my\\ image lab" \
    "container-create --show-limits" "container-create --frameworks"
}

@test "mlc-open takes a name for no command, and passes on what stands behind --" {
  does mlc-open lab
  does mlc-open lab -- python train.py --gpus 4
  does mlc-stop -Y lab
  does mlc-list -a
  called "container-run lab" "container-run lab -- python train.py --gpus 4" "container-stop --yes lab" "container-list -a"
  : >"$CALLS"
  does mlc-update-sys
  code 1
  says "nothing is brought up to date"
  does mlc-upgrade-sys now
  code 2
  called ""
}
