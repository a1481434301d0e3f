"""HTTP, event streams and WebSockets by hand over asyncio, for the suites chaos and attacks: errors are not retried, repaired or hidden."""
import asyncio
import base64
import json
import os
import struct

LIMIT = 32 << 20  # bytes of one line or frame that a reader takes


class Closed(Exception):
    """The connection ended before the requested data had arrived."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def code(self):
        """error.code, if it has one."""
        value = self.json()
        error = value.get("error") if isinstance(value, dict) else None
        return error.get("code") if isinstance(error, dict) else None


class Http:
    """One connection, kept alive. After Closed it opens another."""

    def __init__(self, port, token="", source="127.0.0.1"):
        """source: the address that it comes from."""
        self.port, self.token, self.source = port, token, source
        self.reader = self.writer = None

    async def open(self):
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LIMIT, local_addr=(self.source, 0))
        except OSError as error:
            raise Closed(f"cannot connect: {error}") from error

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def send(self, method, path, body=None, headers=()):
        """body: bytes, or a value that becomes JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if self.token:
            head.append(f"Authorization: Bearer {self.token}")
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers]
        if self.writer and (self.writer.is_closing() or self.reader.at_eof()):  # closed between two requests, as HTTP allows
            self.close()
        if not self.writer:
            await self.open()
        try:
            self.writer.write(("\r\n".join(head) + "\r\n\r\n").encode() + (body or b""))
            await self.writer.drain()
        except OSError as error:
            self.close()
            raise Closed(str(error)) from error

    async def head(self):
        """(status, headers)"""
        try:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
            return int(lines[0].split(" ")[1]), headers
        except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, ValueError) as error:
            self.close()
            raise Closed(f"no answer: {error}") from error

    async def pieces(self, headers):
        """The body, piece by piece."""
        try:
            if headers.get("transfer-encoding", "") == "chunked":
                while size := int((await self.reader.readline()).split(b";")[0] or b"x", 16):
                    yield (await self.reader.readexactly(size + 2))[:-2]
                await self.reader.readline()
            elif "content-length" in headers:
                yield await self.reader.readexactly(int(headers["content-length"]))
            else:
                while piece := await self.reader.read(65536):
                    yield piece
                self.close()
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.close()
            raise Closed(f"the answer was cut: {error}") from error
        if headers.get("connection", "").lower() == "close":
            self.close()

    async def request(self, method, path, body=None, headers=()):
        await self.send(method, path, body, headers)
        status, head = await self.head()
        if method == "HEAD" or status in (204, 304):
            return Answer(status, head, b"")
        return Answer(status, head, b"".join([piece async for piece in self.pieces(head)]))

    async def events(self, headers):
        """The values of an event stream's data lines. Ends where the stream ends."""
        waiting = b""
        async for piece in self.pieces(headers):
            waiting += piece
            *whole, waiting = waiting.split(b"\n\n")
            for block in whole:
                for line in block.split(b"\n"):
                    if line.startswith(b"data: ") and line != b"data: [DONE]":
                        yield json.loads(line[6:])


class WebSocket:
    def __init__(self, port, token="", source="127.0.0.1"):
        """source: the address that it comes from."""
        self.port, self.token, self.source = port, token, source
        self.reader = self.writer = None

    async def open(self):
        key = base64.b64encode(os.urandom(16)).decode()
        authorization = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LIMIT, local_addr=(self.source, 0))
            self.writer.write((f"GET /v1/responses HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{authorization}"
                               f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Closed(f"no WebSocket: {error}") from error
        if b" 101 " not in head.split(b"\r\n")[0]:
            self.close()
            raise Closed(f"no WebSocket: {head[:100]!r}")
        return self

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def frame(self, opcode, payload):
        n = len(payload)
        head = bytes([0x80 | opcode]) + (bytes([0x80 | n]) if n < 126 else struct.pack(">BH", 0xFE, n) if n < 65536 else struct.pack(">BQ", 0xFF, n))
        if not self.writer:
            raise Closed("the WebSocket is closed")
        try:
            self.writer.write(head + bytes(4) + payload)  # a mask of zeros is valid, and costs nothing
            await self.writer.drain()
        except OSError as error:
            self.close()
            raise Closed(str(error)) from error

    async def send(self, value):
        await self.frame(1, value if isinstance(value, bytes) else json.dumps(value).encode())

    async def receive(self):
        """The next message, as a value."""
        if not self.reader:
            raise Closed("the WebSocket is closed")
        try:
            while True:
                first, second = await self.reader.readexactly(2)
                n = second & 0x7F
                n = struct.unpack(">H", await self.reader.readexactly(2))[0] if n == 126 else struct.unpack(">Q", await self.reader.readexactly(8))[0] if n == 127 else n
                payload = await self.reader.readexactly(n)
                if first & 15 == 9:
                    await self.frame(10, payload)
                elif first & 15 == 8:
                    self.close()
                    raise Closed(f"the WebSocket was closed with {struct.unpack('>H', payload[:2])[0] if n >= 2 else 'no code'}")
                elif first & 15 == 1:
                    return json.loads(payload)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Closed(f"the WebSocket ended: {error}") from error
