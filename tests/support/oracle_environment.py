"""The Python environment that holds the oracles and the peer: outside the checkout, made once."""
import os
import pathlib
import subprocess
import sys
import venv

import suite

REQUIREMENTS = suite.ROOT / "tests/check/requirements.txt"


def enter(quick):
    """Goes on in that environment. --quick uses it when it is there and does without otherwise; else it is made (some GB)."""
    given = os.environ.get("BATON_ORACLE_VENV")  # one that somebody keeps by hand is taken as it is
    home = pathlib.Path(given or suite.cache_dir() / "oracle-venv")
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    if given and not python.exists():
        sys.exit(f"BATON_ORACLE_VENV={given}: no bin/python there")
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    complete = home / "installed-requirements.txt"
    if not given and not (complete.is_file() and complete.read_text(encoding="utf-8") == wanted):
        if quick:
            return
        print(f"making the oracles' Python environment in {home}: torch and others, some GB, and minutes for llama-cpp-python", file=sys.stderr)
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)
        complete.write_text(wanted, encoding="utf-8")
    os.execv(python, [str(python), str(pathlib.Path(sys.argv[0]).resolve()), *sys.argv[1:]])
