"""Connections: streams requested after their end, sockets that resume there, and thousands that are opened and send nothing."""
import asyncio
import re
import resource
import time

from tests.check.attacks.watch import ATTACKER, Alone, connect, get, hurry, post, row_of, send
from tests.support import suite
from tests.support.daemon import Daemon
from tests.support.wire import Closed, Http, WebSocket

MANY = 2048  # the daemon's own bound on connections


def ended_response(port, text="slow 10"):
    """(id, the number of its last event)"""
    _, response = post(port, "/v1/responses", {"input": text})
    _, body = send(port, "GET", f"/v1/responses/{response['id']}?stream=true")
    return response["id"], max(int(n) for n in re.findall(rb'"sequence_number":(\d+)', body))


def open_and_close(port, request, n):
    """n connections that send a request and leave, in about half a second."""
    opened = []
    for _ in range(n):
        try:
            connection = connect(port)
            connection.sendall(request)
            opened.append(connection)
        except OSError:
            pass  # more than the daemon accepts: it may refuse
        if len(opened) >= 256:  # of the descriptors that this process may have
            for connection in opened:
                connection.close()
            opened = []
    for connection in opened:
        connection.close()
    return []


def request_of(port, path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def connections_now(port):
    _, body = send(port, "GET", "/metrics")
    found = re.search(rb"^baton_connections (\d+)", body, re.MULTILINE)
    return int(found[1]) if found else -1


def left_over(port, seconds=10):
    """Connections that are open although their clients have gone, apart from this query's own."""
    end = time.monotonic() + seconds
    while (n := connections_now(port)) > 1 and time.monotonic() < end:
        time.sleep(0.2)
    return n - 1


def every_position(port):
    """Streams from every place, before and after the end. (wrong, how many)"""
    id_, last = ended_response(port)
    wrong = []
    positions = [-1, *range(last + 4), 1 << 40]
    for after in positions:
        status, body = send(port, "GET", f"/v1/responses/{id_}?stream=true&starting_after={after}")
        numbers = [int(n) for n in re.findall(rb'^data: .*"sequence_number":(\d+)', body, re.MULTILINE)]
        if not (status == 200 and numbers == list(range(after + 1, last + 1))) and not (after > last and status == 400):
            wrong.append(f"after {after} of {last}: {status} {body[:80].decode(errors='replace') if status != 200 else numbers}")
    return wrong, len(positions)


async def lanes_after_resuming(port, id_, last):
    """A socket that resumes after the end on each of its lanes, and then creates on each. Returns the lanes without an answer."""
    socket = await WebSocket(port).open()
    silent = []
    for lane in range(8):
        name = f"l{lane}"
        await socket.send({"type": "baton.resume", "stream_id": name, "response_id": id_, "starting_after": last + lane % 3})
        await socket.send({"type": "response.create", "stream_id": name, "input": f"say lane {lane}"})
        try:
            async with asyncio.timeout(5):
                while True:
                    message = await socket.receive()
                    if message.get("type") == "response.completed" and message.get("stream_id") == name and message["response"]["id"] != id_:
                        break
        except (TimeoutError, Closed) as error:
            silent.append(f"{name}: {type(error).__name__} {error}")
            if isinstance(error, Closed):
                break
    socket.close()
    return silent


async def sockets_that_resume(port, id_, last, n):
    async def one():
        try:
            socket = await WebSocket(port, source=ATTACKER).open()
            await socket.send({"type": "baton.resume", "response_id": id_, "starting_after": last})
            socket.close()
        except Closed:
            pass
    for _ in range(n // 64):
        await asyncio.gather(*[one() for _ in range(64)])


def hold(port, n, start, then=b"", seconds=4.0):
    """n connections that send `start`, then `then` byte by byte, and end after some seconds."""
    opened = []
    for _ in range(n):
        try:
            connection = connect(port)
            connection.sendall(start)
            opened.append(connection)
        except OSError:
            pass
    end = time.monotonic() + seconds
    at = 0
    while time.monotonic() < end:
        time.sleep(0.25)
        for connection in opened:
            try:
                connection.send(then[at:at + 1])
            except OSError:
                pass
        at += 1
    for connection in opened:
        connection.close()
    return []


async def readers_of_nothing(port, n):
    """Streams of long answers whose readers take nothing, and leave after a while."""
    https = []
    for _ in range(n):
        http = Http(port, source=ATTACKER)
        try:
            await http.send("POST", "/v1/responses", {"input": "slow 400 5", "stream": True, "store": False})
            https.append(http)
        except Closed:
            pass
    await asyncio.sleep(3)
    for http in https:
        http.close()


def rows(_baton, _models_dir, quick):
    if quick:
        hurry()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384) if hard != resource.RLIM_INFINITY else 16384, hard))
    with Daemon(options=["--shutdown-ms", "500"]) as daemon:
        port, alone = daemon.port, Alone(daemon)
        yield alone.row()
        id_, last = ended_response(port)
        began = time.monotonic()
        status, body = send(port, "GET", f"/v1/responses/{id_}?stream=true&starting_after={last}")
        seconds = time.monotonic() - began
        yield suite.row("a stream from after the last event ends", round(seconds, 2), "s", target="<= 1 s", ok=status in (200, 400) and seconds <= 1,
                        note=f"{status} {body[:80].decode(errors='replace')}")
        if status:
            wrong, n = every_position(port)
            yield suite.row("positions that a stream cannot be asked from", len(wrong), target="0", ok=not wrong, note=f"{n} positions; {'; '.join(wrong[:3])}")
        else:
            yield suite.row("positions that a stream cannot be asked from", None, target="0", ok=False, note="not tried, as the one after the last event hangs")
        silent = asyncio.run(lanes_after_resuming(port, id_, last))
        yield suite.row("lanes that are silent after a resume from the last event", len(silent), target="0", ok=not silent, note=f"8 lanes; {'; '.join(silent[:2])}")
        after = request_of(port, f"/v1/responses/{id_}?stream=true&starting_after={last}")
        yield row_of(daemon, alone, f"{MANY} streams after the last event, opened and closed", lambda port: open_and_close(port, after, MANY))
        n = left_over(port)
        yield suite.row("connections that are left of them after 10 s", n, target="0", ok=n == 0)
        yield row_of(daemon, alone, f"{MANY} connections without a header, for 4 s", lambda port: hold(port, MANY, b""))
        if quick:
            return
        yield row_of(daemon, alone, f"{MANY} connections whose header comes byte by byte", lambda port: hold(port, MANY, b"GET /healthz HTTP/1.1\r\nHost: ", b"127.0.0.1" * 9))
        yield row_of(daemon, alone, f"{MANY} connections whose body comes byte by byte",
                     lambda port: hold(port, MANY, f"POST /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 90\r\n\r\n".encode(), b"x" * 90))
        whole = request_of(port, f"/v1/responses/{id_}?stream=true")
        yield row_of(daemon, alone, f"{MANY} streams of a whole response, opened and closed", lambda port: open_and_close(port, whole, MANY))
        running = post(port, "/v1/responses", {"input": "slow 2000", "background": True})[1]["id"]
        live = request_of(port, f"/v1/responses/{running}?stream=true")
        yield row_of(daemon, alone, f"{MANY} streams of a running response, opened and closed", lambda port: open_and_close(port, live, MANY))
        post(port, f"/v1/responses/{running}/cancel", {})
        yield row_of(daemon, alone, "512 sockets that resume after the last event and leave", lambda port: asyncio.run(sockets_that_resume(port, id_, last, 512)))
        yield row_of(daemon, alone, "32 readers who take nothing of long answers", lambda port: asyncio.run(readers_of_nothing(port, 32)))
        n = left_over(port)
        yield suite.row("connections that are left of all these after 10 s", n, target="0", ok=n == 0)
        status, body = get(port, "/readyz")
        yield suite.row("the daemon is ready afterwards", status, target="200", ok=status == 200, note=str(body)[:200])
