"""The output of `baton data export` in its readers, and the events of a run in the openai package.

Scripted conversations go into a journal (export_probe), `baton data export` writes them, and Hugging Face datasets, transformers' templates and the
openai package's own types read them back."""
import importlib.util
import json
import pathlib
import random
import subprocess
import tempfile

from tests.support.suite import ROOT, Unavailable, row, skipped

SEED = 20
N_RANDOM = 200
TEMPLATES = sorted((ROOT / "tests/golden/template/models").glob("*.jinja"))


def random_value(rng, depth):
    kinds = ["text", "number", "whole", "flag", "nothing", "list", "object"] if depth else ["text", "whole"]
    kind = rng.choice(kinds)
    return {"text": lambda: rng.choice(["", "Tokyo", "Zürich \"quoted\" \\ \n", "日本", "1", "true", "2024-01-01"]), "number": lambda: rng.choice([0.5, -1.25, 1e6]),
            "whole": lambda: rng.choice([0, 7, -3, 2**40]), "flag": lambda: rng.random() < 0.5, "nothing": lambda: None,
            "list": lambda: [random_value(rng, depth - 1) for _ in range(rng.randrange(3))], "object": lambda: random_object(rng, depth - 1)}[kind]()


def random_object(rng, depth):
    return {key: random_value(rng, depth) for key in rng.sample(["city", "unit", "n", "when", "to", "options"], rng.randrange(4))}


def conversations():
    """Rows that differ in everything that a reader might unify to a common type."""
    rng = random.Random(SEED)
    call = lambda name, arguments: {"name": name, "arguments": arguments}  # noqa: E731
    yield {"user": "no tool here", "instructions": "", "tools": [], "answers": [{"text": "no"}]}
    yield {"user": "a tool, no call", "instructions": "be brief", "tools": ["add"], "answers": [{"text": "yes"}]}
    yield {"user": "nothing to say", "instructions": "", "tools": ["add"], "answers": [{"text": "", "calls": [call("add", {})]}, {"text": ""}]}
    yield {"user": "two at once", "instructions": "", "tools": ["add", "time"],
           "answers": [{"text": "Both.", "calls": [call("add", {"a": 1, "b": 2}), call("time", {"zone": "Asia/Tokyo"})]}, {"text": "done"}]}
    yield {"user": "one that fails", "instructions": "", "tools": ["add"], "answers": [{"calls": [call("add", {"fail": True})]}, {"text": "it failed"}]}
    yield {"user": "thinking", "instructions": "", "tools": ["add"], "answers": [{"reasoning": "hm", "calls": [call("add", {"a": "text"})]}, {"reasoning": "well", "text": "ok"}]}
    for i in range(N_RANDOM):
        tools = rng.sample(["add", "time", "files", "mail"], rng.randrange(1, 4))
        calls = {json.dumps(c): c for c in (call(rng.choice(tools), random_object(rng, 3)) for _ in range(rng.randrange(1, 4)))}
        yield {"user": f"random {i}", "instructions": rng.choice(["", "be brief"]), "tools": tools, "answers": [{"text": rng.choice(["", "so"]), "calls": list(calls.values())}, {"text": "end"}]}


def expected(conversation, ids):
    """Messages with arguments as objects. ids: of the calls, as they were exported."""
    messages = [{"role": "system", "content": conversation["instructions"]}] if conversation["instructions"] else []
    messages.append({"role": "user", "content": conversation["user"]})
    ids = iter(ids)
    for answer in conversation["answers"]:
        message = {"role": "assistant", "content": answer.get("text", "")}
        if answer.get("reasoning"):
            message["reasoning_content"] = answer["reasoning"]
        messages.append(message)
        named = [(next(ids), call) for call in answer.get("calls", [])]
        if named:
            message["tool_calls"] = [{"id": i, "type": "function", "function": call} for i, call in named]
        for i, call in named:
            text = "failed as asked" if "fail" in call["arguments"] else json.dumps(call["arguments"], ensure_ascii=False, separators=(",", ":"))
            messages.append({"role": "tool", "content": text, "tool_call_id": i, "name": call["name"]})
    return messages


def expected_tools(conversation):
    return [{"type": "function", "function": {"name": name, "description": "Echoes its arguments", "parameters": {"type": "object", "properties": {}}}} for name in conversation["tools"]]


def call_ids(messages):
    return [call["id"] for message in messages for call in message.get("tool_calls") or []]


def same(a, b):
    """Equal with the types: 1 is not True and not 1.0."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def numbers_as_written(value):
    """JSON writes 1e6 as 1000000.0: results are compared as JSON."""
    return [{**m, "content": json.loads(m["content"])} if m["role"] == "tool" and m["content"].startswith("{") else m for m in value]


def load(file, folder):
    import datasets
    datasets.disable_progress_bars()
    return list(datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(folder / "cache")))


def template_differences(rows, conversations_):
    """Rows whose prompt differs from that of the conversation itself; if none does, nothing was quoted twice or filled up with nulls."""
    from transformers.utils.chat_template_utils import render_jinja_template
    render = lambda template, messages, tools: render_jinja_template([messages], tools=tools or None, chat_template=template)[0]  # noqa: E731
    different = 0
    for file in TEMPLATES:
        template = file.read_text(encoding="utf-8")
        for got, conversation in zip(rows, conversations_, strict=True):
            want = expected(conversation, call_ids(got["messages"]))
            for message, twin in zip(want, got["messages"]):  # a result's numbers may be written differently
                if message["role"] == "tool":
                    message["content"] = twin["content"]
            different += render(template, got["messages"], json.loads(got["tools"])) != render(template, want, expected_tools(conversation))
    return different


def openai_refusals(records):
    """Records that do not fit the package's own types for requests, or have a field that these do not have."""
    import pydantic
    from openai.types.chat import ChatCompletionToolParam
    from openai.types.chat import chat_completion_assistant_message_param as assistant
    from openai.types.chat import chat_completion_system_message_param as system
    from openai.types.chat import chat_completion_tool_message_param as tool
    from openai.types.chat import chat_completion_user_message_param as user
    kinds = {"assistant": assistant.ChatCompletionAssistantMessageParam, "system": system.ChatCompletionSystemMessageParam,
             "tool": tool.ChatCompletionToolMessageParam, "user": user.ChatCompletionUserMessageParam}
    adapters = {role: (pydantic.TypeAdapter(kind), set(kind.__annotations__)) for role, kind in kinds.items()}
    tools = pydantic.TypeAdapter(ChatCompletionToolParam)
    refused = 0
    for record in records:
        try:
            for message in record["messages"]:
                adapter, fields = adapters[message["role"]]
                adapter.validate_python(message)
                if not set(message) <= fields:
                    raise ValueError(f"fields {sorted(set(message) - fields)}")
            for one in record.get("tools", []):
                tools.validate_python(one)
            refused += record.get("tools") == []
        except (pydantic.ValidationError, ValueError):
            refused += 1
    return refused


def event_refusals(lines):
    """Events that do not fit the package's types, and runs whose events its stream reader does not accept."""
    import pydantic
    from openai._types import omit
    from openai.lib.streaming.responses._responses import ResponseStreamState
    from openai.types.responses import ResponseStreamEvent
    adapter = pydantic.TypeAdapter(ResponseStreamEvent)
    refused, runs, state = 0, [], None
    for line in lines:
        try:
            event = adapter.validate_python(line)
        except pydantic.ValidationError:
            refused += 1
            continue
        if event.type == "response.created":
            state = ResponseStreamState(input_tools=omit, text_format=omit)
        try:
            state.handle_event(event)
        except (RuntimeError, AssertionError, IndexError):
            refused += 1
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            runs.append(event.response)
    return refused, runs


def rows(baton, _models_dir, quick):
    probe = pathlib.Path(baton).parent / "tests/export_probe"
    if not probe.is_file():
        raise Unavailable(f"{probe} is not built: scripts/test.sh builds it")
    if not all(importlib.util.find_spec(package) for package in ("datasets", "openai")):
        raise Unavailable("datasets and openai are not installed: a run without --quick installs them")
    said = list(conversations())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        journal = folder / "journal.db"
        run = subprocess.run([probe, journal], input=json.dumps(said), capture_output=True, text=True, check=True)
        for form in ("trl", "openai"):
            subprocess.run([baton, "--journal", journal, "data", "export", "--format", form, "-o", folder / f"{form}.jsonl"], capture_output=True, check=True)
        trl = load(folder / "trl.jsonl", folder)
        lines = [json.loads(line) for line in (folder / "openai.jsonl").read_text(encoding="utf-8").splitlines()]
    found = []
    different = abs(len(trl) - len(said))
    for got, conversation in zip(trl, said):
        want = expected(conversation, call_ids(got["messages"]))
        fits = same(sorted_keys(numbers_as_written(got["messages"])), sorted_keys(numbers_as_written(want)))
        different += not (fits and json.loads(got["tools"]) == expected_tools(conversation))
    found.append(row("export trl: rows that datasets gives back changed", different, f"of {len(said)}", peer="datasets", target="0", ok=different == 0))
    different = abs(len(lines) - len(said)) + openai_refusals(lines)
    for got, conversation in zip(lines, said):
        for message in got["messages"]:
            for call in message.get("tool_calls", []):
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        want = [{key: value for key, value in m.items() if key != "reasoning_content" and (key != "name")} for m in expected(conversation, call_ids(got["messages"]))]
        different += not same(sorted_keys(numbers_as_written(got["messages"])), sorted_keys(numbers_as_written(want)))
    found.append(row("export openai: rows refused or changed", different, f"of {len(said)}", peer="openai package's types", target="0", ok=different == 0))
    refused, runs = event_refusals([json.loads(line) for line in run.stdout.splitlines()])
    refused += len(runs) != len(said)
    found.append(row("run events: refused by the stream reader", refused, f"of {len(run.stdout.splitlines())}", peer="openai package", target="0", ok=refused == 0))
    if quick:
        return found + [skipped("export trl: prompts that differ", "only without --quick")]
    different = template_differences(trl, said)
    found.append(row("export trl: prompts that differ", different, f"of {len(said) * len(TEMPLATES)}", peer="transformers' templates", target="0", ok=different == 0))
    return found


def sorted_keys(value):
    """Key order is JSON's own matter, save inside arguments, which are compared as prompts."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(one) for one in value] if isinstance(value, list) else value
