"""Runs the real binary in a folder of the test's own."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

BINARY = None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Run:
    def __init__(self, done):
        self.exit, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def failure(self):
        """The one line on stderr with which a failed command ends under --json."""
        return json.loads(self.err.splitlines()[-1])


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="omrsync-cli-")
        self.running = []

    def tearDown(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stderr.close()
        shutil.rmtree(self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text, mode=0o600):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def tool(self, *words, env=None, expect=None):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("OMRSYNC_")}
        done = subprocess.run([BINARY, *words], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120, env={**clean, **(env or {})}, check=False)
        if expect is not None:
            self.assertEqual(done.returncode, expect, f"{words}\n{done.stdout}\n{done.stderr}")
        return Run(done)

    def start(self, *words):
        process = subprocess.Popen([BINARY, *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.running.append(process)
        return process

    def stop(self, process, seconds=5):
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=seconds)

    def init_parent(self, folder="hq", database_port=1):
        self.write(f"{folder}/pw", "secret\n")
        port = free_port()
        self.tool("--config", f"{folder}/omrsync.toml", "init", "parent", "--name", folder, "--timezone", "Africa/Nairobi",
                  "--listen", f"127.0.0.1:{port}", "--url", f"https://localhost:{port}",
                  "--openmrs", f"mysql://omrsync@127.0.0.1:{database_port}/openmrs", "--openmrs-password-file", "pw",
                  "--no-input", expect=0)
        return f"{folder}/omrsync.toml"

    def init_child(self, parent, folder="kitale", database_port=1):
        self.write(f"{folder}/pw", "secret\n")
        self.tool("--config", parent, "node", "add", folder, "--catchment", "all", "--card", f"{folder}.card", expect=0)
        self.tool("--config", f"{folder}/omrsync.toml", "init", "child", "--name", folder, "--timezone", "Africa/Nairobi",
                  "--openmrs", f"mysql://omrsync@127.0.0.1:{database_port}/openmrs", "--openmrs-password-file", "pw",
                  "--join", f"{folder}.card", "--no-input", expect=0)
        return f"{folder}/omrsync.toml"


def main():
    global BINARY
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
