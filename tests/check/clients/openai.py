"""The unmodified openai package against a daemon: HTTP, SSE, WebSocket, conversations, chat completions."""
import threading
import time

from tests.support import suite
from tests.support.daemon import Daemon

MCP = {"type": "mcp", "server_label": "baton"}
SHOP = {"type": "function", "name": "shop", "description": "buys", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}, "strict": True}
ENDS = ("response.completed", "response.incomplete", "response.failed")


def create(client, _daemon):
    response = client.responses.create(model="baton", input="say hello", metadata={"k": "v"}, instructions="Be brief.")
    assert (response.status, response.output_text, response.metadata) == ("completed", "hello", {"k": "v"}), response
    again = client.responses.create(model="baton", input="say more", previous_response_id=response.id)
    assert again.previous_response_id == response.id and again.conversation.id == response.conversation.id


def stream(client, _daemon):
    with client.responses.create(model="baton", input="slow 20", stream=True) as events:
        events = list(events)
    assert [e.sequence_number for e in events] == list(range(len(events)))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text and len(text) == 100
    with client.responses.stream(model="baton", input="slow 5") as helper:
        for _ in helper:
            pass
        assert helper.get_final_response().output_text.startswith("w1000")


def retrieve_and_resume(client, _daemon):
    response = client.responses.create(model="baton", input="slow 30")
    assert client.responses.retrieve(response.id).output_text == response.output_text
    whole = [e.model_dump_json() for e in client.responses.retrieve(response.id, stream=True)]
    for after in (0, 3, len(whole) - 2):
        assert [e.model_dump_json() for e in client.responses.retrieve(response.id, stream=True, starting_after=after)] == whole[after + 1:]
    assert [i.type for i in client.responses.input_items.list(response.id)] == ["message"]


def background_and_cancel(client, _daemon):
    response = client.responses.create(model="baton", input="slow 2000", background=True)
    assert response.status == "in_progress"
    assert client.responses.cancel(response.id).status == "cancelled"
    assert client.responses.retrieve(response.id).status == "cancelled"


def delete(client, _daemon):
    import openai
    response = client.responses.create(model="baton", input="say x")
    client.responses.delete(response.id)
    try:
        client.responses.retrieve(response.id)
    except openai.NotFoundError:
        return
    raise AssertionError("still there")


def client_functions(client, _daemon):
    response = client.responses.create(model="baton", input='call shop {"what": "milk"} ; shop {"what": "bread"}', tools=[SHOP])
    calls = [i for i in response.output if i.type == "function_call"]
    assert [c.arguments for c in calls] == ['{"what":"milk"}', '{"what":"bread"}'], response.output
    outputs = [{"type": "function_call_output", "call_id": c.call_id, "output": f"r{i}"} for i, c in enumerate(calls)]
    answer = client.responses.create(model="baton", input=outputs, previous_response_id=response.id, tools=[SHOP])
    assert answer.output_text == "got: r0 r1", answer.output_text


def daemon_tools(client, _daemon):
    response = client.responses.create(model="baton", input='call add {"a": 2, "b": 3}', tools=[MCP])
    call, message = response.output
    assert (call.type, call.name, call.output, message.content[0].text) == ("mcp_call", "add", "5", "got: 5")


def both_kinds_of_tools(client, _daemon):
    response = client.responses.create(model="baton", input='call shop {"what": "milk"} ; add {"a": 2, "b": 3}', tools=[SHOP, MCP])
    assert sorted(i.type for i in response.output) == ["function_call", "mcp_call"]
    call = next(i for i in response.output if i.type == "function_call")
    answer = client.responses.create(model="baton", input=[{"type": "function_call_output", "call_id": call.call_id, "output": "ok"}], previous_response_id=response.id, tools=[SHOP, MCP])
    assert answer.output_text == "got: ok 5", answer.output_text


def approval(client, daemon):
    before = len(daemon.effects())
    response = client.responses.create(model="baton", input='call ask_first {"n": 1}', tools=[MCP])
    request = response.output[0]
    assert request.type == "mcp_approval_request" and len(daemon.effects()) == before
    answer = client.responses.create(model="baton", input=[{"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}], previous_response_id=response.id, tools=[MCP])
    assert answer.output[0].type == "mcp_call" and answer.output_text == "got: sent" and len(daemon.effects()) == before + 1
    refused = client.responses.create(model="baton", input='call ask_first {"n": 2}', tools=[MCP])
    answer = client.responses.create(model="baton", input=[{"type": "mcp_approval_response", "approval_request_id": refused.output[0].id, "approve": False, "reason": "no"}], previous_response_id=refused.id, tools=[MCP])
    assert "not" in answer.output_text and len(daemon.effects()) == before + 1


def conversations(client, _daemon):
    conversation = client.conversations.create(metadata={"a": "b"}, items=[{"type": "message", "role": "user", "content": "hello"}])
    client.responses.create(model="baton", conversation=conversation.id, input="say hi")
    items = list(client.conversations.items.list(conversation.id, order="asc"))
    assert [i.type for i in items] == ["message"] * 3, items
    assert client.conversations.items.retrieve(items[0].id, conversation_id=conversation.id).id == items[0].id
    client.conversations.items.create(conversation.id, items=[{"type": "message", "role": "user", "content": "more"}])
    assert len(list(client.conversations.items.list(conversation.id, limit=2))) == 4
    client.conversations.items.delete(items[0].id, conversation_id=conversation.id)
    assert client.conversations.update(conversation.id, metadata={"c": "d"}).metadata == {"c": "d"}
    assert client.conversations.delete(conversation.id).deleted


def chat_completions(client, _daemon):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "say hello there"}]
    assert client.chat.completions.create(model="baton", messages=messages).choices[0].message.content == "hello there"
    assert len(client.chat.completions.create(model="baton", messages=messages, n=3).choices) == 3
    chunks = list(client.chat.completions.create(model="baton", messages=messages, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "hello there" and chunks[-1].usage
    tool = {"type": "function", "function": {"name": "shop", "description": "d", "parameters": SHOP["parameters"]}}
    messages = [{"role": "user", "content": 'call shop {"what": "a"} ; shop {"what": "b"}'}]
    asked = client.chat.completions.create(model="baton", messages=messages, tools=[tool])
    assert asked.choices[0].finish_reason == "tool_calls" and len(asked.choices[0].message.tool_calls) == 2
    messages.append(asked.choices[0].message.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": c.id, "content": f"r{i}"} for i, c in enumerate(asked.choices[0].message.tool_calls)]
    assert client.chat.completions.create(model="baton", messages=messages, tools=[tool]).choices[0].message.content == "got: r0 r1"
    streamed = client.chat.completions.create(model="baton", messages=messages[:1], tools=[tool], stream=True)
    calls = [c for chunk in streamed if chunk.choices for c in chunk.choices[0].delta.tool_calls or []]
    begun = [c for c in calls if c.id]
    assert [(c.index, c.function.name) for c in begun] == [(0, "shop"), (1, "shop")]
    assert ["".join(c.function.arguments or "" for c in calls if c.index == i) for i in (0, 1)] == ['{"what":"a"}', '{"what":"b"}']


def idempotency(client, daemon):
    before = len(daemon.effects())
    ids = {client.responses.create(model="baton", input='call send {"n": 9}', tools=[MCP], extra_headers={"Idempotency-Key": "k-1"}).id for _ in range(3)}
    assert len(ids) == 1 and len(daemon.effects()) == before + 1


def websocket_lanes(client, _daemon):
    with client.responses.connect() as connection:
        for lane in "abc":
            connection.response.create(model="baton", input=f"say lane {lane}", stream_id=lane)
        connection.response.create(model="baton", input="say second on a", stream_id="a")
        texts, order = {}, []
        for event in connection:
            if event.type == "error":
                raise AssertionError(event)
            if event.type in ENDS:
                order.append(event.stream_id)
                texts.setdefault(event.stream_id, []).append(event.response.output_text)
            if len(order) == 4:
                break
    assert texts == {"a": ["lane a", "second on a"], "b": ["lane b"], "c": ["lane c"]}, texts


def websocket_steering(client, _daemon):
    with client.responses.connect() as connection:
        connection.response.create(model="baton", input='call wait {"ms": 300}', tools=[MCP], stream_id="s")
        first, seen = None, []
        for event in connection:
            seen.append(event.type)
            if event.type == "response.mcp_call.in_progress":
                connection.response.steer(input="say steered", previous_response_id=first)
            if event.type == "response.created":
                first = first or event.response.id
            if event.type in ENDS and event.response.id != first:
                break
        assert event.response.output_text == "steered" and event.stream_id == "s" and event.response.previous_response_id == first
        assert "response.steer.accepted" in seen and "response.incomplete" in seen


def websocket_reconnects(client, daemon):
    """The package's own reconnection: the daemon goes away while a client listens, and comes back."""
    texts = []

    def restart(connection):
        daemon.stop()
        daemon.start()
        time.sleep(1.5)
        connection.response.create(model="baton", input="say two")

    with client.responses.connect(on_reconnecting=lambda event: None) as connection:
        connection.response.create(model="baton", input="say one")
        for event in connection:
            if event.type in ENDS:
                texts.append(event.response.output_text)
                if len(texts) == 2:
                    break
                threading.Thread(target=restart, args=(connection,), daemon=True).start()
    assert texts == ["one", "two"], texts


PARTS = [create, stream, retrieve_and_resume, background_and_cancel, delete, client_functions, daemon_tools, both_kinds_of_tools, approval, conversations,
         chat_completions, idempotency, websocket_lanes, websocket_steering, websocket_reconnects]


def rows(_baton, _models_dir, _quick):
    try:
        import openai
    except ImportError:
        raise suite.Unavailable("the openai package is not installed: pip install openai")
    with Daemon() as daemon:
        client = openai.OpenAI(base_url=daemon.url + "/v1", api_key="unused", max_retries=0, timeout=30)
        for part in PARTS:
            note, ok = "", True
            try:
                part(client, daemon)
            except Exception as error:  # the others still run
                note, ok = f"{type(error).__name__}: {error}"[:300], False
            yield suite.row(f"openai {openai.__version__}: {part.__name__.replace('_', ' ')}", value="passed" if ok else "failed", target="passed", ok=ok, note=note)
