"""The servers that are compared: cdn and its rivals as Debian packages them, each set up as is best for the work.

Every rival runs as one worker, without an access log unless it is asked for, in front of the same origin. What is left
at its default is left there because changing it brought nothing.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from measuring import HERE, Server, fail, free_port, start, start_nginx, version, wait_until_open

# What a rival needs to be there: the program, and the Debian package that has it.
PROGRAMS = {
    "nginx": "nginx", "HAProxy": "haproxy", "Varnish": "varnishd", "Traffic Server": "traffic_server",
    "Squid": "squid", "Apache": "apache2",
}
NGINX_ROOM = "keys_zone=cache:64m max_size=8g inactive=1d use_temp_path=off"


class Setting:
    """What a benchmark asks of every server: a TLS certificate, HTTP/2, an access log, a store on disk."""

    def __init__(self, root, cpu, origin, certificate=None, http2=False, log=False):
        self.root, self.cpu, self.origin = root, cpu, origin
        self.certificate, self.http2, self.log = certificate, http2, log
        self.scheme = "https" if certificate else "http"

    def directory(self, name):
        directory = Path(tempfile.mkdtemp(prefix=re.sub(r"\W+", "-", name) + "-", dir=self.root))
        # Varnish and Traffic Server give up root's rights.
        directory.chmod(0o777)
        return directory


def make_certificate(root):
    """A P-256 certificate for localhost: (certificate, key, both in one file)."""
    certificate, key, both = root / "cert.pem", root / "key.pem", root / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
         "-out", certificate], check=True, capture_output=True)
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return certificate, key, both


def launch(name, command, setting, port, **options):
    directory = options.pop("directory")
    with open(directory / "output", "w") as output:
        process = start(command, setting.cpu, stdout=output, stderr=output, **options)
    wait_until_open(port, process, name, directory / "output")
    return Server(name, process, port, setting.scheme)


def start_cdn(setting, executable):
    directory, port = setting.directory("cdn"), free_port()
    command = [executable, f"http://127.0.0.1:{setting.origin.port}/", "--host", "127.0.0.1", "--port", port,
               "--store", directory / "store"]
    if setting.certificate:
        command += ["--tls-cert", setting.certificate[0], "--tls-key", setting.certificate[1]]
    if setting.log:
        command += ["--access-log", directory / "access.log"]
    return launch("cdn", command, setting, port, directory=directory)


def start_nginx_cache(setting, sendfile="off", nopush="off"):
    name = f"nginx, sendfile {sendfile}" + (f", tcp_nopush {nopush}" if sendfile == "on" else "")
    directory = setting.directory("nginx-cache")
    listen, tls = "LISTEN", ""
    if setting.certificate:
        listen = "LISTEN_TLS2" if setting.http2 else "LISTEN_TLS"
        tls = f"""ssl_certificate {setting.certificate[0]}; ssl_certificate_key {setting.certificate[1]};
            ssl_protocols TLSv1.3; ssl_session_cache shared:TLS:10m;"""
    log = f"access_log {directory}/access.log combined buffer=64k flush=1s" if setting.log else "access_log off"
    body = f"""
        {log}; sendfile {sendfile}; tcp_nopush {nopush}; sendfile_max_chunk 0; {tls}
        open_file_cache max=20000; open_file_cache_valid 1h;
        proxy_cache_path {directory}/cache levels=1:2 {NGINX_ROOM};
        upstream origin {{ server 127.0.0.1:{setting.origin.port}; keepalive 64; }}
        server {{
            {listen}
            location / {{
                proxy_pass http://origin; proxy_cache cache; proxy_cache_valid 200 1h;
                proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0;
            }}
        }}
    """
    server = start_nginx(name, setting.root, setting.cpu, body)
    server.scheme = setting.scheme
    return server


def start_nginx_debian(setting):
    """nginx with what Debian's nginx.conf sets in its http block, and a cache."""
    directory = setting.directory("nginx-debian")
    body = f"""
        sendfile on; tcp_nopush on; types_hash_max_size 2048; access_log {directory}/access.log;
        proxy_cache_path {directory}/cache levels=1:2 {NGINX_ROOM};
        server {{
            LISTEN
            location / {{ proxy_pass http://127.0.0.1:{setting.origin.port}; proxy_cache cache; proxy_cache_valid 200 1h; }}
        }}
    """
    return start_nginx("nginx as Debian sets it up", setting.root, setting.cpu, body)


def start_haproxy(setting):
    directory, port = setting.directory("haproxy"), free_port()
    bind = f"bind 127.0.0.1:{port}"
    if setting.certificate:
        bind += f" ssl crt {setting.certificate[2]} ssl-min-ver TLSv1.3" + (" alpn h2,http/1.1" if setting.http2 else "")
    log = f"log {directory}/log local0" if setting.log else "no log"
    (directory / "conf").write_text(f"""
global
    nbthread 1
    maxconn 4000
    tune.ssl.cachesize 20000
defaults
    mode http
    {log}
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    option http-keep-alive
    http-reuse always
cache hits
    total-max-size 4095
    max-object-size 1000000000
    max-age 3600
frontend front
    {bind}
    default_backend origin
backend origin
    http-request cache-use hits
    http-response cache-store hits
    server origin 127.0.0.1:{setting.origin.port}
""")
    return launch("HAProxy", ["haproxy", "-db", "-f", directory / "conf"], setting, port, directory=directory)


def start_varnish(setting):
    directory, port = setting.directory("varnish"), free_port()
    command = [
        "varnishd", "-F", "-j", "none", "-n", directory / "work", "-a", f"127.0.0.1:{port}",
        "-b", f"127.0.0.1:{setting.origin.port}", "-s", "malloc,3g", "-t", "3600", "-p", "thread_pools=1",
        "-p", "thread_pool_max=1200",
    ]
    return launch("Varnish", command, setting, port, directory=directory)


def start_traffic_server(setting):
    directory, port = setting.directory("traffic-server"), free_port()
    for folder in ("etc", "run", "log", "cache"):
        (directory / folder).mkdir()
        (directory / folder).chmod(0o777)
    (directory / "runroot.yaml").write_text(f"""
prefix: /usr
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: {directory}/etc
datadir: {directory}/cache
includedir: /usr/include
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: {directory}
runtimedir: {directory}/run
logdir: {directory}/log
cachedir: {directory}/cache
""")
    (directory / "etc/records.config").write_text(f"""
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.cache.ram_cache.size INT 2G
CONFIG proxy.config.cache.ram_cache_cutoff INT 128M
CONFIG proxy.config.cache.max_doc_size INT 0
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.http.cache.required_headers INT 0
CONFIG proxy.config.http.insert_response_via_str INT 0
CONFIG proxy.config.net.connections_throttle INT 20000
CONFIG proxy.config.url_remap.remap_required INT 1
""")
    (directory / "etc/remap.config").write_text(f"map / http://127.0.0.1:{setting.origin.port}/\n")
    (directory / "etc/storage.config").write_text(f"{directory}/cache 4G\n")
    (directory / "etc/ip_allow.yaml").write_text(
        "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    methods: ALL\n")
    environment = dict(os.environ, TS_RUNROOT=str(directory))
    return launch("Traffic Server", ["traffic_server"], setting, port, directory=directory, env=environment)


def start_squid(setting):
    directory, port = setting.directory("squid"), free_port()
    (directory / "conf").write_text(f"""
http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1:{setting.origin.port} no-vhost
cache_peer 127.0.0.1 parent {setting.origin.port} 0 no-query originserver name=origin
http_access allow all
cache_mem 2 GB
maximum_object_size_in_memory 128 MB
maximum_object_size 2 GB
memory_pools on
access_log none
cache_log {directory}/log
pid_filename {directory}/pid
coredump_dir {directory}
shutdown_lifetime 1 second
""")
    return launch("Squid", ["squid", "-N", "-f", directory / "conf"], setting, port, directory=directory)


def start_apache(setting):
    directory, port = setting.directory("apache"), free_port()
    modules = "mpm_event authz_core proxy proxy_http cache cache_disk".split()
    load = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
    (directory / "cache").mkdir()
    (directory / "cache").chmod(0o777)
    (directory / "conf").write_text(f"""
ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
ErrorLog {directory}/error.log
Listen 127.0.0.1:{port}
{load}
User nobody
Group nogroup
ServerLimit 1
StartServers 1
ThreadLimit 640
ThreadsPerChild 640
MaxRequestWorkers 640
AsyncRequestWorkerFactor 20
MaxKeepAliveRequests 0
KeepAliveTimeout 60
EnableSendfile On
CacheRoot {directory}/cache
CacheEnable disk /
CacheMaxFileSize 2000000000
CacheQuickHandler on
ProxyPass / http://127.0.0.1:{setting.origin.port}/ keepalive=On
""")
    return launch("Apache", ["apache2", "-X", "-f", directory / "conf"], setting, port, directory=directory)


def start_rival(name, setting):
    """Starts every set-up of one rival that is worth comparing."""
    if name == "nginx":
        return [start_nginx_cache(setting), start_nginx_cache(setting, "on"), start_nginx_cache(setting, "on", "on")]
    starters = {
        "HAProxy": start_haproxy, "Varnish": start_varnish, "Traffic Server": start_traffic_server,
        "Squid": start_squid, "Apache": start_apache,
    }
    return [starters[name](setting)]


def versions(executable, rivals):
    """What is compared, as one line."""
    patterns = {
        "nginx": ("-v", r"nginx/(\S+)"), "HAProxy": ("-v", r"version (\S+?)[ -]"), "Varnish": ("-V", r"varnish-(\S+)"),
        "Traffic Server": ("--version", r"Traffic Server (\S+)"), "Squid": ("-v", r"Version (\S+)"),
        "Apache": ("-v", r"Apache/(\S+)"),
    }
    said = [f"cdn {version(executable, '--version')}"]
    for rival in rivals:
        option, pattern = patterns[rival]
        found = re.search(pattern, version(PROGRAMS[rival], option))
        said.append(f"{rival} {found.group(1) if found else '?'}")
    return ", ".join(said)
