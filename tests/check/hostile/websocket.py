"""The Autobahn cases of WebSocket conformance, from kosoku (PyPI), against the daemon's socket with an echo handler."""
import asyncio
import importlib.util
import os
import subprocess

from tests.support import suite

PROGRAM = suite.ROOT / "build/release/tests/websocket_echo"
COMPRESSION = ["12.*", "13.*"]  # not offered
BINARY = ["1.2.*", "9.2.*", "9.4.*", "9.6.*", "9.8.*"]  # refused with 1003: our messages are JSON


def run(url, cases, excluded):
    import kosoku

    async def all_cases():
        try:
            return await kosoku.run_fuzzingclient(url, cases, excluded, concurrency=2)
        except kosoku.FailureError as failure:
            return failure.results

    return asyncio.run(all_cases())


def rows(_baton, _models_dir, _quick):
    if not importlib.util.find_spec("kosoku"):
        raise suite.Unavailable("kosoku is not installed: a run without --quick installs it")
    if not os.access(PROGRAM, os.X_OK):
        raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as echo:
        url = echo.stdout.readline().strip().replace("http", "ws", 1) + "/v1/responses"
        text = run(url, None, COMPRESSION + BINARY)
        failed = [case.case_id for case in text if not case.passed]
        yield suite.row("Autobahn cases failed", len(failed), target="0", ok=not failed and len(text) > 250, note=f"{len(text)} cases" + (": " + ", ".join(failed[:20]) if failed else ""))
        binary = run(url, BINARY, None)
        answered = [case.case_id for case in binary if case.remote_close_code != 1003]
        yield suite.row("Autobahn cases of binary messages not refused with 1003", len(answered), target="0", ok=not answered and len(binary) > 30, note=f"{len(binary)} cases" + (": " + ", ".join(answered[:20]) if answered else ""))
        echo.stdin.close()
