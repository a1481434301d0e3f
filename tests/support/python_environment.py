"""The Python environments of the checks, made once and outside the checkout: `oracles` (torch, the peer; some GB), `clients` (what CI installs), `cuda`
(what takes CUDA objects apart) and `bfcl` (its data and checker).

`python3 -m tests.support.python_environment clients` makes one, if it is not there."""
import os
import pathlib
import subprocess
import sys
import venv

from tests.support import suite

ENVIRONMENTS = {
    "oracles": {"requirements": "tests/check/requirements.txt", "variable": "BATON_ORACLE_VENV", "folder": "oracle-venv", "about": "torch and others, some GB, and minutes for llama-cpp-python"},
    "clients": {"requirements": "tests/requirements.txt", "variable": "BATON_CLIENT_VENV", "folder": "client-venv", "about": "some 150 MB"},
    "cuda": {"requirements": "tests/check/requirements-cuda.txt", "variable": "BATON_CUDA_VENV", "folder": "cuda-venv", "about": "cuobjdump and nvdisasm, some 10 MB"},
    "bfcl": {"requirements": "tests/bench/requirements-bfcl.txt", "variable": "BATON_BFCL_VENV", "folder": "bfcl-venv", "about": "2 MB", "pip": ["--no-deps"]},
}


def place(name):
    """Its folder, and whether it is complete. One that the user maintains (the variable) is used unchanged."""
    environment = ENVIRONMENTS[name]
    given = os.environ.get(environment["variable"])
    home = pathlib.Path(given or suite.cache_dir() / environment["folder"])
    if given and not (home / "bin/python").exists():
        sys.exit(f"{environment['variable']}={given}: no bin/python there")
    complete = home / "installed-requirements.txt"
    return home, bool(given) or (complete.is_file() and complete.read_text(encoding="utf-8") == (suite.ROOT / environment["requirements"]).read_text(encoding="utf-8"))


def make(name):
    home, complete = place(name)
    if complete:
        return
    requirements = suite.ROOT / ENVIRONMENTS[name]["requirements"]
    print(f"making the Python environment of the {name} in {home}: {ENVIRONMENTS[name]['about']}", file=sys.stderr)
    venv.create(home, with_pip=True)
    subprocess.run([home / "bin/python", "-m", "pip", "install", "-q", *ENVIRONMENTS[name].get("pip", []), "-r", requirements], check=True)
    (home / "installed-requirements.txt").write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")


def enter(name, quick):
    """Continues in that environment. --quick uses it if it exists and does without otherwise; else it is created."""
    home, complete = place(name)
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    if not complete:
        if quick:
            return
        make(name)
    python = home / "bin/python"
    os.execv(python, [str(python), *sys.orig_argv[1:]])


if __name__ == "__main__":
    make(sys.argv[1])
