"""The OpenAPI file against the daemon that it describes: schemathesis sends both allowed and disallowed requests."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

from tests.support import suite
from tests.support.daemon import Daemon

FILE = suite.ROOT / "agent/api/openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"


def rows(_baton, _models_dir, quick):
    program = shutil.which("schemathesis", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("schemathesis")
    if not program:
        raise suite.Unavailable("schemathesis is not installed: a run without --quick installs it")
    with Daemon() as daemon:
        ran = subprocess.run([program, "run", str(FILE), "--url", daemon.url, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "5" if quick else "50",
                              "--no-color", "--request-timeout", "10"], capture_output=True, text=True, timeout=900, cwd=daemon.folder.name)
        alive = daemon.process.poll() is None
    operations = sum(len(path) for path in json.loads(FILE.read_text(encoding="utf-8"))["paths"].values())
    cases = re.search(r"(\d+) generated", ran.stdout)
    failures = re.findall(r"^_+ .* _+$|^ *- .*", ran.stdout, re.M)
    yield suite.row("operations that do what the OpenAPI file says", "all" if ran.returncode == 0 else "not all", target="all", ok=ran.returncode == 0,
                    note=f"{operations} operations, {cases.group(1) if cases else '?'} cases {'; '.join(failures)[:600] if ran.returncode else ''}")
    yield suite.row("the daemon lives", alive, target="True", ok=alive)
