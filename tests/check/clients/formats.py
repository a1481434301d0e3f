"""Output formats over the unmodified openai package, with the default model: every answer has the requested format, as checked by
jsonschema and re."""
import enum
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

from tests.support import suite
from tests.support.daemon import free_port

MODEL = "qwen2.5-coder-0.5b-instruct"
QUESTIONS = ["Where does Ada live? Ada lives in Oslo and is 36.", "Describe a lamp.", "Ada is 36, Bob is 7, Eve is 51.", "Say hello, and nothing else."]
PERSON = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 40}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
                                           "city": {"anyOf": [{"type": "string", "maxLength": 40}, {"type": "null"}]}, "kind": {"enum": ["adult", "child"]}},
          "required": ["name", "age", "city", "kind"], "additionalProperties": False}
LIST = {"type": "object", "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/person"}, "minItems": 1, "maxItems": 4}}, "required": ["people"],
        "additionalProperties": False, "$defs": {"person": PERSON}}
GRAMMAR = 'root ::= item ("\\n" item){0,2}\nitem ::= "- " [A-Z] [a-z]{1,10} ": " [0-9]{1,3}'


class Baton:
    """`baton serve` with the default model, in a folder of its own. options: those before the command."""

    def __init__(self, program, model, options=()):
        self.folder = tempfile.TemporaryDirectory(prefix="baton-formats-")
        folder = pathlib.Path(self.folder.name)
        (folder / "config.toml").touch()  # not the user's own
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([program, "--config", folder / "config.toml", "--journal", folder / "journal.db", "--model", model, *options, "serve", "--port",
                                         self.url.rpartition(":")[2], "--shutdown-seconds", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("baton serve does not become ready")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.folder.cleanup()


def valid(text, schema):
    import jsonschema
    jsonschema.validate(json.loads(text), schema, cls=jsonschema.Draft202012Validator)


def schema_of_responses(client):
    for question in QUESTIONS:
        for schema in (PERSON, LIST) if question == QUESTIONS[0] else (PERSON,):
            response = client.responses.create(model="baton", input=question, temperature=1, text={"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}})
            assert response.status == "completed" and response.text.format.name == "answer", response
            valid(response.output_text, schema)


def parsed_by_pydantic(client):
    import pydantic

    class Kind(str, enum.Enum):
        adult = "adult"
        child = "child"

    class Person(pydantic.BaseModel):
        name: str = pydantic.Field(max_length=40)
        age: int = pydantic.Field(ge=0, le=150)
        kind: Kind
        hobbies: list[str] = pydantic.Field(max_length=3)

    for question in QUESTIONS[:2]:
        response = client.responses.parse(model="baton", input=question, text_format=Person, max_output_tokens=400)
        assert isinstance(response.output_parsed, Person), response
        completion = client.chat.completions.parse(model="baton", messages=[{"role": "user", "content": question}], response_format=Person, max_tokens=400)
        assert isinstance(completion.choices[0].message.parsed, Person), completion


def schema_of_chat_completions(client):
    for question in QUESTIONS[:2]:
        completion = client.chat.completions.create(model="baton", messages=[{"role": "user", "content": question}], temperature=1, seed=3,
                                                    response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": LIST, "strict": True}})
        assert completion.choices[0].finish_reason == "stop", completion
        valid(completion.choices[0].message.content, LIST)


def json_objects(client):
    for question in QUESTIONS[:2]:
        response = client.responses.create(model="baton", input=question + " Answer in JSON.", text={"format": {"type": "json_object"}}, max_output_tokens=600)
        if response.status == "completed":
            assert isinstance(json.loads(response.output_text), dict), response.output_text
        else:  # a model may write members for ever
            assert response.incomplete_details.reason == "max_output_tokens", response
        chat = client.chat.completions.create(model="baton", messages=[{"role": "user", "content": question + " Answer in JSON."}], response_format={"type": "json_object"}, max_tokens=600)
        assert chat.choices[0].finish_reason == "length" or isinstance(json.loads(chat.choices[0].message.content), dict), chat


def patterns_and_grammars(client):
    for question in QUESTIONS:
        pattern = r"(yes|no|perhaps), \d{1,3} percent"
        response = client.responses.create(model="baton", input=question, temperature=1, text={"format": {"type": "baton.regex", "pattern": pattern}})
        assert re.fullmatch(pattern, response.output_text), response.output_text
        response = client.responses.create(model="baton", input=question, temperature=1, text={"format": {"type": "baton.grammar", "syntax": "gbnf", "definition": GRAMMAR}})
        assert re.fullmatch(r"- [A-Z][a-z]{1,10}: \d{1,3}(\n- [A-Z][a-z]{1,10}: \d{1,3}){0,2}", response.output_text), response.output_text


def streamed(client):
    text = {"format": {"type": "json_schema", "name": "answer", "schema": PERSON, "strict": True}}
    with client.responses.create(model="baton", input=QUESTIONS[0], text=text, stream=True) as events:
        events = list(events)
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert events[-1].type == "response.completed" and events[-1].response.output_text == said
    valid(said, PERSON)


def cut_short(client):
    response = client.responses.create(model="baton", input="Describe a lamp.", max_output_tokens=5, text={"format": {"type": "json_schema", "name": "answer", "schema": PERSON}})
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens"), response


def beside_tools(client):
    """An agent's steps: a call of a tool, its result, and then the answer in the format that was requested from the start."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}}, "required": ["city", "degrees"], "additionalProperties": False}
    tool = {"type": "function", "name": "get_temperature", "description": "The temperature in a city right now, in degrees.", "strict": False,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}
    both = {"model": "baton", "tools": [tool], "temperature": 0, "text": {"format": {"type": "json_schema", "name": "temperature", "schema": schema}}}
    asked = client.responses.create(input="What is the temperature in Oslo?", **both)
    calls = [item for item in asked.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_temperature"] and "Oslo" in calls[0].arguments, asked.output
    both["tool_choice"] = "none"  # without this setting, this small model would call again
    answer = client.responses.create(previous_response_id=asked.id, input=[{"type": "function_call_output", "call_id": calls[0].call_id, "output": "7 degrees"}], **both)
    assert json.loads(answer.output_text) == {"city": "Oslo", "degrees": 7}, answer.output_text


def refused(client):
    import openai
    for text, where in (({"type": "json_schema", "name": "a", "schema": {"type": "strnig"}}, "text.format.schema"), ({"type": "baton.regex", "pattern": "(?=a)b"}, "text.format.pattern"),
                        ({"type": "baton.grammar", "syntax": "gbnf", "definition": "root ::= root"}, "text.format.definition")):
        try:
            client.responses.create(model="baton", input="x", text={"format": text})
        except openai.BadRequestError as error:
            assert error.param == where, error
        else:
            raise AssertionError(f"{text} was taken")


PARTS = [schema_of_responses, parsed_by_pydantic, schema_of_chat_completions, json_objects, patterns_and_grammars, streamed, cut_short, beside_tools, refused]


def rows(baton, models_dir, _quick):
    try:
        import jsonschema  # noqa: F401
        import openai
    except ImportError as error:
        raise suite.Unavailable(f"{error.name} is not installed: a run without --quick installs it")
    model = suite.model_file(models_dir, MODEL)
    if not os.access(baton, os.X_OK):
        raise suite.Unavailable(f"{baton} is not built: scripts/quickstart.sh builds it")
    with Baton(baton, model) as daemon:
        client = openai.OpenAI(base_url=daemon.url + "/v1", api_key="unused", max_retries=0, timeout=120)
        for part in PARTS:
            began = time.monotonic()
            note, ok = "", True
            try:
                part(client)
            except Exception as error:  # the others still run
                note, ok = f"{type(error).__name__}: {error}"[:300], False
            yield suite.row(f"formats: {part.__name__.replace('_', ' ')}", value="passed" if ok else "failed", target="passed", ok=ok,
                            note=note or f"{time.monotonic() - began:.1f} s")
