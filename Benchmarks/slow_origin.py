"""An origin for benchmarks that serves one sparse file, with ranges, at a limited speed, and counts what it is asked."""

import os
import re
import socket
import threading

SO_MAX_PACING_RATE = 47


class Origin:
    """Serves `length` zero octets at every path, from a sparse file, so that no disk is in the way."""

    def __init__(self, root, length, octets_per_second=None):
        self.length, self.rate = length, octets_per_second
        self.file = os.open(root / "sparse", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self.file, length)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.requests = self.bodies = self.bodies_most = self.connections = self.connections_most = 0
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.rate:
                connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, self.rate)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.lock:
            self.connections += 1
            self.connections_most = max(self.connections_most, self.connections)
        try:
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    more = connection.recv(65536)
                    if not more:
                        return
                    received += more
                head, _, received = received.partition(b"\r\n\r\n")
                self.answer(connection, head.decode("latin-1"))
        except OSError:
            pass  # The client had enough.
        finally:
            with self.lock:
                self.connections -= 1
            connection.close()

    def answer(self, connection, head):
        path = head.split(" ")[1]
        length = int(found.group(1)) if (found := re.search(r"/(\d+)\.octets$", path)) else self.length
        first, last, status = 0, length - 1, "200 OK"
        fields = "Cache-Control: max-age=3600\r\nETag: \"sparse\"\r\nAccept-Ranges: bytes\r\n"
        if wanted := re.search(r"(?im)^range: bytes=(\d+)-(\d*)", head):
            first, last = int(wanted.group(1)), min(last, int(wanted.group(2) or last))
            status = "206 Partial Content"
            fields += f"Content-Range: bytes {first}-{last}/{length}\r\n"
        with self.lock:
            self.requests += 1
            self.bodies += 1
            self.bodies_most = max(self.bodies_most, self.bodies)
        try:
            connection.sendall(f"HTTP/1.1 {status}\r\n{fields}Content-Length: {last - first + 1}\r\n\r\n".encode())
            while first <= last:
                first += os.sendfile(connection.fileno(), self.file, first, min(last - first + 1, 1 << 20))
        finally:
            with self.lock:
                self.bodies -= 1
