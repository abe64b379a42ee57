"""What the benchmarks share: servers on one CPU, their CPU time, the load generator, the end of it all."""

import atexit
import ctypes
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
started = []


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f"{Path(sys.argv[0]).name}: {text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, cpu, **options):
    """Starts a server on one CPU, or a set of them, in a session of its own; it is asked to stop if this process dies."""
    libc = ctypes.CDLL(None)

    def in_child():
        libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        os.sched_setaffinity(0, cpu if isinstance(cpu, set) else {cpu})

    process = subprocess.Popen(
        [str(word) for word in command], start_new_session=True, preexec_fn=in_child, stdin=subprocess.DEVNULL, **options
    )
    started.append(process)
    return process


def stop_all():
    for process in started:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + 10
    for process in started:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        try:  # Whatever it left behind: they share its session.
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    started.clear()


def stop_servers(servers):
    """Stops these and what they started, so that the next ones have the CPU to themselves."""
    mine = [server.process for server in servers]
    others = [process for process in started if process not in mine]
    started[:] = mine
    stop_all()
    started[:] = others


def wait_until_open(port, process, name, output=None):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = f":\n{output.read_text(errors='replace')[-2000:]}" if output else ""
            fail(f"{name} ended with exit code {process.returncode}{said}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    fail(f"{name} does not listen")


def family(pid):
    """The process and all that it started and that still run."""
    found, parents = [pid], {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents.setdefault(int(stat_fields(entry)[1]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                pass
    for parent in found:
        found += parents.get(parent, [])
    return found


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, so that [0] is the state (field 3 of proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid):
    """User and system time of a server: its processes, and those that they have waited for."""
    ticks = 0
    for member in family(pid):
        try:
            ticks += sum(int(field) for field in stat_fields(member)[11:15])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks / TICKS


class Server:
    def __init__(self, name, process, port, scheme="http"):
        self.name, self.process, self.port, self.scheme = name, process, port, scheme

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"


def nginx_text(directory, port, body, workers=1):
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(f"{kind}_temp_path {directory}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
        daemon off; {user} worker_processes {workers}; pid {directory}/pid; error_log {directory}/error.log;
        events {{ worker_connections 20000; }}
        http {{
            client_body_temp_path {directory}/body; {temporary}
            keepalive_requests 1000000000;
            {listening(body, port)}
        }}
    """


def listening(body, port):
    """The configuration with its LISTEN words replaced; a backlog for thousands of new connections."""
    for word, options in (("LISTEN_TLS2", " ssl http2"), ("LISTEN_TLS", " ssl"), ("LISTEN", "")):
        body = body.replace(word, f"listen 127.0.0.1:{port}{options} backlog=4096;")
    return body


def start_nginx(name, root, cpu, body):
    port = free_port()
    directory = Path(tempfile.mkdtemp(prefix=re.sub(r"\W+", "-", name) + "-", dir=root))
    directory.chmod(0o755)
    (directory / "conf").write_text(nginx_text(directory, port, body))
    with open(directory / "output", "w") as output:
        process = start(["nginx", "-p", directory, "-c", directory / "conf", "-e", "stderr"], cpu, stderr=output)
    wait_until_open(port, process, name)
    return Server(name, process, port)


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}"


def version(*command):
    """The first line that a program says of its version."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.splitlines()[0] if done.stdout else "?"


def require(programs, executables):
    """Fails, with what to do, if something that the benchmark starts is not there."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in programs:
        if not shutil.which(program):
            fail(f"{program} is not installed; ./waystation bench installs it")
    for executable in executables:
        if not os.access(executable, os.X_OK):
            fail(f"there is no {executable}; ./waystation bench builds it")


def run_in_directory(run):
    """Calls `run` with a temporary directory; on whatever end, everything that was started is stopped."""
    root = Path(tempfile.mkdtemp(prefix="waystation-bench-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    atexit.register(stop_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        run(root)
    except KeyboardInterrupt:
        sys.exit(130)
