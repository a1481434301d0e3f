"""A daemon for the checks: tests/check/scripted_daemon.cpp, whose answers follow from the last message."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import suite

PROGRAM = suite.ROOT / "build/release/tests/scripted_daemon"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """Starts at once; `kill()` and `start()` again go on with the same journal."""

    def __init__(self, token=""):
        if not os.access(PROGRAM, os.X_OK):
            raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
        self.folder = tempfile.TemporaryDirectory(prefix="baton-check-")
        self.program = shutil.copy(PROGRAM, self.folder.name)  # a build in the meantime does not matter
        self.journal = pathlib.Path(self.folder.name) / "journal.db"
        self.effects_file = pathlib.Path(self.folder.name) / "effects"
        self.token = token
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        arguments = [self.program, self.journal, self.effects_file, str(self.port)] + ([self.token] if self.token else [])
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the daemon does not start: " + self.process.stderr.read())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.close_pipes()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.close_pipes()

    def close_pipes(self):
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()

    def effects(self):
        return self.effects_file.read_text().split() if self.effects_file.exists() else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()
