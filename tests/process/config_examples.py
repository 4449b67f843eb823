#!/usr/bin/env python3
"""Runs the examples config_server and config_client together, as the README shows them.

usage: config_examples.py config_server config_client
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from queue import Queue
from threading import Thread

SAMPLE = Path(__file__).resolve().parents[2] / "examples/config_server/service.json"
PATIENCE = 30


class Program:
    """A child whose output is read line by line."""

    def __init__(self, *command: object):
        self.process = subprocess.Popen([str(part) for part in command], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines: Queue[str] = Queue()
        Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def until(self, text: str) -> str:
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if text in line:
                return line

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        assert code == 0, f"{self.process.args} ended with {code}"


def ask(method: str, url: str, token: str, body: object = None) -> tuple[int, object]:
    request = urllib.request.Request(
        url, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main() -> None:
    server_program, client_program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "service.json"
        shutil.copy(SAMPLE, file)
        # Without a token: then everybody on this machine may read and write.
        server = Program(server_program, file, "--port", 0, "--journal", Path(folder) / "state")
        url = server.until("http://")
        client = Program(client_program, url, Path(folder) / "gateway.cache")
        client.until("0.0.0.0:8443, pool of 8, timeout 250 ms")

        assert ask("GET", f"{url}/gateway/port", "")[1] == 8443
        assert ask("PUT", f"{url}/gateway/port", "", 9443)[0] == 200
        client.until("0.0.0.0:9443")

        # A file that is saved is a change as well.
        changed = json.loads(file.read_text())
        changed["gateway"]["pool"]["size"] = 16
        file.write_text(json.dumps(changed))
        client.until("pool of 16")

        # The client refuses what the server, which binds nothing, lets through.
        assert ask("PUT", f"{url}/gateway/port", "", 99999)[0] == 200
        client.until("expected an integer in [1, 65535]")
        assert ask("PUT", f"{url}/gateway/port", "", 9444)[0] == 200
        client.until("0.0.0.0:9444")

        client.end()
        server.end()
        away = url

        # Without a journal what was set is gone, and the file counts.
        server = Program(server_program, file)
        url = server.until("http://")
        assert ask("GET", f"{url}/gateway/port", "")[1] == 8443
        server.end()

        # What was set over HTTP outlives the server, and the cache the client.
        token = Path(folder) / "token"
        token.write_text("a token of this test\n")
        server = Program(server_program, file, "--journal", Path(folder) / "state",
                         "--token-file", token)
        url = server.until("http://")
        assert ask("GET", f"{url}/gateway/pool/size", "")[0] == 401
        assert ask("GET", f"{url}/gateway/port", "a token of this test")[1] == 9444
        client = Program(client_program, url, Path(folder) / "other.cache", token)
        client.until("0.0.0.0:9444")
        client.end()
        server.end()
        client = Program(client_program, away, Path(folder) / "gateway.cache")
        client.until("pool of 16")
        client.end()

        # Without the token that it was told to want, it does not serve at all.
        token.write_text("")
        for missing in (token, Path(folder) / "no token"):
            refused = subprocess.run([server_program, file, "--token-file", missing], text=True,
                                     capture_output=True, timeout=PATIENCE)
            assert refused.returncode == 1
            assert "first line is the token" in refused.stderr, refused.stderr


if __name__ == "__main__":
    main()
