"""Malformed requests and frames: each gets a typed error or a clean close, and the daemon continues to serve."""
import base64
import gzip
import json
import os
import socket
import struct
import time

from tests.support import suite
from tests.support.daemon import Daemon


def http(port, head, body=b"", wait=5):
    """The status of the first answer; 0: closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        try:
            connection.sendall(head.encode("latin-1").replace(b"HOST", f"127.0.0.1:{port}".encode()) + body)
        except OSError:
            pass
        answer = b""
        try:
            while b"\r\n\r\n" not in answer:
                more = connection.recv(65536)
                if not more:
                    break
                answer += more
        except OSError:
            pass
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/") else 0


class Socket:
    """A WebSocket by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1)
        assert b" 101 " in answer.split(b"\r\n")[0], answer

    def frame(self, opcode, payload, fin=True, mask=True, rsv=0, length=None):
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        n = len(payload) if length is None else length
        bit = 0x80 if mask else 0
        head += bytes([bit | n]) if n < 126 else bytes([bit | 126]) + struct.pack(">H", n) if n < 65536 else bytes([bit | 127]) + struct.pack(">Q", n)
        if mask:
            key = os.urandom(4)
            head += key
            payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(head + payload)

    def text(self, value):
        self.frame(1, value if isinstance(value, bytes) else json.dumps(value).encode())

    def read(self):
        """(opcode, payload); (None, b"") when the connection has ended."""
        try:
            head = self.take(2)
            n = head[1] & 0x7F
            n = struct.unpack(">H", self.take(2))[0] if n == 126 else struct.unpack(">Q", self.take(8))[0] if n == 127 else n
            return head[0] & 15, self.take(n)
        except (OSError, EOFError):
            return None, b""

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def error_code(self):
        opcode, payload = self.read()
        return json.loads(payload)["error"]["code"] if opcode == 1 else f"opcode {opcode}"

    def close_code(self):
        """The code of the next close frame, apart from pongs and texts; 0: none."""
        while True:
            opcode, payload = self.read()
            if opcode in (8, None):
                return struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


BOMB = gzip.compress(b" " * (64 << 20))
POST = "POST /v1/responses HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"


def http_cases(port):
    def post(body, path="/v1/responses"):
        body = body if isinstance(body, bytes) else body.encode()
        return http(port, f"POST {path} HTTP/1.1\r\nHost: HOST\r\nContent-Length: {len(body)}\r\n\r\n", body)
    yield "body is not JSON", post("{"), {400}
    yield "body is empty", post(""), {400}
    yield "body is an array", post("[]"), {400}
    yield "body is not UTF-8", post(b'{"input": "\xff\xfe"}'), {400}
    yield "100 000 brackets", post("[" * 100_000), {400}
    yield "a number beyond all", post('{"input": "x", "max_output_tokens": 1e400}'), {400}
    yield "unknown field", post('{"input": "x", "foo": 1}'), {200}
    yield "a field that would change the answer", post('{"input": "x", "mirostat": 2}'), {400}
    yield "unknown conversation", post('{"input": "x", "conversation": "conv_nowhere"}'), {404}
    yield "unknown previous response", post('{"input": "x", "previous_response_id": "resp_nowhere"}'), {404}
    yield "an output without its call", post('{"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}'), {400}
    yield "an output twice", post('{"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": "x"},'
                                  '{"type": "function_call_output", "call_id": "c", "output": "y"}]}'), {400}
    yield "an item of the wrong type", post('{"input": [{"type": "banana"}]}'), {400}
    yield "chat: no messages", post("{}", "/v1/chat/completions"), {400}
    yield "chat: messages of the wrong type", post('{"messages": "hi"}', "/v1/chat/completions"), {400}
    yield "rating of nothing", post('{"rating": "good"}', "/v1/baton/responses/resp_x/rating"), {404}
    yield "a body of 64 MB in 64 kB of gzip", http(port, POST + f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n", BOMB), {413}
    yield "a body that is not gzip", http(port, POST + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n", b"{}"), {400}
    yield "an unknown content coding", http(port, POST + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n", b"{}"), {415}
    yield "100 MB announced", http(port, POST + "Content-Length: 104857600\r\n\r\n"), {413}
    yield "100 MB in chunks", http(port, POST + "Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b"x" * 0x100000 + b"\r\n" + (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 15), {413}
    yield "a header of 1 MB", http(port, "GET /v1/models HTTP/1.1\r\nHost: HOST\r\nX: " + "x" * 1_000_000 + "\r\n\r\n"), {431, 0}
    yield "no HTTP at all", http(port, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), {400, 0}
    yield "two lengths", http(port, POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", b"{}"), {400}
    yield "length and chunks", http(port, POST + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"), {400}
    yield "negative length", http(port, POST + "Content-Length: -1\r\n\r\n"), {400}
    yield "a path with NUL", http(port, "GET /v1/models%00 HTTP/1.1\r\nHost: HOST\r\n\r\n"), {400}
    yield "a path that climbs", http(port, "GET /console/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: HOST\r\n\r\n"), {404}
    yield "an unknown method", http(port, "BREW /v1/responses HTTP/1.1\r\nHost: HOST\r\n\r\n"), {405, 400}
    yield "upgrade without key", http(port, "GET /v1/responses HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"), {400}
    yield "upgrade of an old version", http(port, "GET /v1/responses HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: eA==\r\n\r\n"), {400, 426}
    yield "upgrade elsewhere", http(port, "GET /v1/models HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), {404}


def message_cases(port):
    """Errors that leave the socket open: the next message still works."""
    with Socket(port) as ws:
        for name, message, codes in [
            ("message is not JSON", b"{", {"invalid_json"}),
            ("message is an array", b"[]", {"invalid_value"}),
            ("message without a type", {"input": "x"}, {"invalid_value"}),
            ("message of an unknown type", {"type": "response.explode"}, {"invalid_value"}),
            ("create with a field that would change the answer", {"type": "response.create", "input": "x", "mirostat": 2}, {"unsupported_parameter"}),
            ("create without input", {"type": "response.create"}, {"missing_required_parameter"}),
            ("create after nothing", {"type": "response.create", "input": "x", "previous_response_id": "resp_no"}, {"previous_response_not_found"}),
            ("resume of nothing", {"type": "baton.resume", "response_id": "resp_no"}, {"not_found"}),
            ("resume from a word", {"type": "baton.resume", "response_id": "resp_no", "starting_after": "x"}, {"invalid_type"}),
            ("cancel of nothing", {"type": "baton.cancel", "response_id": "resp_no"}, {"not_found"}),
            ("steering nothing", {"type": "response.steer", "previous_response_id": "resp_no", "input": "x"}, {"response_not_found"}),
            ("steering with a call", {"type": "response.steer", "previous_response_id": "resp_no", "input": [{"type": "function_call_output", "call_id": "c", "output": "o"}]}, {"invalid_input"}),
        ]:
            ws.text(message)
            yield name, ws.error_code(), codes
        ws.text({"type": "response.create", "input": "say still here"})
        types = []
        while not types or not types[-1].startswith("response.completed"):
            types.append(json.loads(ws.read()[1])["type"])
        yield "and then a message that is right", types[-1], {"response.completed"}
        ws.text({"type": "response.create", "input": "slow 400", "stream_id": "l"})
        ws.read()
        for _ in range(12):
            ws.text({"type": "response.create", "input": "say x", "stream_id": "l"})
        codes = set()
        for _ in range(200):
            opcode, payload = ws.read()
            if b'"error"' in payload and b"lane_full" in payload:
                codes.add("lane_full")
                break
        yield "more creates than a lane takes", codes.pop() if codes else "none", {"lane_full"}


def frame_cases(port):
    """The requirements of RFC 6455 for a server, frame by frame."""
    def case(name, act, codes):
        with Socket(port) as ws:
            act(ws)
            return name, ws.close_code(), codes
    big = b"x" * 126
    yield case("binary message", lambda ws: ws.frame(2, b"{}"), {1003})
    yield case("text that is not UTF-8", lambda ws: ws.frame(1, b"\xff\xff"), {1007})
    yield case("a surrogate in UTF-8", lambda ws: ws.frame(1, b'"\xed\xa0\x80"'), {1007})
    yield case("UTF-8 cut at the message's end", lambda ws: ws.frame(1, b'"\xe2\x82'), {1007})
    yield case("unmasked frame", lambda ws: ws.frame(1, b"{}", mask=False), {1002})
    yield case("reserved bit", lambda ws: ws.frame(1, b"{}", rsv=4), {1002})
    yield case("reserved opcode 3", lambda ws: ws.frame(3, b""), {1002})
    yield case("reserved control opcode 11", lambda ws: ws.frame(11, b""), {1002})
    yield case("continuation of nothing", lambda ws: ws.frame(0, b"{}"), {1002})
    yield case("a message inside a message", lambda ws: (ws.frame(1, b"{", fin=False), ws.frame(1, b"}")), {1002})
    yield case("fragmented ping", lambda ws: ws.frame(9, b"a", fin=False), {1002})
    yield case("ping of 126 bytes", lambda ws: ws.frame(9, big), {1002})
    yield case("close of one byte", lambda ws: ws.frame(8, b"\x03"), {1002})
    yield case("close with code 1005", lambda ws: ws.frame(8, struct.pack(">H", 1005)), {1002})
    yield case("close with code 999", lambda ws: ws.frame(8, struct.pack(">H", 999)), {1002})
    yield case("close with a reason that is not UTF-8", lambda ws: ws.frame(8, struct.pack(">H", 1000) + b"\xff"), {1007, 1002})
    yield case("close, answered", lambda ws: ws.frame(8, struct.pack(">H", 1000) + b"bye"), {1000})
    yield case("close with code 3000", lambda ws: ws.frame(8, struct.pack(">H", 3000)), {3000, 1000})
    yield case("a message of 9 MB", lambda ws: ws.frame(1, b"", length=9 << 20), {1009})
    with Socket(port) as ws:
        ws.frame(9, b"hello")
        yield "ping", ws.read(), {(10, b"hello")}
        ws.frame(10, b"unasked")
        ws.frame(1, b'{"type": "resp', fin=False)
        ws.frame(9, b"between")
        yield "ping between fragments", ws.read(), {(10, b"between")}
        ws.frame(0, b'onse.explode"', fin=False)
        ws.frame(0, b"}")
        yield "a message in three fragments", ws.error_code(), {"invalid_value"}
        ws.frame(1, '{"type": "\u20ac'.encode()[:-1], fin=False)
        ws.frame(0, '\u20ac"}'.encode()[2:])
        yield "a character cut by a fragment", ws.error_code(), {"invalid_value"}
        ws.frame(1, b"")
        yield "an empty message", ws.error_code(), {"invalid_json"}


def rows(_baton, _models_dir, _quick):
    with Daemon() as daemon:
        for kind, cases in [("HTTP", http_cases), ("message", message_cases), ("frame", frame_cases)]:
            wrong = []
            n = 0
            for name, got, wanted in cases(daemon.port):
                n += 1
                if got not in wanted:
                    wrong.append(f"{name}: {got} instead of {sorted(map(str, wanted))}")
            yield suite.row(f"hostile {kind} cases answered wrongly", len(wrong), target="0", ok=not wrong, note=f"{n} cases {'; '.join(wrong)}")
        half_open = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(200)]
        for one in half_open:
            one.sendall(b"POST /v1/responses HTTP/1.1\r\nHost:")
        start = time.monotonic()
        served = http(daemon.port, "GET /v1/models HTTP/1.1\r\nHost: HOST\r\n\r\n")
        yield suite.row("answer beside 200 half-open connections", round(time.monotonic() - start, 3), "s", target="<= 1 s", ok=served == 200 and time.monotonic() - start < 1)
        for one in half_open:
            one.close()
        yield suite.row("the daemon lives", daemon.process.poll() is None, target="True", ok=daemon.process.poll() is None)
