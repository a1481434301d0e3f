"""Programs that print lines, and that are ended when their time is over."""
import os
import queue
import signal
import subprocess
import threading
import time

END = object()


class Lines:
    """A program's standard output, line by line. `log` gets its standard error."""

    def __init__(self, command, log, environment=None, stdin=None, stderr=None, folder=None):
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=stderr or log, stdin=stdin, text=True, errors="replace",
                                        env=environment, cwd=folder, start_new_session=True)
        self.queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.queue.put(line.rstrip("\n"))
        self.process.stdout.close()
        self.queue.put(END)

    def next(self, deadline):
        """The next line, or None at the program's end. TimeoutError at the deadline (time.monotonic())."""
        try:
            line = self.queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        if line is END:
            self.process.wait()
            return None
        return line

    def stop(self):
        """Ends it and its children, if it still runs; returns its exit status."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return self.process.wait()


def seconds_left(deadline):
    return deadline - time.monotonic()
