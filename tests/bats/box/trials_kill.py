"""trials_kill.py WHAT MOMENT... - five people at work in the box, and WHAT is killed so many
milliseconds after they began; prints what is wrong afterwards, and a line for each moment.

WHAT is dockerd, dfilter or clients; `held-dockerd` stops dockerd before anybody begins, so
that everybody's request is in its hands when it dies. As root, with the box's own Docker."""

import json, os, pwd, re, signal, subprocess, sys, time

REAL = ["docker", "-H", "unix:///run/docker-real.sock"]
# What each does, and the container that it is about.
WORK = {
    "alice": ("container-create work --image lab-python", "work._.alice"),
    "bob": ("container-start work", "work._.bob"),
    "carol": ("container-stop -t 2 work", "work._.carol"),
    "anna": ("container-remove --yes work", "work._.anna"),
    "anna-lena": ("container-deploy work --image lab-python --background", "work._.anna-lena"),
}
KEPT = "sh -c 'trap \"sleep 0.7; exit\" TERM; while :; do sleep 0.1; done'"
wrong = []


def run(*words, check=True):
    return subprocess.run(words, check=check, text=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


def begin(user, line):
    who = pwd.getpwnam(user)
    return subprocess.Popen(
        ["bash", "-c", line], user=who.pw_uid, group=who.pw_gid, extra_groups=os.getgrouplist(user, who.pw_gid),
        env={"HOME": who.pw_dir, "USER": user, "PATH": os.environ["PATH"]}, cwd=who.pw_dir, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill(unit):
    os.kill(int(run("systemctl", "show", "-p", "MainPID", "--value", unit)), signal.SIGKILL)


def back():
    """Until Docker answers, to the admin and through the door."""
    run("systemctl", "reset-failed", "docker.service", check=False)
    run("systemctl", "start", "docker.service")
    until(lambda: subprocess.run([*REAL, "ps"], capture_output=True).returncode == 0
          and begin("bob", "docker ps").wait() == 0, "Docker is back")


def until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def containers():
    ids = run(*REAL, "ps", "-aq", "--no-trunc").split()
    return {c["Name"][1:]: c for c in json.loads(run(*REAL, "inspect", *ids))} if ids else {}


def clear():
    ids = run(*REAL, "ps", "-aq").split()
    if ids:
        run(*REAL, "rm", "-f", *ids, check=False)
    run("gpu-alloc", "reconcile", "--apply")


def prepare():
    clear()
    ready = [begin(user, "container-create work --image lab-python") for user in ("bob", "anna")]
    # It takes its time to end, so that it is being stopped for a while.
    ready.append(begin("carol", f"docker run -d --gpus 1 --name work._.carol lab-python {KEPT}"))
    for one in ready:
        said = one.communicate()[0]
        if one.returncode:
            raise SystemExit(f"cannot prepare: {said}")


def leaks():
    """What the ledger or Docker have of which the other, or nobody, knows."""
    # The timer's own run; here it is asked for oftener than systemd likes.
    run("systemctl", "reset-failed", "ds01-gpu-reconcile.service", check=False)
    run("systemctl", "start", "ds01-gpu-reconcile.service")
    have, bad = containers(), []
    leases = json.loads(run("gpu-alloc", "status"))
    for name, lease in leases["allocations"].items():
        if name not in have:
            bad.append(f"a lease without a container: {name} {lease['state']}")
        elif lease.get("container_id") not in (None, have[name]["Id"]):
            bad.append(f"the lease of {name} is of another container")
    bad += [f"a request without an end: {one}" for one in leases["pending"]]
    slots = [slot["uuid"] for lease in leases["allocations"].values() for slot in lease["slots"]]
    if len(slots) != len(set(slots)):
        bad.append(f"a slot is given twice: {slots}")
    for name, one in have.items():
        owner = one["Config"]["Labels"].get("ds01.user")
        if owner != name.rpartition("._.")[2]:
            bad.append(f"an orphan: {name} is {owner}'s")
        if one["State"]["Running"] and name not in leases["allocations"]:
            bad.append(f"{name} runs with a GPU that nobody leased to it")
    return bad


def judge(moment, said, codes):
    have = containers()
    for user, (line, name) in WORK.items():
        text, code = said[user], codes[user]
        state = have[name]["State"]["Status"] if name in have else "gone"

        def no(why):
            wrong.append(f"{moment}: {user}: {line}: {why}; {name} is {state}; exit code {code}:\n{text}")

        if WHAT == "clients":
            continue
        if code not in (0, 6):
            no("neither done nor unreachable")
        if code == 6 and not re.search(r"^error: .+\n(.*\n)*?  why: .+\n(.*\n)*?   do: .+", text, re.M):
            no("says not what, why and what to do")
        if re.search(r"panicked|os error|HTTP|/v1\.|sock\b.*not Docker's|ApiVersion|missing field", text):
            no("says what no student knows")
        known = code == 0 or "not known" not in text
        there, verb = state != "gone", line.split()[0]
        if known and verb == "container-create" and there != (code == 0 or "is still there" in text):
            no("is not as it was told")
        if known and verb == "container-remove" and there != (code != 0):
            no("is not as it was told")
        if verb == "container-deploy" and code == 0 and not there:
            no("is not as it was told")
        if verb == "container-deploy" and code == 6 and there and name.partition("._.")[0] not in text:
            no("says not what is left")


def trial(moment):
    prepare()
    held = int(run("systemctl", "show", "-p", "MainPID", "--value", "docker"))
    if WHAT == "held-dockerd":
        os.kill(held, signal.SIGSTOP)
    work = {user: begin(user, line) for user, (line, _) in WORK.items()}
    time.sleep(moment / 1000)
    if WHAT == "clients":
        for one in work.values():
            os.killpg(one.pid, signal.SIGKILL)
    else:
        kill("ds01-dfilter" if WHAT == "dfilter" else "docker")
    said = {user: one.communicate(timeout=100)[0] for user, one in work.items()}
    codes = {user: one.returncode for user, one in work.items()}
    back()
    judge(moment, said, codes)
    # A request that nobody follows ends at its deadline, which the suite made short.
    try:
        until(lambda: not leaks(), "", 20)
    except SystemExit:
        wrong.extend(f"{moment}: {bad}" for bad in leaks())
    print(moment, *(f"{user}:{code}" for user, code in codes.items()), flush=True)
    if os.environ.get("TOLD"):
        print(*(f"--{user}\n{text}" for user, text in said.items()), sep="\n", flush=True)


WHAT = sys.argv[1]
for at in sys.argv[2:]:
    trial(int(at))
# Whoever owns what is left can end it, and then nothing is left.
for owner, (_, full) in WORK.items():
    if full in containers():
        last = begin(owner, "container-remove --yes --force work")
        text = last.communicate()[0]
        if last.returncode:
            wrong.append(f"{full} cannot be removed by its owner: {text}")
print(*wrong, sep="\n", flush=True)
until(lambda: not leaks() and not json.loads(run("gpu-alloc", "status"))["allocations"], f"nothing is left: {leaks()}")
sys.exit(bool(wrong))
