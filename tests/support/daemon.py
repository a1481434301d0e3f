"""A daemon for the checks: tests/probes/scripted_daemon.cpp, whose answers follow from the last message."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tests.support import suite

PROGRAM = suite.ROOT / "build/release/tests/scripted_daemon"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """Starts at once; `kill()` and `start()` again continue with the same journal. `options` are those of scripted_daemon.cpp, and may
    change between two starts. The daemon's stderr is written to a file: a pipe without a reader would block it."""

    def __init__(self, token="", *, options=(), program=None, disk=None):
        """disk: a function that is called with the folder of the journal while it is empty, such as one that mounts something."""
        program = program or PROGRAM
        if not os.access(program, os.X_OK):
            raise suite.Unavailable(f"{program} is not built: scripts/test.sh builds it")
        self.folder = tempfile.TemporaryDirectory(prefix="baton-check-")
        home = pathlib.Path(self.folder.name)
        self.program = shutil.copy(program, home)  # a build in the meantime does not matter
        self.journal = home / "journal/journal.db"
        self.journal.parent.mkdir()
        if disk:
            disk(self.journal.parent)
        self.effects_file, self.stderr_file = home / "effects", home / "stderr"
        self.token, self.options = token, list(options)
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        arguments = [self.program, self.journal, self.effects_file, str(self.port)] + ([self.token] if self.token else []) + self.options
        with open(self.stderr_file, "ab") as errors:
            self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.url = next((line.strip() for line in self.process.stdout if line.startswith("http")), "")
        if not self.url:
            self.process.wait()
            raise RuntimeError(f"the daemon does not start (status {self.process.returncode}): {self.stderr_tail()}")

    def stderr_tail(self, size=2000):
        text = self.stderr_file.read_bytes() if self.stderr_file.exists() else b""
        return text[-size:].decode(errors="replace").strip()

    def kill(self):
        self.process.kill()  # nothing, if it has ended
        self.process.wait()
        self.process.stdout.close()

    def stop(self, patience=30):
        """Its duration in seconds."""
        began = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(patience)
        self.process.stdout.close()
        return time.monotonic() - began

    def stop_or_kill(self, patience):
        """The seconds from SIGTERM to the end; with SIGKILL after this many."""
        try:
            return self.stop(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return float(patience)

    def effects(self):
        """One entry for each: KEY:N."""
        return self.effects_file.read_text().split() if self.effects_file.exists() else []

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_bytes(self):
        """Maximum resident memory since forget_peak(). 0: the process has ended."""
        return self.status_kb("VmHWM") * 1024

    def resident_bytes(self):
        return self.status_kb("VmRSS") * 1024

    def status_kb(self, name):
        try:
            found = re.search(rf"^{name}:\s*(\d+) kB", pathlib.Path(f"/proc/{self.process.pid}/status").read_text(), re.MULTILINE)
        except OSError:
            return 0
        return int(found[1]) if found else 0

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            self.stop_or_kill(0 if failed else 30)
        self.folder.cleanup()
