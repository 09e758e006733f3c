"""resolve.py CONFIG USER - the limits of a user, the short way in Python

What limits-resolve is measured against: it loads the YAML with PyYAML, finds the user's
group, puts override over group over defaults, and prints eleven lines. It checks nothing.
"""
import sys

import yaml

LINES = [
    ("Priority", "priority"),
    ("Max MIG Instances", "max_mig_instances"),
    ("Max CPUs", "max_cpus"),
    ("Memory", "memory"),
    ("Shared Memory", "shm_size"),
    ("Max Containers", "max_containers_per_user"),
    ("Idle Timeout", "idle_timeout"),
    ("GPU Hold After Stop", "gpu_hold_after_stop"),
    ("Container Hold After Stop", "container_hold_after_stop"),
]


def main():
    path, user = sys.argv[1:]
    with open(path) as file:
        config = yaml.safe_load(file)
    group = config.get("default_group")
    for name, entry in config["groups"].items():
        if user in entry.get("members", []):
            group = name
            break
    limits = dict(config["defaults"])
    limits.update(config["groups"][group])
    limits.update(config.get("user_overrides", {}).get(user, {}))
    print(f"User: {user}\nGroup: {group}")
    for label, key in LINES:
        print(f"{label}: {limits.get(key)}")


main()
