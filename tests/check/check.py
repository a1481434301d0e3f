"""scripts/check.sh: proves what Baton computes against programs that we did not write."""
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
import suite  # noqa: E402

SUITES = {
    "oracle": {
        "about": "Tokenizer, templates, RoPE, dequantisation, schemas, exports and logits against Hugging Face, jinja2, torch and gguf.",
        "parts": ["oracle_tokenizer", "oracle_template", "oracle_rope", "oracle_dequantize", "oracle_json_schema", "oracle_export", "oracle_logits"],
    },
}


def enter_oracle_environment(quick):
    """Goes on in the Python environment that has the oracles. --quick uses it when it is there; otherwise it is made, once (some GB)."""
    given = os.environ.get("BATON_ORACLE_VENV")  # one that somebody keeps by hand is taken as it is
    home = pathlib.Path(given or suite.cache_dir() / "oracle-venv")
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    complete = home / "installed-requirements.txt"
    if given and not python.exists():
        sys.exit(f"BATON_ORACLE_VENV={given}: no bin/python there")
    if not given and not (complete.is_file() and complete.read_text(encoding="utf-8") == wanted):
        if quick:
            return
        print(f"making the oracles' Python environment in {home}: torch and others, some GB, and minutes for llama-cpp-python", file=sys.stderr)
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
        complete.write_text(wanted, encoding="utf-8")
    os.execv(python, [str(python), str(pathlib.Path(__file__).resolve()), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(suite.main("check", SUITES, prepare=enter_oracle_environment))
