#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR/.. disable=SC2034 # LAB_UNFINISHED and LAB_BUILDER are for the trap in lab.
# recipe.sh - the Debian root that every box stands on: built once, whole or not at all
#
# The recipe is the folder recipe/. Its hash names the root, so a changed recipe is another
# root, and an unchanged one is never built twice, however many clones there are.

recipe_hash() {
  RECIPE=$(cd "$LAB/recipe" && sha256sum -- * | sha256sum)
  RECIPE=${RECIPE:0:16}
}

recipe_root() { printf '%s/root.%s\n' "$LAB_CACHE" "$RECIPE"; }

# SUITE TARGET LOG PACKAGES-FILE [FURTHER OPTIONS OF mmdebstrap]
recipe_bootstrap() {
  local suite=$1 target=$2 packages=$3 include
  shift 3
  include=$(sed 's/ *#.*//; /^$/d' "$LAB/recipe/$packages" | paste -sd,)
  # Nothing in a box reads these, and they are half of what would be unpacked.
  mmdebstrap --mode=root --variant=minbase --include="$include" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' "$@" "$suite" "$target" "${LAB_MIRROR[@]}"
}

recipe_build() {
  local new rc=0
  new=$(recipe_root).new.$$
  say "building the Debian root of the lab, once: about a minute"
  need_space "$LAB_CACHE" 3000
  LAB_MIRROR=("${DS01_LAB_MIRROR:-http://deb.debian.org/debian}")
  LAB_UNFINISHED=$new
  mkdir -p "$new/tmp"
  {
    . "$LAB/recipe/suite"
    TMPDIR=$new/tmp recipe_bootstrap "$SUITE" "$new/image.tar" image-packages &
    LAB_BUILDER=$!
    # shellcheck disable=SC2016 # A hook is a small shell script; its $1 is the new root.
    TMPDIR=$new/tmp LAB_PEOPLE=$LAB/recipe/people recipe_bootstrap "$SUITE" "$new/root" packages \
      --customize-hook='cp "$LAB_PEOPLE" "$1/tmp/people" && chroot "$1" bash /tmp/people' || rc=$?
    wait "$LAB_BUILDER" || rc=$?
    LAB_BUILDER=''
    ((rc == 0)) &&
      install -D -m 644 "$new/image.tar" "$new/root/usr/lib/ds01-lab/image.tar"
  } </dev/null >"$LAB_CACHE/build.log" 2>&1 9>&- || {
    tail -n 15 "$LAB_CACHE/build.log" | sed 's/^/    /' >&2
    fail "the Debian root could not be built" \
      "the lines above are the last of $LAB_CACHE/build.log; the first build fetches 200 MB from ${LAB_MIRROR[0]}" \
      "check the network, or set DS01_LAB_MIRROR to a Debian mirror that this machine reaches"
  }
  mv "$new/root" "$(recipe_root)"
  rm -rf --one-file-system "$new"
  LAB_UNFINISHED=''
}

# Build it unless it is there. Only one builds at a time; the others wait and then find it.
recipe_ensure() {
  [[ ! -d $(recipe_root) ]] || {
    touch "$(recipe_root)"
    return 0
  }
  exec 7>"$LAB_CACHE/build.lock"
  flock 7
  # The lock is ours, so whoever left one of these unfinished is dead.
  rm -rf --one-file-system "$LAB_CACHE"/root.*.new.*
  [[ -d $(recipe_root) ]] || recipe_build 7>&-
  recipe_prune
  exec 7>&-
}

# Roots of earlier recipes go when no box stands on them and the last use is a week ago.
recipe_prune() {
  local root
  while read -r root; do
    grep -qsx "${root##*/root.}" "$LAB_CACHE"/boxes/*/recipe || rm -rf --one-file-system "$root"
  done < <(find "$LAB_CACHE" -maxdepth 1 -name 'root.*' -mtime +7 -not -path "$(recipe_root)")
}
