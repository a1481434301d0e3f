"""The Codex CLI, `codex exec`, with the scripted model and with the default one; only the provider's URL and the model's name are configured."""
import json
import os
import pathlib
import subprocess
import tempfile

from tests.check.clients.formats import Baton
from tests.check.frameworks import environments
from tests.support import suite
from tests.support.daemon import Daemon

CONFIG = """model = "{model}"
model_provider = "baton"

[model_providers.baton]
name = "Baton"
base_url = "{url}/v1"
wire_api = "responses"
"""
SCRIPTED = 'call exec_command {"cmd": "echo six times seven is $((6*7))"}'
QUESTION = "Run the shell command `echo six times seven is $((6*7))` and tell me what it prints."
PRINTED = "six times seven is 42"
SECONDS = 1800  # Codex asks with some 9,000 tokens


def session(program, url, model, prompt):
    """The events of one session of `codex exec`, and its exit status."""
    with tempfile.TemporaryDirectory(prefix="baton-codex-") as scratch:
        home, work = pathlib.Path(scratch, "home"), pathlib.Path(scratch, "work")
        home.mkdir()
        work.mkdir()
        (home / "config.toml").write_text(CONFIG.format(model=model, url=url), encoding="utf-8")
        # Its own sandbox needs user namespaces, which containers often forbid; the work folder is a temporary one.
        command = [program, "exec", "--json", "--skip-git-repo-check", "--sandbox", "danger-full-access", prompt]
        done = subprocess.run(command, cwd=work, env={"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
    return [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")], done.returncode


def items(events, kind):
    return [event["item"] for event in events if event["type"] == "item.completed" and event["item"]["type"] == kind]


def judged(what, program, url, model, prompt):
    try:
        events, status = session(program, url, model, prompt)
    except subprocess.TimeoutExpired:
        return environments.client_row("codex", what, "no end", "a command, and an end", False, f"not done after {SECONDS} s")
    commands, said = items(events, "command_execution"), items(events, "agent_message")
    ended = status == 0 and any(event["type"] == "turn.completed" for event in events)
    failures = [event for event in events if event["type"] in ("error", "turn.failed")]
    right = [command for command in commands if PRINTED in command["aggregated_output"]]
    note = json.dumps(failures[-1])[:160] if failures else (said[-1]["text"][:120].replace("\n", " ") if said else "")
    value = f"{len(commands)} commands, {'ended' if ended else 'not ended'}"
    return environments.client_row("codex", what, value, "a command, and an end", ended and bool(right), note)


def rows(baton, models_dir, quick):
    home = environments.environment("codex", quick)
    program = next(home.glob("lib/python*/site-packages/codex_cli_bin/bin/codex"))
    with Daemon() as daemon:
        yield judged("codex exec, the scripted model", program, daemon.url, "baton", SCRIPTED)
    if quick:
        yield suite.skipped("codex exec, the default model", "takes minutes")
        return
    with Baton(baton, str(suite.model_file(models_dir, environments.MODEL))) as served:
        yield judged("codex exec, the default model", program, served.url, environments.MODEL, QUESTION)
