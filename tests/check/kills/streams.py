"""Streams that are cut at random points and resumed equal the uncut ones byte for byte."""
import http.client
import json
import random
import threading

from tests.support import suite
from tests.support.daemon import Daemon

QUICK_STREAMS, STREAMS = 100, 1000
WORKERS = 10


def piece(port, path, body, n, got):
    """Reads at most n events of a stream, then hangs up. The id of the response, and whether it ended."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST" if body else "GET", path, body)
        id_, ended = None, False
        for line in connection.getresponse():
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            if event.get("baton.repeated"):
                continue
            got.append(line)
            id_ = event.get("response", {}).get("id", id_)
            ended = event["type"] in ("response.completed", "response.failed", "response.incomplete")
            n -= 1
            if n <= 0 or ended:
                return id_, ended
        return id_, ended
    finally:
        connection.close()


def one(port, chance):
    """Returns True if they are equal."""
    got = []
    id_, ended = piece(port, "/v1/responses", json.dumps({"input": f"slow {chance.randint(1, 30)}", "stream": True}), chance.randint(1, 12), got)
    while not ended:
        last = json.loads(got[-1][6:])["sequence_number"]
        _, ended = piece(port, f"/v1/responses/{id_}?stream=true&starting_after={last}", None, chance.randint(1, 12), got)
    whole = []
    piece(port, f"/v1/responses/{id_}?stream=true", None, 1 << 30, whole)
    return got == whole


def rows(_baton, _models_dir, quick):
    streams = QUICK_STREAMS if quick else STREAMS
    seed = random.randrange(1 << 30)
    differ = []
    with Daemon() as daemon:
        def work(worker):
            chance = random.Random(seed + worker)
            for _ in range(streams // WORKERS):
                try:
                    if not one(daemon.port, chance):
                        differ.append("differs")
                except Exception as error:  # counted: a stream that cannot be resumed differs
                    differ.append(f"{type(error).__name__}: {error}")
        workers = [threading.Thread(target=work, args=(i,)) for i in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    yield suite.row("streams cut and resumed that differ from the uncut one", len(differ), target="0", ok=not differ, note=f"{streams} streams, seed {seed} {differ[:1] or ''}")
