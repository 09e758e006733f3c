"""METHOD PATH [BODY]: one request to Docker's socket as it stands here; prints the status and the body."""
import http.client
import socket
import sys


class Socket(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


ask = Socket("docker", timeout=30)
body = sys.argv[3] if len(sys.argv) > 3 else None
ask.request(sys.argv[1], sys.argv[2], body, {"Content-Type": "application/json"} if body else {})
answer = ask.getresponse()
print(answer.status, answer.read().decode(errors="replace").strip())
