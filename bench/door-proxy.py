#!/usr/bin/env python3
"""door-proxy.py LISTEN UPSTREAM - a Docker socket proxy as one writes it in Python.

A thread for each connection. Each request is read and passed on, the list of containers is
cut to those of whoever asks, a raw stream becomes a tunnel. For the comparison in
`bench/run door` alone: it guards nothing.
"""

import json
import os
import pwd
import re
import socket
import socketserver
import struct
import sys
import threading

LIST = re.compile(r"^(/v[\d.]+)?/containers/json(\?|$)")
RAW = re.compile(r"^(/v[\d.]+)?/(containers/[^/]+/attach|exec/[^/]+/start|session|grpc)")
PIECE = 65536


class Message:
    """The head of a request or an answer, and how its body ends."""

    def __init__(self, reader):
        self.first = reader.readline()
        self.lines = []
        self.length = None
        self.chunked = False
        while self.first:
            line = reader.readline()
            if line in (b"\r\n", b""):
                break
            self.lines.append(line)
            key, _, value = line.partition(b":")
            key = key.strip().lower()
            if key == b"content-length":
                self.length = int(value)
            elif key == b"transfer-encoding" and b"chunked" in value.lower():
                self.chunked = True

    def head(self):
        return self.first + b"".join(self.lines) + b"\r\n"

    def body(self, reader):
        """Pieces of the body, its framing included."""
        if self.chunked:
            while True:
                size = reader.readline()
                count = int(size.split(b";")[0], 16)
                yield size + reader.read(count + 2)
                if count == 0:
                    return
        left = self.length or 0
        while left > 0:
            piece = reader.read(min(left, PIECE))
            if not piece:
                return
            left -= len(piece)
            yield piece


def payload(message, reader):
    pieces = list(message.body(reader))
    if not message.chunked:
        return b"".join(pieces)
    return b"".join(piece[piece.index(b"\r\n") + 2 : -2] for piece in pieces)


def copy(source, target):
    try:
        while True:
            piece = source.recv(PIECE)
            if not piece:
                break
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        cred = self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", cred)
        try:
            user = pwd.getpwuid(uid).pw_name
        except KeyError:
            return
        daemon = socket.socket(socket.AF_UNIX)
        daemon.connect(UPSTREAM)
        answers = daemon.makefile("rb")
        try:
            while self.one(user, daemon, answers):
                pass
        except (OSError, ValueError):
            pass
        finally:
            answers.close()
            daemon.close()

    def one(self, user, daemon, answers):
        request = Message(self.rfile)
        if not request.first:
            return False
        method, target, _ = request.first.decode().split(" ", 2)
        daemon.sendall(request.head())
        for piece in request.body(self.rfile):
            daemon.sendall(piece)
        answer = Message(answers)
        status = int(answer.first.split(b" ")[1])
        if RAW.match(target) and (status == 101 or (answer.length is None and not answer.chunked)):
            self.request.sendall(answer.head())
            up = threading.Thread(target=copy, args=(self.request, daemon), daemon=True)
            up.start()
            while True:
                piece = answers.read1(PIECE)
                if not piece:
                    return False
                self.request.sendall(piece)
        if method == "GET" and LIST.match(target) and status == 200:
            items = json.loads(payload(answer, answers))
            own = [item for item in items if (item["Labels"] or {}).get("ds01.user") == user]
            body = json.dumps(own).encode()
            self.request.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % len(body)
                + body
            )
            return True
        self.request.sendall(answer.head())
        if method != "HEAD":
            for piece in answer.body(answers):
                self.request.sendall(piece)
        return True


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 1024


LISTEN, UPSTREAM = sys.argv[1:]
with Server(LISTEN, Handler) as server:
    os.chmod(LISTEN, 0o666)
    server.serve_forever()
