"""docker-py through the door, as whoever runs it; every line printed is a fact checked by docker_py.bats."""
import os
import sys
import time

import docker

me = os.environ["USER"]
client = docker.from_env()


def said(name, *facts):
    print(name, *facts, flush=True)


said("ping", client.ping(), client.version()["ApiVersion"] == client.api.api_version or "older")
said("run", client.containers.run("lab-python", ["echo", "hello"], remove=True).decode().strip())
try:
    client.containers.run("lab-python", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
except docker.errors.ContainerError as error:
    said("exit", error.exit_status, error.stderr.decode().strip())

begun = int(time.time())
events = client.events(decode=True, filters={"type": "container"})
box = client.containers.run(
    "lab-python",
    ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done; exec cat"],
    name=f"py._.{me}",
    detach=True,
    stdin_open=True,
    labels={"course": "ml"},
    environment={"A": "b"},
    mem_limit="64m",
    cpu_period=100000,
    cpu_quota=50000,
    volumes={os.environ["HOME"]: {"bind": "/work", "mode": "rw"}},
    tmpfs={"/scratch": ""},
    init=True,
)
said("event", next(event["Action"] for event in events if event["Actor"]["ID"] == box.id))
events.close()
said("logs", *(line.decode().strip() for _, line in zip(range(3), box.logs(stream=True, follow=True))))
said("exec", box.exec_run(["sh", "-c", "echo $A; exit 4"]).exit_code)
out, err = box.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True).output
said("demux", out.decode().strip(), err.decode().strip())
said("stream", *(part.decode().strip() for part in box.exec_run(["echo", "streamed"], stream=True).output))

# An exec's socket: sent, ended for writing, and answered.
exec_id = client.api.exec_create(box.id, ["wc", "-c"], stdin=True)["Id"]
sock = client.api.exec_start(exec_id, socket=True)
sock._sock.sendall(b"x" * 100000)
sock._sock.shutdown(1)
said("exec-socket", sock.read()[8:].decode().strip())
sock.close()

sock = box.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
sock._sock.sendall(b"typed\n")
said("attach-socket", sock.read(100)[8:].decode().strip())
sock.close()

said("stats", box.stats(stream=False)["memory_stats"].get("limit"))
said("top", box.top()["Titles"][0])
archive, stat = box.get_archive("/etc/hostname")
said("archive", stat["name"], sum(map(len, archive)) > 500)
box.rename(f"py2._.{me}")
box.update(mem_limit="32m", memswap_limit="32m")
box.reload()
said("reload", box.name == f"py2._.{me}", box.attrs["HostConfig"]["Memory"] >> 20, box.labels["course"], box.labels["ds01.user"] == me)
said("list", *(one.name for one in client.containers.list(filters={"label": "course=ml"})))
said("mine", len(client.containers.list(all=True)), {one.labels.get("ds01.user") for one in client.containers.list(all=True)} == {me})
said("images", "lab-python:latest" in [tag for image in client.images.list() for tag in image.tags], client.images.get("lab-python").short_id[:7])

network = client.networks.create(f"net-{me}")
network.connect(box)
network.reload()
said("network", [one.name for one in network.containers])
network.disconnect(box)
network.remove()
volume = client.volumes.create(f"vol-{me}")
said("volume", (volume.attrs["Labels"] or {}).get("ds01.user") == me, volume.id in [one.id for one in client.volumes.list()])
volume.remove()

box.pause()
box.unpause()
box.kill()
said("wait", box.wait()["StatusCode"])
pruned = client.containers.prune(filters={"label": "course=ml"})
said("prune", pruned["ContainersDeleted"] == [box.id])
said("volumes-prune", client.volumes.prune()["VolumesDeleted"] or None)
said("networks-prune", client.networks.prune().get("NetworksDeleted") or None)
said("past", sorted({e["Action"] for e in client.events(since=begun, until=int(time.time()) + 1, decode=True, filters={"container": box.id, "event": ["create", "die", "destroy"]})}))

gpu = client.containers.run(
    "lab-python",
    ["ls", "/dev/nvidia-lab"],
    device_requests=[docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])],
    remove=True,
)
said("gpu", len(gpu.split()))
for other in sys.argv[1:]:
    try:
        client.containers.get(other)
        said("open", other)
    except docker.errors.APIError as error:
        said("closed", error.response.status_code, error.explanation.splitlines()[0])
