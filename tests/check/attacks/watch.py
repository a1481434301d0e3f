"""Shared by the parts of the suite attacks: an attack beside an honest client, measured; and requests from another address."""
import concurrent.futures
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

from tests.support import suite

ATTACKER = "127.0.0.2"  # another address of the loopback network: a peer of its own
WAIT, HEALTH, MEMORY, PATIENCE = 1.0, 0.1, 1 << 30, 0.5  # seconds, seconds, bytes; the value of --shutdown-ms, in seconds
ANSWERED, QUICKLY = 30, 6  # seconds in which every request is answered; with --quick, which has no time for more
ATTEMPTS = 3  # a wait that a busy machine causes does not come three times
TARGET = "wait <= 1 s, health <= 0.1 s, memory <= 1 GB, each and what the machine alone takes; SIGTERM <= its patience + 1 s"
TINY = json.dumps({"input": "say hi"})


def hurry():
    """For --quick."""
    global ANSWERED
    ANSWERED = QUICKLY


def connect(port, timeout=5):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(ATTACKER, 0))


def send(port, method, path, body=None, headers=None):
    """(status, the body as bytes); (0, why) without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED, source_address=(ATTACKER, 0))
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except TimeoutError:
        return 0, f"not answered within {ANSWERED} s".encode()
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__}: {error}".encode()
    finally:
        connection.close()


def post(port, path, value, headers=None):
    """value: bytes, or what becomes JSON. (status, JSON or text)"""
    status, body = send(port, "POST", path, value if isinstance(value, bytes) else json.dumps(value).encode(), headers)
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body[:300].decode(errors="replace")


def get(port, path):
    status, body = send(port, "GET", path)
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body[:300].decode(errors="replace")


def leave(port, path, body):
    """Sends a whole request and leaves before the answer."""
    with connect(port) as connection:
        try:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        except OSError:
            pass  # refused before it was read


def together(n, work):
    """work(i) of n threads; their results."""
    pool = concurrent.futures.ThreadPoolExecutor(n)
    try:
        return list(pool.map(work, range(n)))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # all are done, or the time of --quick is over


class Honest:
    """The second client, while the block runs."""

    def __init__(self, port, body=TINY):
        self.command = [sys.executable, pathlib.Path(__file__).with_name("honest.py"), str(port), body, str(ANSWERED)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        time.sleep(0.2)
        return self

    def __exit__(self, failed, *_):
        if failed:
            self.process.kill()
        out, _ = self.process.communicate()
        if failed:
            return
        self.told = json.loads(out.splitlines()[-1])


def status_note(answers):
    """The attacker's answers, in few words."""
    counts = {}
    for status, body in answers:
        code = (body.get("error") or {}).get("code") if isinstance(body, dict) else None
        counts[f"{status} {code or ''}".strip()] = counts.get(f"{status} {code or ''}".strip(), 0) + 1
    return ", ".join(f"{n} x {what}" if n > 1 else what for what, n in counts.items())


def attempt(daemon, attack, body):
    daemon.forget_peak()
    with Honest(daemon.port, body) as honest:
        began = time.monotonic()
        answers = attack(daemon.port) or []
        seconds = time.monotonic() - began
        time.sleep(0.3)  # the daemon's remaining work after the attacker's last answer
    return {**honest.told, "memory": daemon.peak_bytes(), "answers": answers, "seconds": seconds}


class Alone:
    """The second client's figures without an attack: the machine's part of each figure, which is added to the bounds."""

    def __init__(self, daemon, body=TINY):
        told = attempt(daemon, lambda port: time.sleep(1.5), body)
        self.wait, self.health, self.memory, self.body = told["wait"], told["health"], told["memory"], body

    def row(self):
        return suite.row("a tiny response, without an attack", round(self.wait, 2), "s", target="stated", ok=True, note=f"health {1000 * self.health:.0f} ms, {self.memory >> 20} MB; added to the bounds")


def faults_of(told, daemon, allowed, alone):
    found = []
    if daemon.process.poll() is not None:
        return [f"the daemon ended with status {daemon.process.returncode}: {daemon.stderr_tail(300)}"]
    if told["wrong"]:
        found.append(f"the second client was answered {told['wrong']}")
    if told["wait"] > WAIT + alone.wait:
        found.append("the second client waited")
    if told["health"] > HEALTH + alone.health:
        found.append("/healthz waited")
    if told["memory"] > MEMORY + alone.memory:
        found.append("memory")
    wrong = [(status, body) for status, body in told["answers"] if status not in allowed]
    if wrong:
        found.append(f"the attacker was answered {wrong[0][0]} {json.dumps(wrong[0][1])[:200]}")
    return found


def end_under(daemon, attack):
    """Seconds from SIGTERM in the middle of the attack to the daemon's end."""
    attacker = threading.Thread(target=attack, args=(daemon.port,), daemon=True)
    attacker.start()
    time.sleep(0.3)
    seconds = daemon.stop_or_kill(ANSWERED)
    attacker.join(ANSWERED + 5)
    return seconds


def row_of(daemon, alone, what, attack, allowed=(200, 400, 413, 422, 429, 503), patience=PATIENCE):
    """One input: the attack beside an honest client, then again with SIGTERM in its middle. attack(port) -> [(status, JSON or text)]; the
    statuses that are right. patience: the time for running responses when the daemon ends. The daemon runs again afterwards, whatever
    happened to it."""
    if daemon.process.poll() is not None:
        daemon.start()
    for n in range(ATTEMPTS):
        told = attempt(daemon, attack, alone.body)
        found = faults_of(told, daemon, allowed, alone)
        if not found or told["wait"] > 4 * (WAIT + alone.wait) or told["health"] > 10 * (HEALTH + alone.health) or any("waited" not in one for one in found):
            break  # a busy machine causes shorter waits
    ended = end_under(daemon, attack) if daemon.process.poll() is None else 0.0
    if ended > patience + 1:
        found.append("SIGTERM waited")
    if daemon.process.poll() not in (None, 0, -9) and not any("ended with" in one for one in found):
        found.append(f"SIGTERM ends the daemon with status {daemon.process.returncode}")
    if daemon.process.poll() is not None:
        daemon.start()
    print(f"{what}: {'ok' if not found else '; '.join(found)}"[:300], file=sys.stderr, flush=True)
    note = f"health {1000 * told['health']:.0f} ms, {told['memory'] >> 20} MB, SIGTERM {ended:.2f} s; {told['seconds']:.1f} s, {status_note(told['answers'])}"
    return suite.row(what, round(told["wait"], 2), "s", target=TARGET, ok=not found, note=note + (": " + "; ".join(found) if found else "") + (f" (try {n + 1})" if n else ""))
