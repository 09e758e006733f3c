#!/usr/bin/env python3
"""clients.py SCRATCH - compare what nvidia-ml-py, nvitop and gpustat see with the worlds

Started by clients.sh, which sets up the packages and the library.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

WORLDS = Path(__file__).resolve().parent.parent / "worlds"
SCRATCH = Path(sys.argv[1])
BIN = Path(sys.executable).parent
MODELS = {
    "A100-40": ("NVIDIA A100-SXM4-40GB", 40960),
    "A30": ("NVIDIA A30", 24576),
    "H100": ("NVIDIA H100 80GB HBM3", 81559),
    "H200": ("NVIDIA H200", 143771),
}
# What nvidia-ml-py knows and the driver that the simulator stands for does not have yet.
NEWER = """
    nvmlDeviceGetAccountingStats_v2 nvmlDeviceGetAdaptiveTgpModeInfo_v1
    nvmlDeviceGetBBXTimeData_v1 nvmlDeviceGetBankRemapperStatus_v1 nvmlDeviceGetGpuFabricInfo_v4
    nvmlDeviceGetHostname_v1 nvmlDeviceGetMemoryLimits_v1 nvmlDeviceGetNvLinkTelemetrySamples_v1
    nvmlDeviceGetRemappedRows_v2 nvmlDeviceGetUnrepairableMemoryFlag_v1
    nvmlDeviceGetVgpuSchedulerLog_v2 nvmlDeviceGetVgpuSchedulerState_v2
    nvmlDevicePerfMetricsGetSamples_v1 nvmlDeviceReadPRMCounters_v1
    nvmlDeviceSetAdaptiveTgpMode_v1 nvmlDeviceSetHostname_v1 nvmlDeviceSetMemoryLimits_v1
    nvmlDeviceSetNvlinkBwModeAsync_v1 nvmlDeviceSetRusdSettings_v1
    nvmlDeviceSetVgpuSchedulerState_v2 nvmlDeviceVgpuForceGspUnload
    nvmlDeviceWorkloadPowerProfileUpdateProfiles_v1 nvmlEventSetGetContextCount_v1
    nvmlEventSetGetContextData_v1 nvmlEventSetGetContextInfo_v1
    nvmlEventSetGetGpuOperationalEventContextLegacyXid_v1
    nvmlEventSetRegisterGpuOperationalEvents_v1 nvmlEventSetWait_v3
    nvmlGpuInstanceGetVgpuSchedulerLog_v2 nvmlGpuInstanceGetVgpuSchedulerState_v2
    nvmlGpuInstanceSetVgpuSchedulerState_v2 nvmlSystemGetCPER_v1
""".split()
failed = 0


def check(what, seen, wanted):
    """One line a check."""
    global failed
    if seen == wanted:
        print(f"ok    {what}")
    else:
        failed += 1
        print(f"WRONG {what}\n      seen   {seen!r}\n      wanted {wanted!r}")


def run(world, *command):
    """A client on a world, with the library's calls counted."""
    calls = SCRATCH / "calls"
    calls.unlink(missing_ok=True)
    env = dict(os.environ, NVML_SIM_WORLD=str(world), NVML_SIM_CALLS=str(calls), TERM="dumb",
               COLUMNS="160", LINES="60", PYTHONWARNINGS="ignore")
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    done.calls = len(calls.read_text().splitlines()) if calls.exists() else 0
    return done


def python(world, code):
    done = run(world, sys.executable, "-c", code)
    if done.returncode:
        return f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
    return json.loads(done.stdout)


def expected(world):
    """What the world says, card by card: an own reading, none of the simulator's."""
    cards = []
    for gpu in world["gpus"]:
        for _ in range(gpu.get("count", 1)):
            name, total = MODELS[gpu["model"]]
            processes = gpu.get("processes", [])
            mig = gpu.get("mig", False)
            pieces = mig if isinstance(mig, list) else []
            cards.append({
                "name": name,
                "total": total,
                "used": 4 + sum(p["memory_mib"] for p in processes),
                "busy": None if mig is not False else gpu.get("utilization", {}).get("gpu", 0),
                "temperature": gpu.get("temperature", 34),
                "pids": sorted(p["pid"] for p in processes),
                "mig": sorted(p["profile"] if isinstance(p, dict) else p.split("@")[0] for p in pieces),
            })
    return cards


PYNVML = """
import json, pynvml as n
n.nvmlInit()
def soft(f, *a):
    try: return f(*a)
    except n.NVMLError_NotSupported: return None
cards = []
for i in range(n.nvmlDeviceGetCount()):
    h = n.nvmlDeviceGetHandleByIndex(i)
    memory, busy, mig = n.nvmlDeviceGetMemoryInfo(h, version=n.nvmlMemory_v2), soft(n.nvmlDeviceGetUtilizationRates, h), []
    for k in range(n.nvmlDeviceGetMaxMigDeviceCount(h)):
        try: m = n.nvmlDeviceGetMigDeviceHandleByIndex(h, k)
        except (n.NVMLError_NotFound, n.NVMLError_NotSupported): break
        assert n.nvmlDeviceGetUUID(n.nvmlDeviceGetHandleByUUID(n.nvmlDeviceGetUUID(m))) == n.nvmlDeviceGetUUID(m)
        mig.append(n.nvmlDeviceGetName(m).split(" MIG ")[1])
    cards.append({"name": n.nvmlDeviceGetName(h), "total": memory.total >> 20, "used": memory.used >> 20,
        "busy": busy and busy.gpu, "temperature": n.nvmlDeviceGetTemperature(h, 0),
        "pids": sorted(p.pid for p in n.nvmlDeviceGetComputeRunningProcesses(h)), "mig": sorted(mig)})
print(json.dumps(cards))
"""

NVITOP = """
import json
from nvitop import Device, NA
cards = []
for d in Device.all():
    with d.oneshot():
        busy = d.gpu_utilization()
        cards.append({"name": d.name(), "total": d.memory_total() >> 20, "used": d.memory_used() >> 20,
            "busy": None if busy is NA else busy, "temperature": d.temperature(), "pids": sorted(d.processes()),
            "mig": sorted(m.name().split(" MIG ")[1] for m in d.mig_devices())})
print(json.dumps(cards))
"""

CUT = """
import json, pynvml as n
n.nvmlInit()
h = n.nvmlDeviceGetHandleByIndex(0)
info = n.nvmlDeviceGetGpuInstanceProfileInfo(h, n.NVML_GPU_INSTANCE_PROFILE_3_SLICE, version=2)
places = (n.c_nvmlGpuInstancePlacement_t * 8)()
count = n.c_uint(8)
n.nvmlDeviceGetGpuInstancePossiblePlacements(h, info.id, places, n.byref(count))
gi = n.nvmlDeviceCreateGpuInstanceWithPlacement(h, info.id, n.byref(places[1]))
ci_info = n.nvmlGpuInstanceGetComputeInstanceProfileInfo(gi, n.NVML_COMPUTE_INSTANCE_PROFILE_3_SLICE, n.NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED, version=2)
ci = n.nvmlGpuInstanceCreateComputeInstance(gi, ci_info.id)
m = n.nvmlDeviceGetMigDeviceHandleByIndex(h, 0)
seen = [n.nvmlDeviceGetName(m), info.name, count.value, n.nvmlDeviceGetGpuInstanceId(m), n.nvmlDeviceGetAttributes(m).memorySizeMB,
    n.nvmlDeviceGetGpuInstanceRemainingCapacity(h, info.id)]
n.nvmlComputeInstanceDestroy(ci)
n.nvmlGpuInstanceDestroy(gi)
seen.append(n.nvmlDeviceGetGpuInstanceRemainingCapacity(h, info.id))
print(json.dumps(seen))
"""

SYMBOLS = """
import ctypes, json, re, pynvml
text = open(pynvml.__file__).read()
names = sorted(set(re.findall(r'_nvmlGetFunctionPointer\\("(nvml\\w+)"', text)))
lib = ctypes.CDLL("libnvidia-ml.so.1")
print(json.dumps([len(names), [n for n in names if not hasattr(lib, n)]]))
"""


def from_gpustat(done):
    if done.returncode:
        return f"exit {done.returncode}: {done.stderr[-300:]}"
    cards = []
    for gpu in json.loads(done.stdout)["gpus"]:
        cards.append({
            "name": gpu["name"],
            "total": gpu["memory.total"],
            "used": gpu["memory.used"],
            "busy": gpu["utilization.gpu"],
            "temperature": gpu["temperature.gpu"],
            "pids": sorted(p["pid"] for p in gpu["processes"] or []),
        })
    return cards


def without(cards, *keys):
    return [{k: v for k, v in card.items() if k not in keys} for card in cards]


def with_real_pids(name, pid):
    """The world with a living process in every place: clients drop those that are gone."""
    world = json.loads((WORLDS / f"{name}.json").read_text())
    for gpu in world["gpus"]:
        for process in gpu.get("processes", []):
            process["pid"] = pid
    path = SCRATCH / f"{name}.json"
    path.write_text(json.dumps(world))
    return path, expected(world)


def compare(name, pid):
    path, cards = with_real_pids(name, pid)
    check(f"nvidia-ml-py on {name}", python(path, PYNVML), cards)
    check(f"nvitop's library on {name}", python(path, NVITOP), cards)
    if cards:
        done = run(path, BIN / "gpustat", "--json")
        check(f"gpustat on {name} ({done.calls} calls)", from_gpustat(done), without(cards, "mig"))
        done = run(path, BIN / "nvitop", "-1")
        # nvitop shortens names to fit its columns; the indices and the totals it keeps.
        shown = [int(i) for i in re.findall(r"^│ +(\d+) +[^ ]+ .*(?:On|Off)", done.stdout, re.M)]
        wanted = (0, list(range(len(cards))), [f"{c['temperature']}C" for c in cards])
        check(f"nvitop -1 on {name} ({done.calls} calls)",
              (done.returncode, shown, re.findall(r"^│ +\S+ +(\d+C) ", done.stdout, re.M)), wanted)


def refuse(what, path, wanted):
    code = "import pynvml, json\ntry: pynvml.nvmlInit(); print(1)\nexcept pynvml.NVMLError as e: print(json.dumps(str(e)))"
    check(f"nvidia-ml-py {what}", python(path, code), wanted)
    for tool in (["gpustat"], ["nvitop", "-1"]):
        done = run(path, BIN / tool[0], *tool[1:])
        spoke = (done.stdout + done.stderr).strip() != ""
        check(f"{tool[0]} {what} fails and says so", (done.returncode != 0, spoke), (True, True))


def main():
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        for name in ("a100x4", "mig-mixed", "h200x8", "empty"):
            compare(name, sleeper.pid)
    finally:
        sleeper.kill()
        sleeper.wait()
    refuse("on a broken world", WORLDS / "broken.json", "Unknown Error")
    absent = SCRATCH / "no-driver.json"
    absent.write_text('{"init": "DRIVER_NOT_LOADED", "gpus": []}')
    refuse("without a driver", absent, "Driver Not Loaded")

    whole = SCRATCH / "cut.json"
    whole.write_text('{"root_only": false, "gpus": [{"model": "A100-40", "mig": []}]}')
    check("nvidia-ml-py cuts a card and mends it", python(whole, CUT),
          ["NVIDIA A100-SXM4-40GB MIG 3g.20gb", "MIG 3g.20gb", 2, 1, 19968, 1, 2])

    known, missing = python(WORLDS / "empty.json", SYMBOLS)
    check(f"{known - len(NEWER)} of nvidia-ml-py's {known} functions are there, the rest are newer",
          missing, NEWER)
    if failed:
        print(f"{failed} checks failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
