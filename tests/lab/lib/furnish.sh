#!/usr/bin/env bash
# furnish.sh - what this tree brings into a running box, and what a newcomer is shown

# Looked at first, before anything is built or started for nothing.
furnish_check() {
  WORLD=$LAB_TREE/tests/worlds/${DS01_LAB_WORLD:-mig-mixed}.json
  [[ -x "$LAB_TREE/target/release/ds01" && -e "$LAB_TREE/target/release/libnvml_sim.so" ]] ||
    fail "ds01 is not built" "$LAB_TREE/target/release has no ds01 and libnvml_sim.so" "make build"
  [[ -e "$WORLD" ]] ||
    fail "there is no board $WORLD" "DS01_LAB_WORLD names a file of tests/worlds, without .json" \
      "choose one of: $(cd "$LAB_TREE/tests/worlds" && printf '%s ' *.json)" 4
}

# What the box is furnished with, as a text that changes with it.
furnish_state() {
  cd "$LAB_TREE" || return
  local apart
  # Commands that are files of their own.
  mapfile -t apart < <(target/release/ds01 --apart 2>/dev/null | sed 's,^,target/release/,')
  stat -c '%n %s %Y' target/release/ds01 target/release/libnvml_sim.so "$WORLD" "${apart[@]}"
  find tests/lab/box share man completions shell packaging -type f -exec stat -c '%n %s %Y' {} + 2>/dev/null | sort || :
}

# The commands, the simulated board, and the files of box/: put together aside, then unpacked
# in the box by itself. Done again whenever something here is newer than the last time.
box_furnish() {
  local stage=$BOX/stage state
  state=$(furnish_state)
  [[ ! -e "$BOX/furnished" || "$state" != "$(<"$BOX/furnished")" ]] || return 0
  rm -rf "$stage"
  mkdir -p "$stage/usr/lib/x86_64-linux-gnu" "$stage/etc/ds01-lab"
  cp -a --no-preserve=ownership "$LAB/box/." "$stage/"
  env -u MAKEFLAGS -u MFLAGS make -s -C "$LAB_TREE" install DESTDIR="$stage" PREFIX=/usr >"$BOX/install.log" 2>&1 || {
    tail -n 10 "$BOX/install.log" >&2
    fail "ds01 could not be installed in the box" "the lines above are from make install" "make build"
  }
  # Under the name that NVIDIA's own library has, so every program finds the board unasked.
  install -m 644 "$LAB_TREE/target/release/libnvml_sim.so" \
    "$stage/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
  install -m 644 "$WORLD" "$stage/etc/ds01-lab/world.json"
  {
    inside /usr/lib/ds01-lab/settle before &&
      tar -C "$stage" --owner=0 --group=0 -c . |
      inside tar -x --keep-directory-symlink --no-overwrite-dir -C / &&
      inside /usr/lib/ds01-lab/settle after
  } >"$BOX/install.log" 2>&1 || {
    tail -n 10 "$BOX/install.log" | sed 's/^/    /' >&2
    fail "the box could not be made ready" "the lines above are what it said" "tests/lab/lab reset"
  }
  rm -rf "$stage"
  printf '%s\n' "$state" >"$BOX/furnished"
}

# Read by the tests too, so what it promises is checked: USER | COMMAND | WHAT YOU SEE
tour() {
  local user command seen
  printf '\n  The lab runs: systemd, Docker, and a simulated board of GPUs.\n\n'
  printf '  Be somebody:  make lab-shell USER=alice    (or bob, carol, admin, root)\n\n'
  printf '  Or try, one line at a time:\n'
  while IFS='|' read -r user command seen; do
    [[ -n "$user" && "$user" != '#'* ]] || continue
    printf "\n    make lab-run USER=%s CMD='%s'\n      %s\n" "${user// /}" "$(trimmed "$command")" "$(trimmed "$seen")"
  done <"$LAB/tour"
  printf '\n  make lab-down ends it, make lab-reset starts anew.  More: docs/lab.md\n\n'
}

trimmed() { sed 's/^ *//; s/ *$//' <<<"$1"; }
