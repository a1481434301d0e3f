"""SIGKILL at random points under load: no acknowledged event is lost, no tool effect is doubled, every run ends."""
import collections
import http.client
import json
import random
import sqlite3
import threading
import time

from tests.support import suite
from tests.support.daemon import Daemon

CLIENTS = 8
QUICK_KILLS, KILLS = 30, 1000
INPUTS = ["slow 25", 'call send {"n": 1}', 'call send {"n": 1} ; send {"n": 2} ; add {"a": 1, "b": 2}', 'call wait {"ms": 20} ; send {"n": 3}', "say hello"]
TOOLS = [{"type": "mcp", "server_label": "baton"}]
TERMINAL = ("response.completed", "response.failed", "response.incomplete")


def read_stream(response, seen):
    """SSE lines into seen: sequence number -> the event's JSON text. Returns the response's id."""
    for line in response:
        if not line.startswith(b"data: ") or not line.endswith(b"\n"):
            continue
        text = line[6:].rstrip(b"\n").decode()
        event = json.loads(text)
        if event.get("baton.repeated"):
            continue
        seen[event["sequence_number"]] = text
        if event["type"] == "response.created":
            seen["id"] = event["response"]["id"]


class Client(threading.Thread):
    """Sends runs until the daemon is gone, and records the events of each."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.port, self.random, self.runs = port, random.Random(seed), []

    def run(self):
        while True:
            seen = {}
            self.runs.append(seen)
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                body = json.dumps({"input": self.random.choice(INPUTS), "tools": TOOLS, "stream": True})
                connection.request("POST", "/v1/responses", body)
                read_stream(connection.getresponse(), seen)
            except (OSError, http.client.HTTPException, ValueError):
                return
            finally:
                connection.close()


def get(daemon, path):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def journal_runs(daemon, sql):
    with sqlite3.connect(f"file:{daemon.journal}?mode=ro", uri=True) as journal:
        return journal.execute(sql).fetchall()


def wait_for_ends(daemon):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not journal_runs(daemon, "SELECT 1 FROM responses WHERE status IN ('queued', 'in_progress') LIMIT 1"):
            return
        time.sleep(0.05)


def lost(daemon, runs):
    """Acknowledged events that the journal does not have, word for word."""
    n = 0
    for seen in runs:
        if "id" not in seen:
            continue
        now = {}
        for line in get(daemon, f"/v1/responses/{seen['id']}?stream=true").split(b"\n"):
            if line.startswith(b"data: "):
                now[json.loads(line[6:])["sequence_number"]] = line[6:].decode()
        n += sum(1 for number, text in seen.items() if number != "id" and now.get(number) != text)
    return n


def rows(_baton, _models_dir, quick):
    kills = QUICK_KILLS if quick else KILLS
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    n_events = n_lost = n_cut = 0
    with Daemon() as daemon:
        for round_ in range(kills):
            clients = [Client(daemon.port, chance.random()) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(chance.uniform(0.0, 0.25))
            daemon.kill()
            for client in clients:
                client.join(20)
            n_cut += len(journal_runs(daemon, "SELECT id FROM responses WHERE status = 'in_progress'"))
            daemon.start()
            wait_for_ends(daemon)
            runs = [seen for client in clients for seen in client.runs]
            n_events += sum(len(seen) for seen in runs)
            n_lost += lost(daemon, runs)
            if not quick and round_ % 50 == 49:
                print(f"{round_ + 1} of {kills} kills", flush=True)
        effects = daemon.effects()
        doubled = sum(n - 1 for n in collections.Counter(effects).values())
        without_end = len(journal_runs(daemon, "SELECT id FROM responses WHERE (SELECT count(*) FROM events WHERE response_id = responses.id AND type IN "
                                               "('response.completed', 'response.failed', 'response.incomplete')) != 1"))
        integrity = [row[0] for row in journal_runs(daemon, "PRAGMA integrity_check") if row[0] != "ok"]
        how = {row[0]: row[1] for row in journal_runs(daemon, "SELECT status, count(*) FROM responses GROUP BY status")}
    note = f"{kills} kills, seed {seed}, {n_cut} runs cut and resumed, {n_events} events told, {sum(how.values())} runs: {how}"
    yield suite.row("acknowledged events lost", n_lost, target="0", ok=n_lost == 0 and n_events > 0 and n_cut > 0, note=note)
    yield suite.row("tool effects doubled", doubled, target="0", ok=doubled == 0, note=f"{len(effects)} effects")
    yield suite.row("runs without exactly one terminal event", without_end, target="0", ok=without_end == 0)
    yield suite.row("integrity errors", len(integrity), target="0", ok=not integrity)
