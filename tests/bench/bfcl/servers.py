"""The servers that BFCL's cases are sent to: Baton, Baton without its constraint, llama-cpp-python, or any URL."""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from tests.bench.engine import physical_cores
from tests.support import python_environment
from tests.support.daemon import free_port
from tests.support.suite import Unavailable, commit

READY_SECONDS = 120
PEER_CONTEXT = 16384  # the longest prompt has some 6,000 tokens


def fingerprint(path):
    """A file's name, size and the sum of its two ends: enough to distinguish two files, without reading a gigabyte before each run."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        ends = file.read(1 << 20)
        file.seek(max(0, size - (1 << 20)))
        ends += file.read()
    return f"{pathlib.Path(path).name} {size} {hashlib.sha256(ends).hexdigest()[:12]}"


class Server:
    """key and title; settings: they identify its answers. start() may raise Unavailable."""
    process = None
    api_key = None
    model = ""  # the server's own name for it

    def start(self):
        pass

    def headers(self):
        return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.api_key}"} if self.api_key else {})

    def first_model(self):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + "/v1/models", headers=self.headers()), timeout=20) as answer:
                return json.load(answer)["data"][0]["id"]
        except (OSError, ValueError, LookupError) as error:
            raise Unavailable(f"{self.url}/v1/models: {error}; --model NAME says which to ask") from None

    def ask(self, request, timeout, path="/v1/chat/completions"):
        """(HTTP status or 0, the answer's JSON or a text, seconds), or TimeoutError."""
        began = time.monotonic()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, json.dumps(request).encode(), self.headers()), timeout=timeout) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
                raise TimeoutError from None
            status, text = 0, f"{type(error).__name__}: {error}".encode()
        seconds = time.monotonic() - began
        try:
            return status, json.loads(text), seconds
        except ValueError:
            return status if status != 200 else 0, text.decode(errors="replace"), seconds

    def ended(self):
        """The reason why it has ended, or None. A program's end is seen a moment later than its connection's."""
        if not self.process:
            return None
        try:
            return f"it ended with status {self.process.wait(1)}"
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Baton(Server):
    folder = None

    def __init__(self, program, model_file, constrained=True):
        self.key, self.title = ("baton", "Baton") if constrained else ("unconstrained", "Baton, --no-constrain")
        if not os.access(program, os.X_OK):
            raise Unavailable(f"{program} is not built: scripts/quickstart.sh builds it")
        self.program = pathlib.Path(program).read_bytes()  # a build in the meantime does not matter
        self.model_file, self.arguments = model_file, [] if constrained else ["--no-constrain"]
        # The program's sum, not its commit, identifies the answers: a commit that changes a page of docs/ need not ask again.
        self.settings = {"server": self.key, "program": hashlib.sha256(self.program).hexdigest()[:16], "model_file": fingerprint(model_file)}
        self.about = f"program {self.settings['program'][:8]}, checkout {commit()}"

    def start(self):
        self.folder = tempfile.TemporaryDirectory(prefix="baton-bfcl-")
        folder = pathlib.Path(self.folder.name)
        (folder / "config.toml").touch()  # not the user's own
        (folder / "baton").write_bytes(self.program)
        (folder / "baton").chmod(0o700)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.errors = folder / "stderr"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen([folder / "baton", "--config", folder / "config.toml", "--journal", folder / "journal.db", "--model", self.model_file,
                                             "serve", "--port", self.url.rpartition(":")[2], "--shutdown-seconds", "1", *self.arguments], stdout=subprocess.DEVNULL, stderr=errors)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=5).close()
                self.model = self.first_model()
                return
            except OSError:
                time.sleep(0.1)
        said = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Unavailable(f"baton serve {' '.join(self.arguments)}".strip() + ": " + (said[0] if said else f"not ready within {READY_SECONDS} s"))

    def stop(self):
        super().stop()
        if self.folder:
            self.folder.cleanup()


class Peer(Server):
    key, title = "peer", "llama-cpp-python"

    def __init__(self, model_file):
        try:
            home, _ = python_environment.place("oracles")
        except SystemExit as reason:
            raise Unavailable(str(reason)) from None
        self.python, self.model_file = home / "bin/python", model_file
        version = subprocess.run([self.python, "-c", "import importlib.metadata as m; print(m.version('llama_cpp_python'))"],
                                 capture_output=True, text=True, check=False).stdout.strip() if self.python.exists() else ""
        if not version:
            raise Unavailable("llama-cpp-python is not in the environment of the oracles: python3 -m tests.support.python_environment oracles")
        self.about = version
        self.settings = {"server": self.key, "version": version, "model_file": fingerprint(model_file), "context": PEER_CONTEXT}

    def start(self):
        script = pathlib.Path(__file__).with_name("peer.py")
        self.process = subprocess.Popen([self.python, script, self.model_file, str(physical_cores()), str(PEER_CONTEXT)], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        port = self.process.stdout.readline().strip()
        if not port:
            raise Unavailable("llama-cpp-python does not load the model")
        self.url = f"http://127.0.0.1:{port}"


class Url(Server):
    key = "url"

    def __init__(self, url, model):
        self.url = url.rstrip("/").removesuffix("/v1")
        self.title = self.about = self.url
        self.api_key = os.environ.get("OPENAI_API_KEY")
        self.settings = {"server": self.url, "model": model or self.first_model()}
        self.model = self.settings["model"]


