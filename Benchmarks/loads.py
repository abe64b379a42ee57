"""What is measured: the works, and the load generators that ask for them."""

import re
import subprocess
from dataclasses import dataclass, field

from measuring import fail

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Work:
    """One row of the comparison."""

    title: str
    # The file that is asked for, and its octets.
    file: str
    size: int
    connections: int
    # Which load generator, see LOADS.
    load: str = "wrk"
    # Who is compared with cdn.
    rivals: tuple = ("nginx", "HAProxy", "Varnish", "Traffic Server", "Squid", "Apache")
    # Our CPU to that of the best nginx, and to that of others, at most.
    targets: dict = field(default_factory=dict)
    tls: bool = False
    http2: bool = False
    log: bool = False
    # Whether each request is for something that is not stored.
    is_miss: bool = False
    # Octets of a range; 0: whole bodies.
    range_size: int = 0

    @property
    def unit(self):
        return "gigabyte" if self.octets > 64 * KIB else "million"

    @property
    def keys(self):
        """How many requests ask for all there is to ask for."""
        return KEYS if self.load == "keys" else 1

    @property
    def octets(self):
        """Octets of one answer's body."""
        return self.range_size or self.size


KEYS = 10_000
SECURE = ("nginx", "HAProxy")
WORKS = {
    "1KiB": Work("1 KiB hits, 64 connections", "1KiB", KIB, 64, targets={"nginx": 0.60, "HAProxy": 0.75, "Varnish": 0.30}),
    "1KiB-512": Work("1 KiB hits, 512 connections", "1KiB", KIB, 512,
                     targets={"nginx": 0.60, "HAProxy": 0.75, "Varnish": 0.30}),
    "keys": Work("1 KiB hits, 10,000 keys", "1KiB", KIB, 64, load="keys", targets={"nginx": 0.55}),
    "pipelined": Work("1 KiB hits, 16 at a time in a pipeline", "1KiB", KIB, 64, load="pipelined", targets={"nginx": 0.12}),
    "connection": Work("1 KiB hits, a new connection each", "1KiB", KIB, 64, load="closing", targets={"nginx": 0.90}),
    "logged": Work("1 KiB hits, with a buffered access log", "1KiB", KIB, 64, rivals=("nginx",), log=True),
    "64KiB": Work("64 KiB hits", "64KiB", 64 * KIB, 64, targets={"nginx": 0.65}),
    "1MiB": Work("1 MiB hits", "1MiB", MIB, 16, load="discard", targets={"nginx": 0.90, "nginx as Debian sets it up": 0.60}),
    "64MiB": Work("64 MiB hits", "64MiB", 64 * MIB, 16, load="discard",
                  targets={"nginx": 0.90, "nginx as Debian sets it up": 0.60}),
    "ranges": Work("random 1 MiB ranges of 1 GiB", "1GiB", GIB, 16, load="discard", range_size=MIB,
                   rivals=("nginx", "Varnish", "Traffic Server"),
                   targets={"nginx": 0.90, "nginx as Debian sets it up": 0.60}),
    "tls-1KiB": Work("TLS 1.3, 1 KiB hits, 64 connections", "1KiB", KIB, 64, rivals=SECURE, tls=True,
                     targets={"nginx": 0.75}),
    "tls-64MiB": Work("TLS 1.3, 64 MiB hits", "64MiB", 64 * MIB, 4, rivals=SECURE, tls=True, targets={"nginx": 0.45}),
    "tls-handshake": Work("TLS 1.3, 1 KiB hits, a handshake each", "1KiB", KIB, 64, load="closing", rivals=SECURE, tls=True,
                          targets={"nginx": 0.90}),
    "http2": Work("HTTP/2, 1 KiB hits, 100 streams", "1KiB", KIB, 1, load="http2", rivals=SECURE, tls=True, http2=True,
                  targets={"nginx": 1.5}),
    "miss-1KiB": Work("1 KiB misses", "1KiB", KIB, 64, load="misses", is_miss=True, targets={"nginx": 0.60}),
    "miss-64MiB": Work("64 MiB misses, stored to disk", "64MiB", 64 * MIB, 4, load="discard", is_miss=True,
                       targets={"nginx": 0.50}),
}
STREAMS = 100

# wrk's scripts: https://github.com/wg/wrk/blob/master/SCRIPTING
KEYS_LUA = f"""
local next = 0
request = function()
    next = (next + 7919) % {KEYS}
    return wrk.format("GET", "/1KiB?" .. next)
end
"""
PIPELINE_LUA = """
init = function(args)
    local all = {}
    for i = 1, 16 do all[i] = wrk.format("GET") end
    whole = table.concat(all)
end
request = function() return whole end
"""
MISSES_LUA = """
local next = 0
init = function(args) prefix = "/1KiB?" .. args[1] .. "-" end
request = function()
    next = next + 1
    return wrk.format("GET", prefix .. next)
end
"""
SCRIPTS = {"keys": KEYS_LUA, "pipelined": PIPELINE_LUA, "misses": MISSES_LUA}

runs = 0


def command(server, work, seconds, root):
    """The words that start the load generator."""
    global runs
    runs += 1
    if work.load == "discard":
        path = f"/{work.file}?{runs}-%" if work.is_miss else f"/{work.file}"
        words = [root / "discard", server.port, path, work.connections, seconds]
        return words + ([work.range_size, work.size] if work.range_size else [])
    url = f"{server.url}/{work.file}"
    if work.load == "http2":
        return ["h2load", "-t1", f"-c{work.connections}", f"-m{STREAMS}", f"--duration={seconds}", url]
    words = ["wrk", "-t1", f"-c{work.connections}", f"-d{seconds}s", "--timeout", "20s"]
    if work.load == "closing":
        words += ["-H", "Connection: close"]
    if work.load in SCRIPTS:
        script = root / f"{work.load}.lua"
        script.write_text(SCRIPTS[work.load])
        words += ["-s", script]
    return words + [url] + (["--", runs] if work.load == "misses" else [])


def run(server, work, seconds, cpu, root):
    """Runs the load for some seconds; returns how many requests were answered, and octets of their bodies."""
    words = ["taskset", "-c", cpu, *command(server, work, seconds, root)]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds + 120)
    if done.returncode != 0:
        fail(f"{server.name}: the load generator said: {done.stderr.strip() or done.stdout.strip()}")
    if work.load == "discard":
        requests, octets = (int(word) for word in done.stdout.split()[:2])
        return requests, octets
    if work.load == "http2":
        said = re.search(r"requests: \d+ total, .*? (\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
        if not said or int(said.group(1)) == 0 or int(said.group(3)):
            fail(f"{server.name}: errors under load:\n{done.stdout}")
        return int(said.group(1)), int(said.group(1)) * work.octets
    if "Non-2xx" in done.stdout or re.search(r"Socket errors.*(read|write) [1-9]", done.stdout):
        fail(f"{server.name}: errors under load:\n{done.stdout}")
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    return requests, requests * work.octets
