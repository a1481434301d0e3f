"""The examples that talk to a daemon, run with the commands in their first lines."""
import importlib.util
import subprocess
import sys

from tests.support import suite
from tests.support.daemon import Daemon


def ran(arguments, wanted):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and all(text in done.stdout for text in wanted), (done.stdout + done.stderr)[-300:]


def rows(_baton, _models_dir, _quick):
    examples = suite.ROOT / "examples"
    with Daemon() as daemon:
        at = f"127.0.0.1:{daemon.port}"
        cases = []
        if importlib.util.find_spec("openai"):
            cases.append(("openai_client.py", [sys.executable, examples / "openai_client.py", f"http://{at}/v1"], ["left: you said:", "right: you said:"], daemon))
        if importlib.util.find_spec("websockets"):
            cases.append(("websocket_client.py", [sys.executable, examples / "websocket_client.py", f"ws://{at}/v1/responses", 'call add {"a": 2, "b": 3}'], ["[completed"], daemon))
        program = suite.ROOT / "build/release/tests/websocket_client"
        if program.exists():
            cases.append(("websocket_client.cpp", [program, "127.0.0.1", str(daemon.port), 'call add {"a": 2, "b": 3}'], ["-> add", "got: 5", "[completed]"], daemon))
        if not cases:
            raise suite.Unavailable("neither openai nor websockets is installed, and websocket_client is not built")
        for name, arguments, wanted, _ in cases:
            ok, said = ran(arguments, wanted)
            yield suite.row(f"examples/{name}", "passed" if ok else "failed", target="passed", ok=ok, note="" if ok else repr(said))
