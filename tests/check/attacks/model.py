"""The same with `baton serve` and the default model: texts that cannot fit, biases for every token, and one client that asks for sixteen
answers."""
import json
import os
import pathlib
import subprocess
import tempfile

from tests.check.attacks.watch import Alone, post, row_of, together
from tests.support import suite
from tests.support.daemon import Daemon, free_port

MODEL = "qwen2.5-coder-0.5b-instruct"
TINY = json.dumps({"input": "Say hi.", "max_output_tokens": 16, "store": False})


class RealDaemon(Daemon):
    """`baton serve`, with the interface of the scripted daemon."""

    def __init__(self, baton, model, options):
        self.folder = tempfile.TemporaryDirectory(prefix="baton-check-")
        home = pathlib.Path(self.folder.name)
        self.stderr_file = home / "stderr"
        self.port = free_port()
        self.command = [baton, "serve", "--model", str(model), "--journal", str(home / "journal.db"), "--port", str(self.port), "--shutdown-seconds", "1", *options]
        self.process = None
        self.start()

    def start(self):
        environment = {**os.environ, "XDG_CONFIG_HOME": self.folder.name}
        with open(self.stderr_file, "ab") as errors:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        for line in self.process.stdout:
            if f":{self.port}" in line:
                return
        self.process.wait()
        raise RuntimeError(f"baton serve does not start (status {self.process.returncode}): {self.stderr_tail()}")


def words(size):
    text = "the cat sat on the mat and looked at 1234 birds. "
    return text * (size // len(text))


def rows(baton, models_dir, quick):
    if not os.access(baton, os.X_OK):
        raise suite.Unavailable(f"{baton} is not built: scripts/quickstart.sh builds it")
    model = suite.model_file(models_dir, MODEL)
    if quick:
        raise suite.Unavailable("the rows with a model take a minute: run it without --quick")
    large = words(8 << 20)[:(8 << 20) - 4096]
    with RealDaemon(baton, model, ["--ctx", "8192"]) as daemon:
        alone = Alone(daemon, TINY)
        yield alone.row()
        tiny = {"input": "Say hi.", "max_output_tokens": 16}
        chat = {"messages": [{"role": "user", "content": "Count to a hundred in words."}], "max_tokens": 64}
        for what, path, body, n in [
            ("a text of 8 MB for a context of 8,192 tokens", "/v1/responses", {"input": large}, 1),
            ("four of these at once", "/v1/responses", {"input": large}, 4),
            ("instructions of 8 MB", "/v1/responses", {**tiny, "instructions": large}, 2),
            ("a chat of 8 MB", "/v1/chat/completions", {"messages": [{"role": "user", "content": large}]}, 2),
            ("a stored item of 7 MB that is continued", "/v1/responses", {"input": [{"type": "message", "role": "user", "content": large[:7 << 20]}, {"type": "message", "role": "user", "content": "hi"}]}, 2),
            ("8 MB of one letter", "/v1/responses", {"input": "a" * len(large)}, 2),
            ("8 MB of spaces", "/v1/responses", {"input": " " * len(large)}, 2),
            ("logit_bias of every token", "/v1/chat/completions", {**chat, "max_tokens": 4, "logit_bias": {str(i): 1 for i in range(150_000)}}, 4),
            ("a chat with n: 16", "/v1/chat/completions", {**chat, "n": 16}, 1),
            # More tokens would exceed the time limit of a request on this machine.
            ("four chats with n: 16", "/v1/chat/completions", {**chat, "max_tokens": 16, "n": 16}, 4),
        ]:
            yield row_of(daemon, alone, what, lambda port, path=path, body=json.dumps(body).encode(), n=n: together(n, lambda _: post(port, path, body)), patience=1.0)
