"""Every combination of Host, Origin, token and route with at least one wrong part, over a real socket, including upgrades."""
import socket

from tests.support import suite
from tests.support.daemon import Daemon

TOKEN = "0123456789abcdef0123456789abcdef"
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def status(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while b"\r\n" not in answer:
            more = connection.recv(4096)
            if not more:
                break
            answer += more
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/") else 0


def rows(_baton, _models_dir, quick):
    routes = [("GET", "/v1/models"), ("POST", "/v1/responses"), ("GET", "/v1/responses"), ("DELETE", "/v1/conversations/conv_1"), ("GET", "/metrics"), ("POST", "/v1/chat/completions"),
              ("GET", "/v1/baton/tools"), ("OPTIONS", "/v1/responses")]
    tokens = [("", False), (f"Bearer {TOKEN}", True), (f"Bearer {TOKEN[:-1]}", False), (f"Basic {TOKEN}", False)]
    tried = accepted = right = right_refused = 0
    with Daemon(token=TOKEN) as daemon:
        own = f"127.0.0.1:{daemon.port}"
        hosts = [(own, True), (f"localhost:{daemon.port}", True), ("evil.example", False), (f"evil.example:{daemon.port}", False), (f"127.0.0.1.evil.example:{daemon.port}", False),
                 (f"0.0.0.0:{daemon.port}", False), (f"2130706433:{daemon.port}", False), ("", False)]
        origins = [("", True), ("SAME", True), ("null", False), ("https://evil.example", False), (f"http://evil.example:{daemon.port}", False), ("file://", False)]
        for method, path in routes:
            for host, host_ok in hosts:
                for origin, origin_ok in origins:
                    for token, token_ok in tokens:
                        request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
                        if origin:
                            request += f"Origin: {'http://' + host if origin == 'SAME' else origin}\r\n"
                        if token:
                            request += f"Authorization: {token}\r\n"
                        if (method, path) == ("GET", "/v1/responses"):
                            request += UPGRADE
                        got = status(daemon.port, request + "Content-Length: 0\r\n\r\n")
                        refused = got in (400, 401, 403) and got != 101
                        if host_ok and origin_ok and token_ok:
                            right += 1
                            right_refused += got in (401, 403)
                        else:
                            tried += 1
                            accepted += not refused
    yield suite.row("hostile combinations accepted", accepted, target="0", ok=accepted == 0, note=f"{tried} combinations")
    yield suite.row("right combinations refused", right_refused, target="0", ok=right_refused == 0 and right > 0, note=f"{right} combinations")
