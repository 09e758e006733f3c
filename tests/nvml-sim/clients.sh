#!/usr/bin/env bash
# clients.sh - run nvidia-ml-py, nvitop and gpustat, unmodified, on simulated worlds
#
# They come from PyPI at fixed versions into target/nvml-clients, once. One line a check;
# the exit code says whether all agreed with the world.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$PWD/target/nvml-clients
pins=(nvidia-ml-py==13.615.71 nvitop==1.7.2 gpustat==1.1.1)
lib=${DS01_NVML_LIB:-$PWD/target/release/libnvml_sim.so}

if [[ ! -f "$lib" ]]; then
  echo "clients.sh: no $lib; build it with \`make build\`, or name one in DS01_NVML_LIB" >&2
  exit 1
fi
if [[ "$(cat "$venv/pins" 2>/dev/null)" != "${pins[*]}" ]]; then
  rm -rf "$venv"
  mkdir -p target
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "${pins[@]}" || {
    echo "clients.sh: cannot install ${pins[*]} from PyPI, so nothing was compared" >&2
    exit 1
  }
  echo "${pins[*]}" >"$venv/pins"
fi

# The clients ask the loader for libnvidia-ml.so.1: this directory alone has one.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$lib" "$scratch/libnvidia-ml.so.1"
export LD_LIBRARY_PATH=$scratch NVML_SIM_STATE=$scratch/state
exec "$venv/bin/python" tests/nvml-sim/clients.py "$scratch"
