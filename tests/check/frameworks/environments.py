"""The environments of `scripts/check.sh frameworks`, one for each client of tests/check/requirements-frameworks.txt, below frameworks/ of
the cache folder: some 2 GB in all, made by uv, which links files that several of them have. And the rows of a client: its driver asks, and
its output is judged."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

from tests.check.clients.formats import Baton
from tests.support import suite

UV = "uv==0.13.9"
REQUIREMENTS = suite.ROOT / "tests/check/requirements-frameworks.txt"
DRIVERS = pathlib.Path(__file__).parent / "drivers"
MODEL = "qwen2.5-coder-0.5b-instruct"
CLIENT_SECONDS = 600
# No telemetry is sent, and nothing is fetched that the question does not need.
QUIET = {"OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true", "AGNO_TELEMETRY": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": "1"}


def packages(client):
    """The content of the client's environment, as requirements; the first one's version is the client's."""
    section = re.search(rf"^# {re.escape(client)}\n((?:[^#\n].*\n?)+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    return section[1].split()


def version(client):
    return packages(client)[0].partition("==")[2]


def newest_day():
    """The day that fixes the versions of everything else."""
    return re.search(r"\d{4}-\d\d-\d\d", REQUIREMENTS.read_text(encoding="utf-8"))[0]


def environment(client, quick):
    """The folder of the client's environment, created if it is incomplete; with `quick`, Unavailable then."""
    folder = suite.cache_dir() / "frameworks"
    home, wanted = folder / client, "\n".join([newest_day(), *packages(client)])
    complete = home / "installed-requirements.txt"
    if complete.is_file() and complete.read_text(encoding="utf-8") == wanted:
        return home
    if quick:
        raise suite.Unavailable(f"{client} is not installed: a run without --quick installs it")
    uv = folder / "uv/bin/uv"
    if not uv.is_file():
        venv.create(folder / "uv", with_pip=True)
        subprocess.run([folder / "uv/bin/python", "-m", "pip", "install", "-q", UV], check=True)
    print(f"making the environment of {client} in {home}", file=sys.stderr)
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, home], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", home / "bin/python", "--exclude-newer", f"{newest_day()}T23:59:59Z", *packages(client)], check=True)
    complete.write_text(wanted, encoding="utf-8")
    return home


def client_row(client, what, value, target, ok, note=""):
    """A row that docs/clients.md has, too."""
    return suite.row(f"{client} {version(client)}: {what}", value, target=target, ok=ok, note=note) | {"client": client, "version": version(client), "run": what}


def judged(line):
    return line["fact"] in line["answer"] and bool(line["called"])


def note_of(lines):
    """The first question that went wrong."""
    wrong = (f"{line['question']} {line['error'] or line['answer'] or '(nothing)'}" for line in lines if not judged(line))
    return next(wrong, "")[:160].replace("\n", " ")



def rows_of(client, url, quick):
    """A row for each way in which the client's driver asks."""
    home = environment(client, quick)
    driver = DRIVERS / f"drive_{client.replace('-', '_')}.py"
    n_questions = 1 if quick else 5
    with tempfile.TemporaryDirectory(prefix="baton-frameworks-") as scratch:
        # A home of its own: some clients write there.
        variables = {"PATH": os.environ["PATH"], "HOME": scratch, "TMPDIR": scratch, **QUIET}
        command = [home / "bin/python", driver, url + "/v1", MODEL, str(n_questions)]
        errors = pathlib.Path(scratch, "stderr")
        with open(errors, "wb") as stderr:
            try:
                printed = subprocess.run(command, env=variables, cwd=scratch, stdout=subprocess.PIPE, stderr=stderr, timeout=CLIENT_SECONDS, check=False).stdout
                late = ""
            except subprocess.TimeoutExpired as expired:
                printed, late = expired.stdout or b"", f"not done after {CLIENT_SECONDS} s"
        tail = errors.read_text(errors="replace").strip().rpartition("\n")[2]
    lines = [json.loads(line) for line in printed.decode().splitlines()]
    if not lines:
        yield client_row(client, "starts", "no", "yes", False, late or tail[:160])
    for way in dict.fromkeys(line["way"] for line in lines):
        asked = [line for line in lines if line["way"] == way]
        n_right = sum(judged(line) for line in asked)
        enough = n_right >= 4 or (quick and n_right == n_questions)
        yield client_row(client, way, f"{n_right} of {len(asked)}", f">= 4 of {n_questions}" if not quick else "1 of 1", enough, note_of(asked) or late)


def rows(clients, baton, models_dir, quick):
    """The rows of several clients, one after the other, against one `baton serve` with the default model."""
    with Baton(baton, str(suite.model_file(models_dir, MODEL))) as served:
        for client in clients:
            try:
                yield from rows_of(client, served.url, quick)
            except suite.Unavailable as reason:
                yield suite.skipped(client, str(reason))


def record_table(found):
    """Rewrites the table of docs/clients.md, which is between two marks; clients that were not asked this time keep their lines."""
    page = suite.ROOT / "docs/clients.md"
    begin, end = "<!-- table -->\n", "<!-- end of the table -->"
    text = page.read_text(encoding="utf-8")
    before, old, after = text[:text.index(begin) + len(begin)], text[text.index(begin) + len(begin):text.index(end)], text[text.index(end):]
    asked = {entry["client"] for entry in found if "client" in entry}
    kept = [line for line in old.splitlines()[2:] if line and line.split("|")[1].strip() not in asked]
    new = [f"| {entry['client']} | {entry['version']} | {entry['run']} | {entry['value']}{'' if entry['ok'] else ': missed'} |" for entry in found if "client" in entry]
    lines = ["| client | version | what was run | answers that hold the tool's fact |", "| --- | --- | --- | --- |", *sorted(kept + new, key=lambda line: line.split("|")[1])]
    page.write_text(before + "\n".join(lines) + "\n" + after, encoding="utf-8")
