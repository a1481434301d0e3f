"""Runs: approvals in every order, chains that are not stored, runs that crash the daemon, runs that cannot continue, and those of another
daemon."""
import asyncio
import json
import pathlib
import sqlite3
import struct
import subprocess
import tempfile
import time

from tests.check.attacks.watch import get, hurry, post, send, together
from tests.support import suite
from tests.support.daemon import PROGRAM, Daemon, free_port
from tests.support.wire import Closed, Http, WebSocket

MCP = {"type": "mcp", "server_label": "baton"}
TEN_DAYS = 10 * 24 * 3600


# ---- approvals

class Asked:
    """A call that waits for its approval."""
    count = 0

    def __init__(self, daemon, clock):
        Asked.count += 1
        self.daemon, self.port, self.clock, self.n = daemon, daemon.port, clock, Asked.count
        _, self.first = post(self.port, "/v1/responses", {"input": f'call ask_first {{"n": {self.n}}}', "tools": [MCP]})
        self.request = self.first["output"][0]
        self.answers = []

    def answer(self, approve=True, **more):
        body = {"input": [{"type": "mcp_approval_response", "approval_request_id": self.request["id"], "approve": approve}], "tools": [MCP],
                "previous_response_id": self.first["id"], **more}
        body = {key: value for key, value in body.items() if value is not None}
        answer = post(self.port, "/v1/responses", body, {"Idempotency-Key": f"own-{time.monotonic_ns()}"})
        self.answers.append(answer)
        return answer

    def set_clock(self, seconds):
        self.clock.write_bytes(struct.pack("<q", seconds))

    def effects(self):
        return sum(effect.endswith(f":{self.n}") for effect in self.daemon.effects())

    def told(self):
        """Each answer's text about the call's result, or its status and code."""
        def one(answer):
            status, body = answer
            if status != 200:
                return f"{status} {(body.get('error') or {}).get('code') if isinstance(body, dict) else body}"
            calls = [item for item in body["output"] if item["type"] == "mcp_call"]
            return f"{calls[-1]['output']!r}" if calls else "no call"
        return ", ".join(one(answer) for answer in self.answers)


def twice(asked):
    asked.answer()
    asked.answer()


def three_times_with_one_key(asked):
    body = {"input": [{"type": "mcp_approval_response", "approval_request_id": asked.request["id"], "approve": True}], "tools": [MCP], "previous_response_id": asked.first["id"]}
    for _ in range(3):
        asked.answers.append(post(asked.port, "/v1/responses", body, {"Idempotency-Key": f"same-{asked.n}"}))


def five_at_once(asked):
    together(5, lambda _: asked.answer())


def twice_in_one_input(asked):
    one = {"type": "mcp_approval_response", "approval_request_id": asked.request["id"], "approve": True}
    asked.answer(input=[one, one])


def refused_then_approved(asked):
    asked.answer(False)
    asked.answer()


def refused_then_five_at_once(asked):
    asked.answer(False)
    five_at_once(asked)


def approved_then_refused(asked):
    asked.answer()
    asked.answer(False)


def both_in_one_input(asked):
    one = {"type": "mcp_approval_response", "approval_request_id": asked.request["id"], "approve": True}
    asked.answer(input=[dict(one, approve=False), one])


def on_copies(asked):
    for _ in range(2):  # the second of these has to copy the thread
        _, more = post(asked.port, "/v1/responses", {"input": "say more", "previous_response_id": asked.first["id"], "tools": [MCP]})
        asked.answer(previous_response_id=more.get("id"))
    asked.answer()


def by_conversation(asked):
    asked.answer(previous_response_id=None, conversation=asked.first["conversation"]["id"])
    asked.answer()
    asked.answer(previous_response_id=None, conversation=asked.first["conversation"]["id"])


def replayed_by_the_client(asked):
    asked.answer()
    items = [{"type": "message", "role": "user", "content": "please"}, asked.request, {"type": "mcp_approval_response", "approval_request_id": asked.request["id"], "approve": True}]
    asked.answer(previous_response_id=None, input=items)
    asked.answer(previous_response_id=None, input=items, store=False)


def unstored(asked):
    asked.answer(store=False)
    asked.answer(store=False)
    asked.answer()


def ten_days_later(asked):
    asked.set_clock(TEN_DAYS)
    asked.answer()
    asked.answer()
    asked.set_clock(0)


def ten_days_earlier(asked):
    asked.set_clock(-TEN_DAYS)
    asked.answer()
    asked.set_clock(0)
    asked.answer()


def after_restart(asked):
    asked.daemon.stop()
    asked.daemon.start()
    asked.answer()
    asked.daemon.kill()
    asked.daemon.start()
    asked.answer()


def deleted_and_answered(asked):
    asked.answer()
    send(asked.port, "DELETE", f"/v1/responses/{asked.answers[0][1].get('id')}")
    asked.answer()


ORDERS = [(twice, 1), (five_at_once, 1), (refused_then_approved, 0), (ten_days_later, 1), (on_copies, (0, 1)), (three_times_with_one_key, 1), (twice_in_one_input, (0, 1)), (refused_then_five_at_once, 0),
          (approved_then_refused, 1), (both_in_one_input, 0), (by_conversation, 1), (replayed_by_the_client, 1), (unstored, 1), (ten_days_earlier, 1), (after_restart, 1), (deleted_and_answered, 1)]


def approval_rows(daemon, clock, quick):
    for order, wanted in ORDERS[:5] if quick else ORDERS:
        asked = Asked(daemon, clock)
        order(asked)
        n = asked.effects()
        wrong = [answer for answer in asked.answers if answer[0] == 0 or answer[0] >= 500]
        right = wanted if isinstance(wanted, tuple) else (wanted,)
        yield suite.row(f"effects of an approval: {order.__name__.replace('_', ' ')}", n, target=" or ".join(map(str, right)), ok=n in right and not wrong, note="told: " + asked.told())
        if daemon.process.poll() is not None:
            daemon.start()


# ---- chains that are not stored

async def chain_on_socket(port, turns):
    socket = await WebSocket(port).open()
    ids = []
    for turn in range(turns):
        await socket.send({"type": "response.create", "input": f"say turn {turn}", "store": False, **({"previous_response_id": ids[-1]} if ids else {})})
        async with asyncio.timeout(30):
            while (message := await socket.receive())["type"] not in ("response.completed", "error"):
                pass
        if message["type"] == "error":
            socket.close()
            return ids, f"turn {turn}: {message['status']} {message['code']} {message['message'][:100]}"
        ids.append(message["response"]["id"])
    socket.close()
    return ids, ""


async def chain_over_http(port, turns):
    http, ids = Http(port), []
    for turn in range(turns):
        answer = await http.request("POST", "/v1/responses", {"input": f"say turn {turn}", "store": False, **({"previous_response_id": ids[-1]} if ids else {})})
        if answer.status != 200:
            error = answer.json().get("error", {})
            named = answer.status == 404 and error.get("code") == "previous_response_not_found" and error.get("param") == "previous_response_id"
            return ids, f"turn {turn}: {answer.status} {error.get('code')}, param {error.get('param')}", named
        ids.append(answer.json()["id"])
    http.close()
    return ids, "", True


def chain_with_openai(daemon, turns):
    import openai
    client = openai.OpenAI(base_url=daemon.url + "/v1", api_key="unused", max_retries=0, timeout=30)
    ids = []
    with client.responses.connect() as connection:
        for turn in range(turns):
            connection.response.create(model="baton", input=f"say turn {turn}", store=False, **({"previous_response_id": ids[-1]} if ids else {}))
            for event in connection:
                if event.type == "error":
                    return ids, f"turn {turn}: {event}"[:200]
                if event.type in ("response.completed", "response.failed", "response.incomplete"):
                    ids.append(event.response.id)
                    break
    return ids, ""


def kept(daemon, ids, seconds):
    """The number of them that the journal still has, after at most this many seconds."""
    end = time.monotonic() + seconds
    while True:
        with sqlite3.connect(f"file:{daemon.journal}?mode=ro", uri=True) as journal:
            n = sum(journal.execute("SELECT count(*) FROM responses WHERE id = ?", (id_,)).fetchone()[0] for id_ in ids)
        if not n or time.monotonic() > end:
            return n
        time.sleep(0.1)


def chain_rows(daemon, quick):
    def tried(what, work):
        try:
            return work()
        except (Closed, TimeoutError, OSError) as error:
            return [], f"{type(error).__name__}: {error}", False
        except ImportError:
            return [], "the openai package is not installed", None
        except Exception as error:  # an error of the package: the daemon's end is reported in several ways
            return [], f"{type(error).__name__}: {error}"[:200], False
    turns = 10 if quick else 30
    for what, work in [("over one WebSocket", lambda: asyncio.run(chain_on_socket(daemon.port, turns))), ("over one WebSocket, with the openai package", lambda: chain_with_openai(daemon, turns)),
                       ("over HTTP", lambda: asyncio.run(chain_over_http(daemon.port, turns)))]:
        ids, note, *named = tried(what, work)
        lives = daemon.process.poll() is None
        if named and named[0] is None:
            yield suite.skipped(f"turns of a chain that is not stored, {what}", note)
            continue
        right = lives and (len(ids) == turns or bool(named and named[0]))
        if not lives:
            note += f"; the daemon ended with status {daemon.process.returncode}"
            daemon.start()
        yield suite.row(f"turns of a chain that is not stored, {what}", len(ids), target=f"{turns}" + (", or 404 previous_response_not_found" if "HTTP" in what else ""), ok=right, note=note)
        if "HTTP" not in what and ids:
            n = kept(daemon, ids, 10)
            yield suite.row(f"its responses that the journal has after the socket's end, {what}", n, target="0", ok=n == 0, note=f"{len(ids)} responses")


# ---- runs that crash the daemon, and runs that cannot continue

def wait_for_end(daemon, id_, seconds=10):
    """The response when it has ended, or its state after this many seconds."""
    end = time.monotonic() + seconds
    while True:
        status, response = get(daemon.port, f"/v1/responses/{id_}")
        if status != 200 or response["status"] not in ("queued", "in_progress") or time.monotonic() > end:
            return response if status == 200 else {"status": f"{status}"}
        time.sleep(0.05)


def why(response):
    return str(((response.get("error") or {}).get("message") or (response.get("incomplete_details") or {}).get("reason") or ""))[:150]


def started(daemon, body):
    """A background run whose tool has begun."""
    _, response = post(daemon.port, "/v1/responses", {"tools": [MCP], "background": True, **body})
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with sqlite3.connect(f"file:{daemon.journal}?mode=ro", uri=True) as journal:
            if journal.execute("SELECT 1 FROM tool_invocations WHERE response_id = ?", (response["id"],)).fetchone():
                break
        time.sleep(0.02)
    return response["id"]


def poison(daemon):
    """A run that is under way in two crashes is ended at the third start."""
    with daemon:
        # Slow words: an answer that was interrupted by a crash is written again, and must still be under way at the next crash.
        _, response = post(daemon.port, "/v1/responses", {"input": "slow 100000 50", "background": True})
        for _ in range(2):
            daemon.kill()
            daemon.start()
        ended = wait_for_end(daemon, response["id"])
        yield suite.row("a run that was under way in two crashes, at the third start", ended["status"], target="failed", ok=ended["status"] == "failed", note=why(ended))


def unreadable(daemon):
    """A run whose row cannot be read harms no other."""
    with daemon:
        _, response = post(daemon.port, "/v1/responses", {"input": "slow 100000 50", "background": True})
        _, other = post(daemon.port, "/v1/responses", {"input": "slow 20 50", "background": True})
        daemon.kill()
        with sqlite3.connect(daemon.journal) as journal:
            journal.execute("UPDATE responses SET request = ? WHERE id = ?", ('{"input": 7, "tools": {"a": []}}', response["id"]))
        try:
            daemon.start()
        except RuntimeError as error:
            yield suite.row("a run whose request cannot be read, at the next start", "no start", target="failed", ok=False, note=str(error)[:200])
            return
        ended, others = wait_for_end(daemon, response["id"]), wait_for_end(daemon, other["id"])
        note = f"{why(ended)}; the run beside it: {others['status']}"
        if daemon.process.poll() is not None:
            note += f"; the daemon ended with status {daemon.process.returncode}: {daemon.stderr_tail(200)}"
        yield suite.row("a run whose request cannot be read, at the next start", ended["status"], target="failed",
                        ok=ended["status"] == "failed" and others["status"] == "completed", note=note)


def denied(daemon):
    with daemon:
        for what, kill in [("denied at an orderly restart", False), ("denied after a kill", True)]:
            id_ = started(daemon, {"input": 'call await {"name": "never"}'})
            if kill:
                daemon.kill()
            else:
                seconds = daemon.stop_or_kill(10)
                yield suite.row("SIGTERM while a tool is at work", round(seconds, 2), "s", target="<= 1.5 s", ok=seconds <= 1.5,
                                note="--shutdown-ms 500; the tool heeds its stop_token" + ("; killed after 10 s" if seconds >= 10 else ""))
            daemon.options = ["--shutdown-ms", "500", "--deny", "await"]
            daemon.start()
            ended = wait_for_end(daemon, id_)
            status, _ = post(daemon.port, f"/v1/responses/{id_}/cancel", {})
            yield suite.row(f"a run whose tool is {what}", ended["status"], target="an end", ok=ended["status"] in ("completed", "incomplete", "failed") and status in (200, 409),
                            note=f"{why(ended)}; cancel: {status}")
            daemon.stop_or_kill(10)
            daemon.options = ["--shutdown-ms", "500"]
            daemon.start()


def of_another(daemon):
    """Two daemons on one journal: every route answers for a run of the other."""
    with daemon, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        other = subprocess.Popen([PROGRAM, daemon.journal, pathlib.Path(folder) / "effects", str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            other.stdout.readline()
            _, response = post(daemon.port, "/v1/responses", {"input": "slow 2000 20", "background": True})
            id_ = response["id"]
            asked = {
                "cancel": lambda: send(port, "POST", f"/v1/responses/{id_}/cancel", b"{}"),
                "retrieve": lambda: send(port, "GET", f"/v1/responses/{id_}"),
                "delete": lambda: send(port, "DELETE", f"/v1/responses/{id_}"),
                "continue": lambda: send(port, "POST", "/v1/responses", json.dumps({"input": "say x", "previous_response_id": id_}).encode()),
            }
            for what, ask in asked.items():
                began = time.monotonic()
                status, body = ask()
                seconds = time.monotonic() - began
                yield suite.row(f"{what} a run of another daemon on the same journal", round(seconds, 2), "s", target="<= 2 s",
                                ok=status in (200, 404, 409) and seconds <= 2, note=f"{status} {body[:120].decode(errors='replace')}")
        finally:
            other.kill()
            other.wait()
            other.stdout.close()


def rows(_baton, _models_dir, quick):
    if quick:
        hurry()
    with Daemon(options=["--shutdown-ms", "500"]) as daemon:
        clock = pathlib.Path(daemon.folder.name) / "clock"
        clock.write_bytes(bytes(8))
        daemon.stop()
        daemon.options += ["--clock", str(clock)]
        daemon.start()
        yield from approval_rows(daemon, clock, quick)
        yield from chain_rows(daemon, quick)
    yield from poison(Daemon(options=["--shutdown-ms", "500"]))
    yield from denied(Daemon(options=["--shutdown-ms", "500"]))
    if not quick:
        yield from unreadable(Daemon(options=["--shutdown-ms", "500"]))
        yield from of_another(Daemon(options=["--shutdown-ms", "500"]))
