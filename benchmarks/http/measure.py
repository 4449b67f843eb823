#!/usr/bin/env python3
"""Measures ConfigServer and attune::http beside other servers, every process on this machine.

usage: measure.py PROGRAMS OUT

PROGRAMS is the folder with the programs of benchmarks/http. OUT is JSON as Google Benchmark writes
it, for table.py. No process is pinned to a core: where the scheduler puts them is in the figures,
for all alike, and each measurement is repeated in turn.
"""

import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Optional

REPETITIONS = 3
CHANGES = 1000  # that an observer sees
WATCHERS = {1: 300, 100: 100, 1_000: 15, 5_000: 15, 10_000: 15}  # and how many rounds of each
ETCD_WATCHERS = {1: 300, 100: 100, 1_000: 15, 5_000: 10}
WRK = ["wrk", "--threads", "1", "--connections", "32", "--duration", "3s"]
PATIENCE = 60  # seconds, for anything


class Child:
    """A program that talks by lines."""

    def __init__(self, *command: Any) -> None:
        self.process = subprocess.Popen([str(part) for part in command], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args} has ended: {self.process.wait()}")
        return line.strip()

    def done(self) -> None:
        """Its input ends."""
        assert self.process.stdin
        self.process.stdin.close()

    def resident(self) -> int:
        """Bytes."""
        return resident(self.process.pid)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: Any) -> None:
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def kernel_memory() -> int:
    """Bytes that the kernel's own objects have, sockets and what waits for them among these."""
    information = Path("/proc/meminfo").read_text(encoding="utf-8")
    return int(re.search(r"Slab:\s+(\d+)", information)[1]) * 1024


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(url: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nothing answers at {url}")
            time.sleep(0.02)


@contextmanager
def daemon(command: list[str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def etcd(folder: Path) -> Iterator[tuple[int, int]]:
    """Yields its port and its process."""
    client, peer = free_ports(2)
    data = Path(tempfile.mkdtemp(dir=folder))
    command = ["etcd", "--data-dir", str(data), "--logger", "zap", "--log-level", "error",
               "--listen-client-urls", f"http://127.0.0.1:{client}",
               "--advertise-client-urls", f"http://127.0.0.1:{client}",
               "--listen-peer-urls", f"http://127.0.0.1:{peer}",
               "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
               "--initial-cluster", f"default=http://127.0.0.1:{peer}"]
    with daemon(command, folder / "etcd.log") as process:
        wait_for(f"http://127.0.0.1:{client}/health")
        yield client, process.pid
    shutil.rmtree(data)


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Serves 1 KiB as /blob with one worker; yields its port."""
    (port,) = free_ports(1)
    root = folder / "nginx"
    root.mkdir()
    (root / "blob").write_text('"' + "b" * 1022 + '"', encoding="utf-8")
    (root / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    open_file_cache max=16; default_type application/json;
    client_body_temp_path {root}/body; proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
""", encoding="utf-8")
    os.chmod(folder, 0o755)  # its worker is another user
    command = ["nginx", "-p", str(root), "-e", f"{root}/error.log", "-c", f"{root}/nginx.conf"]
    with daemon(command, folder / "nginx.log"):
        wait_for(f"http://127.0.0.1:{port}/blob")
        yield port


def allowed(watchers: dict[int, int]) -> dict[int, int]:
    """Those for whom a process may have enough files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for count in watchers:
        if count + 100 > files:
            print(f"no {count:,} watchers: a process may have no more than {files:,} files")
    return {count: rounds for count, rounds in watchers.items() if count + 100 <= files}


class Results:
    def __init__(self) -> None:
        self.benchmarks: list[dict[str, Any]] = []

    def add(self, name: str, **metrics: float) -> None:
        shown = " ".join(f"{metric}={value:.1f}" for metric, value in metrics.items())
        print(f"{name}: {shown}", flush=True)
        self.benchmarks.append({"name": f"http/{name}", "run_type": "iteration", **metrics})

    def add_distribution(self, name: str, microseconds: list[float], **more: float) -> None:
        ordered = sorted(microseconds)
        self.add(name, p50_us=statistics.median(ordered),
                 p99_us=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], **more)


class Bench:
    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.results = Results()

    def start(self, program: str, *arguments: Any) -> Child:
        return Child(self.programs / program, *arguments)

    def fan_out(self, name: str, peer: str, port: int, process: int, count: int,
                rounds: int) -> None:
        before, kernel = resident(process), kernel_memory()
        with self.start("http_watchers", peer, port, count, rounds) as watchers:
            watchers.hear()
            # Both ends of each connection are in this kernel.
            idle = {"bytes": (resident(process) - before) / count,
                    "kernel_bytes": (kernel_memory() - kernel) / count / 2}
            watchers.say("go")
            times = json.loads(watchers.hear())
        self.results.add_distribution(
            f"{name} {count}", times["each"], first_us=statistics.median(times["first"]),
            half_us=statistics.median(times["half"]), all_us=statistics.median(times["all"]),
            slowest_us=max(times["all"]), put_us=statistics.median(times["put"]), **idle)

    def told_by_epoll(self, count: int, rounds: int) -> None:
        with self.start("http_epoll_server") as server:
            self.fan_out("epoll", "attune", int(server.hear()), server.process.pid, count, rounds)

    def told_by_attune(self, count: int, rounds: int) -> None:
        with self.start("http_config_server") as server:
            self.fan_out("attune", "attune", int(server.hear()), server.process.pid, count, rounds)

    def told_by_etcd(self, count: int, rounds: int) -> None:
        with etcd(self.folder) as (port, process):
            self.fan_out("etcd", "etcd", port, process, count, rounds)

    def observed(self, watchers: int, place: str) -> None:
        """From Store::set in one process to on_change in another, one of so many watchers. The
        others watch `place`."""
        with ExitStack() as running:
            server = running.enter_context(self.start("http_config_server"))
            port = server.hear()
            if watchers > 1:
                others = running.enter_context(
                    self.start("http_watchers", "attune", port, watchers - 1, 0, place))
                others.hear()
            observer = running.enter_context(
                self.start("http_observer", f"http://127.0.0.1:{port}/v1/config"))
            observer.hear()
            server.say(f"change {CHANGES}")
            server.hear()
            observer.done()
            times = json.loads(observer.hear())
        name = f"observer of {watchers}" + ("" if place == "value" else " elsewhere")
        self.results.add_distribution(name, times, seen=len(times))

    def requests(self, name: str, url: str) -> None:
        wait_for(url)
        said = subprocess.run([*WRK, url], capture_output=True, text=True, check=True).stdout
        failed = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", said)
        if failed:
            sys.exit(f"{name}: {failed[0]}")
        self.results.add(f"get {name}", per_second=float(re.search(r"Requests/sec:\s+([\d.]+)",
                                                                   said)[1]))

    def run(self) -> None:
        with nginx(self.folder) as file_server, self.start("http_config_server") as server, \
                self.start("http_epoll_server") as limit:
            urls = [("nginx", f"http://127.0.0.1:{file_server}/blob"),
                    ("attune", f"http://127.0.0.1:{server.hear()}/v1/config/blob"),
                    ("epoll", f"http://127.0.0.1:{limit.hear()}/v1/config/blob")]
            for _ in range(REPETITIONS):
                for name, url in random.sample(urls, len(urls)):
                    self.requests(name, url)
        for _ in range(REPETITIONS):
            self.observed(1, "value")
            self.observed(100, "blob")
            self.observed(100, "value")
            for count, rounds in allowed(WATCHERS).items():
                self.told_by_epoll(count, rounds)
                self.told_by_attune(count, rounds)
                if count in ETCD_WATCHERS:
                    self.told_by_etcd(count, ETCD_WATCHERS[count])


def main(arguments: list[str]) -> Optional[str]:
    if len(arguments) != 2:
        return __doc__
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(arguments[0]), Path(folder))
        bench.run()
    with open(arguments[1], "w", encoding="utf-8") as out:
        json.dump({"benchmarks": bench.results.benchmarks}, out, indent=1)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
