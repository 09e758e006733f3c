#!/usr/bin/env bash
# options.sh - a script's options, by the table in its head
#
# A line there such as `#   -w, --where DIR  words` sets `where`; without a word for a value it
# is a switch, which is set to 1. The same lines are the script's --help, the OPTIONS part of
# its page and its completions (tools/ds01/build.rs).

# The head without its marks, and what the script adds in `more_help`. Of a script under
# several names only one's own line.
help() {
  local line own=1
  while IFS= read -r line && [[ "$line" != '# shellcheck'* ]]; do
    [[ "$line" != '#' ]] || own=''
    [[ "$line" == '#!'* || -n "$own" && "$line" != "# $NAME "* ]] || say "${line:2}"
  done <"$0"
  ! declare -F more_help >/dev/null || more_help
}

declare -A SETS=() TAKES=()
read_table() {
  local line flag long words=()
  while IFS= read -r line && [[ "$line" != '# shellcheck'* ]]; do
    [[ "$line" =~ ^#\ +(-.*) ]] || continue
    IFS=' ,' read -ra words <<<"${BASH_REMATCH[1]%%  *}"
    for flag in "${words[@]}"; do [[ "$flag" != -* ]] || long=${flag#-}; done
    for flag in "${words[@]}"; do
      [[ "$flag" == -* ]] || continue
      long=${long#-} SETS[$flag]=${long//-/_} TAKES[$flag]=
      [[ "${words[-1]}" == -* ]] || TAKES[$flag]=1
    done
  done <"$0"
}

# [--pass] WORD...: what is no option is left in ARGS, and with --pass options too that are in
# no table, for they are another command's.
ARGS=()
options() {
  local pass='' flag value
  read_table
  [[ "${1-}" != --pass ]] || { pass=1 && shift; }
  while (($# > 0)); do
    flag=${1%%=*} value=1
    if [[ "$1" == -- ]]; then
      [[ -n "$pass" ]] || shift
      ARGS+=("$@")
      break
    elif [[ "$1" != -?* || (-n "$pass" && -z "${SETS[$flag]-}") ]]; then
      ARGS+=("$1")
      shift
      continue
    fi
    [[ -n "${SETS[$flag]-}" ]] || usage_fault "\"$flag\" is no option"
    if [[ -n "${TAKES[$flag]}" && "$1" == *=* ]]; then
      value=${1#*=}
    elif [[ -n "${TAKES[$flag]}" ]]; then
      (($# > 1)) || usage_fault "$flag needs a value"
      shift
      value=$1
    fi
    [[ -n "${TAKES[$flag]}" || "$1" != *=* ]] || usage_fault "$flag takes no value"
    shift
    printf -v "${SETS[$flag]}" '%s' "$value"
  done
  if [[ -n "${help-}" ]]; then
    help
    exit 0
  elif [[ -n "${version-}" ]]; then
    value=$(ds01 --version)
    say "$NAME ${value#ds01 }"
    exit 0
  fi
}
