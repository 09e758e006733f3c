#!/usr/bin/env bash
# shellcheck disable=SC2034 # status and output are what the suite reads.
# terminal.bash - somebody at a terminal in the box, who reads before they type

# USER COMMAND: starts it on a terminal of its own.
sits() {
  local user=$1 command=$2
  output=''
  coproc SEAT { lab run "$user" -- script -qefc "$command" /dev/null 2>&1; }
  # Of our own: those of a coprocess go when it ends, and no subshell has them.
  exec {SEAT_IN}>&"${SEAT[1]}" {SEAT_OUT}<&"${SEAT[0]}"
  SEAT_OF=$SEAT_PID
}

# TEXT: reads on until it is there.
sees() {
  local key deadline=$((SECONDS + 60)) new=''
  until [[ "$new" == *"$1"* ]]; do
    if ((SECONDS > deadline)) || ! IFS= read -r -d '' -n 1 -t 60 -u "$SEAT_OUT" key; then
      printf 'sees no "%s" but: %s\n' "$1" "$output"
      return 1
    fi
    new+=$key
    output+=$key
  done
}

# TEXT: and Enter.
types() { printf '%s\r' "$1" >&"$SEAT_IN"; }
# KEYS, as they are: $'\x03' is Ctrl-C.
presses() { printf '%s' "$1" >&"$SEAT_IN"; }

# Reads the rest; $status is the command's, $output all that was to be seen.
ends() {
  local rest
  rest=$(timeout 60 cat <&"$SEAT_OUT") || :
  output+=$rest
  output=${output//$'\r'/}
  status=0
  wait "$SEAT_OF" || status=$?
  exec {SEAT_IN}>&- {SEAT_OUT}<&-
}
