"""Requests that are large, wide, deep or many: a second client does not notice, memory is bounded, SIGTERM ends the daemon."""
import json

from tests.check.attacks.watch import ATTACKER, Alone, get, hurry, leave, post, row_of, together
from tests.support.daemon import Daemon
from tests.support.wire import WebSocket

MB = 1 << 20
BODY = 8 * MB - 4096  # just below the limit
READ = (200, 400, 422, 429, 503)  # statuses of a body that was read; 413 would mean that nothing was tested


def keys(size, value="0"):
    """The inside of an object with the maximum number of keys that fit."""
    n = size // (len(value) + 11)
    return ",".join(f'"{i:07d}":{value}' for i in range(n))


def filled(head, piece, tail, size=BODY):
    """head piece,piece,..,piece tail"""
    n = (size - len(head) - len(tail)) // (len(piece) + 1)
    return (head + ",".join([piece] * n) + tail).encode()


def message(text):
    return {"type": "message", "role": "user", "content": text}


def stored_item(port, size):
    """The id of a new item with a text of that size."""
    _, conversation = post(port, "/v1/conversations", {"items": [message("x" * size)]})
    _, items = get(port, f"/v1/conversations/{conversation['id']}/items")
    return items["data"][0]["id"]


def references(port, ids, copies=1):
    body = {"input": [{"type": "item_reference", "id": id_} for id_ in ids]}
    return together(copies, lambda _: post(port, "/v1/responses", body))


def nested_references(port, id_):
    """A conversation of references to a large item, and one of references to its items."""
    answers = []
    for _ in range(2):
        status, conversation = post(port, "/v1/conversations", {"items": [{"type": "item_reference", "id": id_}] * 20})
        answers.append((status, conversation if status != 200 else {}))
        if status != 200:
            break
        status, items = get(port, f"/v1/conversations/{conversation['id']}/items?limit=1")
        answers.append((status, {}))
        if status == 200:
            answers.append(post(port, "/v1/responses", {"conversation": conversation["id"], "input": "say hi"}))
    return [(status, body if status != 200 else {}) for status, body in answers]


def calls(n, with_outputs=True, same_id=False):
    items = []
    for i in range(n // 2 if with_outputs else n):
        call_id = "same" if same_id else f"call_{i}"
        items.append({"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"})
        if with_outputs:
            items.append({"type": "function_call_output", "call_id": call_id, "output": "x"})
    return json.dumps({"input": items}).encode()


def wide_arguments(output=True):
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{" + keys(5 * MB) + "}"}
    items = [call] + ([{"type": "function_call_output", "call_id": "c", "output": "x"}] if output else [])
    return json.dumps({"input": items}).encode()


def wide_tools():
    def properties(n):
        return {f"p{i}": {"type": "object", "properties": {f"q{j}": {"type": "string"} for j in range(10)}} for i in range(n)}
    return json.dumps({"input": "say hi", "tools": [{"type": "function", "name": f"f{i}", "parameters": {"type": "object", "properties": properties(40)}} for i in range(256)]}).encode()


def deep(n, opening, closing):
    return b'{"input":' + opening * n + b"0" + closing * n + b"}"


def socket_message(port, body):
    import asyncio

    async def one():
        socket = await WebSocket(port, source=ATTACKER).open()
        await socket.send(body[:1] + b'"type":"response.create",' + body[1:])
        answer = await socket.receive()
        socket.close()
        return answer.get("status", 200), answer
    return [asyncio.run(one())]


def bodies():
    """(what, path, body, how many at once)"""
    yield "an object of as many keys as 8 MB hold, in metadata", "/v1/responses", ('{"input":"say hi","metadata":{' + keys(BODY - 100) + "}}").encode(), 1
    yield "four of these at once", "/v1/responses", ('{"input":"say hi","metadata":{' + keys(BODY - 100) + "}}").encode(), 4
    yield "four objects of a million unknown keys", "/v1/responses", ("{" + keys(BODY - 100) + "}").encode(), 4
    yield "an array of a million objects, as input, four at once", "/v1/responses", filled('{"input":[', '{"a":1}', "]}"), 4
    yield "an array of two million empty objects", "/v1/responses", filled('{"input":[', "{}", "]}"), 4
    yield "a million strings, four at once", "/v1/responses", filled('{"input":[', '"abcd"', "]}"), 4
    yield "10,000 objects deep", "/v1/responses", deep(10_000, b'{"a":', b"}"), 4
    yield "a million arrays deep", "/v1/responses", deep(1_000_000, b"[", b"]"), 4
    yield "wide objects within wide objects", "/v1/responses", filled('{"input":"x","metadata":{"a":[', "{" + keys(20_000) + "}", "]}}"), 4
    yield "a function call with arguments of 300,000 keys", "/v1/responses", wide_arguments(), 1
    yield "four of these, without their output", "/v1/responses", wide_arguments(output=False), 4
    yield "5,000 calls with their outputs", "/v1/responses", calls(10_000), 1
    yield "four times 5,000 calls with their outputs", "/v1/responses", calls(10_000), 4
    yield "10,000 calls without an output", "/v1/responses", calls(10_000, with_outputs=False), 4
    yield "10,000 calls of one id", "/v1/responses", calls(10_000, with_outputs=False, same_id=True), 4
    yield "5,000 calls with outputs, all of one id", "/v1/responses", calls(10_000, same_id=True), 4
    yield "logit_bias of 400,000 tokens", "/v1/chat/completions", ('{"messages":[{"role":"user","content":"say hi"}],"logit_bias":{' + ",".join(f'"{i}":1' for i in range(400_000)) + "}}").encode(), 4
    yield "stop of 100,000 texts", "/v1/chat/completions", filled('{"messages":[{"role":"user","content":"say hi"}],"stop":[', '"abc"', "]}", 600_000), 4
    yield "baton.stop of 100,000 texts", "/v1/responses", filled('{"input":"say hi","baton.stop":[', '"abc"', "]}", 600_000), 4
    yield "256 tools with wide schemas", "/v1/responses", wide_tools(), 4
    yield "a text of 8 MB", "/v1/responses", json.dumps({"input": [message("x" * (BODY - 300)), message("say hi")], "store": False}).encode(), 1
    yield "instructions of 8 MB, four at once", "/v1/responses", ('{"input":"say hi","store":false,"instructions":"' + "x" * (BODY - 100) + '"}').encode(), 4
    yield "a schema of the answer with 100,000 properties", "/v1/responses", ('{"input":"say hi","text":{"format":{"type":"json_schema","name":"s","schema":{"type":"object","properties":{' + keys(3 * MB, '{"type":"string"}') + "}}}}}").encode(), 4
    yield "a million keys for a conversation's metadata", "/v1/conversations", ('{"metadata":{' + keys(BODY - 100) + "}}").encode(), 4
    yield "100 unknown fields in each of 4,000 items", "/v1/responses", filled('{"input":[', '{"role":"user","content":"x",' + ",".join(f'"k{i}":1' for i in range(100)) + "}", "]}", 4 * MB), 4
    yield "10,000 turns of which the oldest may go", "/v1/responses", filled('{"store":false,"truncation":"auto","input":[', '{"role":"user","content":"say hi"}', "]}", 300_000), 4
    yield "calls of another server's tools with 8 MB of input", "/v1/responses", ('{"input":[{"type":"custom_tool_call","call_id":"c","name":"f","input":"' + "x" * (BODY - 200) + '"}]}').encode(), 4
    yield "a million messages for a chat", "/v1/chat/completions", filled('{"messages":[', '{"a":1}', "]}"), 4


QUICK = ["four of these at once", "an array of a million objects, as input, four at once", "four times 5,000 calls with their outputs", "logit_bias of 400,000 tokens"]


def rows(_baton, _models_dir, quick):
    if quick:
        hurry()
    with Daemon(options=["--shutdown-ms", "500"]) as daemon:
        alone = Alone(daemon)
        yield alone.row()
        large = stored_item(daemon.port, 7 * MB)
        yield row_of(daemon, alone, "90 references to an item of 7 MB", lambda port: references(port, [large] * 90))
        for what, path, body, n in bodies():
            if not quick or what in QUICK:
                yield row_of(daemon, alone, what, lambda port, path=path, body=body, n=n: together(n, lambda _: post(port, path, body)), READ)
        if quick:
            return
        yield row_of(daemon, alone, "four times 90 references at once", lambda port: references(port, [large] * 90, 4))
        some = [stored_item(daemon.port, MB) for _ in range(40)]
        yield row_of(daemon, alone, "references to 40 items of 1 MB", lambda port: references(port, some, 2))
        yield row_of(daemon, alone, "10,000 references to a small item", lambda port, small=stored_item(daemon.port, 5000): references(port, [small] * 10_000, 4))
        yield row_of(daemon, alone, "conversations of references, and references to those", lambda port: nested_references(port, large))
        wide = ("{" + keys(BODY - 100) + "}").encode()
        yield row_of(daemon, alone, "wide bodies of 16 clients that leave at once", lambda port: [] if together(16, lambda _: leave(port, "/v1/responses", wide)) else [])
        yield row_of(daemon, alone, "a wide message on a WebSocket", lambda port: socket_message(port, wide))
