"""1,000 idle WebSockets beside 100 active runs, a reader of one byte a second, and a daemon with nothing to do."""
import base64
import json
import os
import selectors
import socket
import struct
import time

from tests.support import suite
from tests.support.daemon import Daemon

IDLE, ACTIVE, WORDS = 1000, 100, 200


def upgraded(port):
    one = socket.create_connection(("127.0.0.1", port), timeout=20)
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall((f"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += one.recv(1)
    if b" 101 " not in answer.split(b"\r\n")[0]:
        raise RuntimeError(answer)
    return one


def send(one, message):
    data = json.dumps(message).encode()
    n = len(data)
    head = b"\x81" + (bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n))
    one.sendall(head + b"\0\0\0\0" + data)  # a mask of zeros


def frames(buffer):
    """Removes the payloads of whole frames from the buffer's beginning and returns them."""
    out, at = [], 0
    while len(buffer) >= at + 2:
        n, head = buffer[at + 1] & 127, 2
        if n == 126:
            if len(buffer) < at + 4:
                break
            n, head = struct.unpack(">H", buffer[at + 2:at + 4])[0], 4
        elif n == 127:
            if len(buffer) < at + 10:
                break
            n, head = struct.unpack(">Q", buffer[at + 2:at + 10])[0], 10
        if len(buffer) < at + head + n:
            break
        out.append(bytes(buffer[at + head:at + head + n]))
        at += head + n
    del buffer[:at]
    return out


def resident_kb(daemon):
    for line in open(f"/proc/{daemon.process.pid}/status", encoding="utf-8"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def cpu_seconds(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def context_switches(daemon):
    total = 0
    for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
        for line in open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="utf-8"):
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def run_all(port, sockets, words):
    """Starts a run on each; returns the number that ended, the events, the seconds, and the gaps between a run's events in milliseconds."""
    chooser = selectors.DefaultSelector()
    buffers, last, gaps, events, ended = {}, {}, [], 0, 0
    for one in sockets:
        one.setblocking(True)
        send(one, {"type": "response.create", "input": f"slow {words}"})
        one.setblocking(False)
        chooser.register(one, selectors.EVENT_READ)
        buffers[one], last[one] = bytearray(), time.monotonic()
    start = time.monotonic()
    while ended < len(sockets) and time.monotonic() < start + 120:
        for key, _ in chooser.select(1):
            data = key.fileobj.recv(1 << 16)
            if not data:
                return ended, events, time.monotonic() - start, gaps
            buffers[key.fileobj] += data
            now = time.monotonic()
            for payload in frames(buffers[key.fileobj]):
                events += 1
                gaps.append((now - last[key.fileobj]) * 1000)
                last[key.fileobj] = now
                ended += b'"type":"response.completed"' in payload[:40]
    return ended, events, time.monotonic() - start, gaps


def slow_reader(daemon, seconds):
    """One socket takes a byte a second of many large answers while others run: their figures, and the growth of the daemon's memory."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.close()
    slow = upgraded(daemon.port)
    before = resident_kb(daemon)
    for lane in range(10):
        send(slow, {"type": "response.create", "input": "say " + "x" * 100_000, "stream_id": str(lane)})
    until, worst, runs = time.monotonic() + seconds, 0.0, 0
    slow.setblocking(False)
    others = [upgraded(daemon.port) for _ in range(4)]
    while time.monotonic() < until:
        try:
            slow.recv(1)
        except OSError:
            pass
        ended, _, took, _ = run_all(daemon.port, others, 20)
        runs += ended
        worst = max(worst, took)
        time.sleep(max(0.0, 1 - took))
    grown = resident_kb(daemon) - before
    for one in [slow, *others]:
        one.close()
    return runs, worst, grown


def rows(_baton, _models_dir, quick):
    # All of them come from one address, where a daemon allows 256 unless it is told otherwise.
    with Daemon(options=["--max-client-streams", str(2 * (IDLE + ACTIVE))]) as daemon:
        time.sleep(1)
        spent, switches = cpu_seconds(daemon), context_switches(daemon)
        rest = 5 if quick else 20
        time.sleep(rest)
        share, wakeups = 100 * (cpu_seconds(daemon) - spent) / rest, (context_switches(daemon) - switches) / rest
        yield suite.row("idle daemon", round(share, 2), "% CPU", target="< 1 %", ok=share < 1, note=f"{wakeups:.1f} wake-ups a second")
        before = resident_kb(daemon)
        idle = [upgraded(daemon.port) for _ in range(IDLE)]
        each = (resident_kb(daemon) - before) / IDLE
        yield suite.row(f"memory of a socket ({IDLE} idle)", round(each, 1), "KB", target="stated", ok=True)
        active = [upgraded(daemon.port) for _ in range(ACTIVE)]
        ended, events, took, gaps = run_all(daemon.port, active, WORDS)
        gaps.sort()
        yield suite.row(f"runs that completed of {ACTIVE}, beside {IDLE} idle sockets", ended, target=str(ACTIVE), ok=ended == ACTIVE)
        yield suite.row("events to their clients", round(events / took), "events/s", target="stated", ok=ended == ACTIVE, note=f"{events} events in {took:.1f} s")
        if gaps:
            yield suite.row("between two events of a run, p50", round(gaps[len(gaps) // 2], 1), "ms", target="stated", ok=True, note="a word every 5 ms; events wait at most 20 ms for their commit")
            yield suite.row("between two events of a run, p99", round(gaps[len(gaps) * 99 // 100], 1), "ms", target="stated", ok=True)
        for one in idle + active:
            one.close()
        runs, worst, grown = slow_reader(daemon, 8 if quick else 60)
        yield suite.row("beside a reader of 1 byte/s: slowest round of 4 runs of 20 words", round(worst, 2), "s", target="<= 1 s", ok=runs > 0 and worst <= 1, note=f"{runs} runs")
        yield suite.row("memory grown for that reader", round(grown / 1024, 1), "MB", target="<= 64 MB", ok=grown < 64 * 1024, note="10 answers of 100 kB, 50 MB of events, the queue is bounded at 4 MiB")
