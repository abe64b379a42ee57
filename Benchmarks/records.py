"""A second implementation of peers' records, for benchmarks: PyPI's or Debian's cryptography, no code of Waystation's."""

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import time
from collections import namedtuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Peer = namedtuple("Peer", "name sequence seed public compact")


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def canonical(value):
    """RFC 8785 for what stands in records: ASCII member names, integers, strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def jws(kind, payload, key):
    head = b64(canonical({"alg": "EdDSA", "typ": kind})) + "." + b64(canonical(payload))
    return (head + "." + b64(key.sign(head.encode()))).encode()


def make(name, number, ttl=3600, sequence=1):
    """A suite-1 record of a key of its own, valid for an hour."""
    seed = hashlib.sha256(f"bench {name} {number}".encode()).digest()
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    now = int(time.time())
    payload = {
        "cnf": {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": b64(public)}},
        "enc": {"1": b64(hashlib.sha256(seed + b"enc").digest()[:31] + b"\x10")},
        "exp": now + 3600, "iat": now, "seq": sequence, "sub": name, "ttl": ttl,
        "url": f"http://127.0.0.1:{10_000 + number % 50_000}/",
    }
    return Peer(name, sequence, seed, public, jws("peer-record+jwt", payload, key))


class Make:
    """`make` for a pool: one argument, a tuple."""

    def __call__(self, arguments):
        return make(*arguments)


def renewal(lease, peer, counter):
    message = b"renew\0" + peer.name.lower().encode() + b"\0" + struct.pack(">QQ", peer.sequence, counter)
    mac = hmac.digest(lease, message, "sha256")
    return f"{peer.sequence}.{counter}.{b64(mac)}".encode()


def exchange(port, requests, depth=16):
    """Sends prepared requests on one connection, `depth` at a time, and yields the head of each answer."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        stream = connection.makefile("rb")
        for start in range(0, len(requests), depth):
            part = requests[start:start + depth]
            connection.sendall(b"".join(part))
            for _ in part:
                head, length = [], 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    head.append(line)
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                stream.read(length)
                yield head


def register(port, peers):
    """Registers them all; the lease key of each by name."""
    requests = [
        b"PUT /peers/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jwt\r\nContent-Length: %d\r\n\r\n%s"
        % (peer.name.encode(), len(peer.compact), peer.compact)
        for peer in peers
    ]
    leases = {}
    for peer, head in zip(peers, exchange(port, requests)):
        if b" 201 " not in head[0] and b" 200 " not in head[0]:
            raise SystemExit(f"registering {peer.name}: {head[0].decode().strip()}")
        for line in head:
            if line.lower().startswith(b"peer-lease:"):
                text = line.split(b":")[1].strip()
                leases[peer.name] = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    return leases


def leave(port, peer):
    key = Ed25519PrivateKey.from_private_bytes(peer.seed)
    token = jws("peer-leave+jwt", {"exp": int(time.time()) + 60, "seq": peer.sequence, "sub": peer.name}, key)
    request = b"DELETE /peers/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Peer %s\r\n\r\n" % (
        peer.name.encode(), token,
    )
    for head in exchange(port, [request]):
        if b" 204 " not in head[0]:
            raise SystemExit(f"leaving {peer.name}: {head[0].decode().strip()}")
