"""Requests that clients send, and other servers' answers sent back, one of each kind, with the default model: each answer must be the one
that the model meant."""
import json
import urllib.error
import urllib.request

from tests.check.clients.formats import MODEL, Baton
from tests.support import suite

CASES = suite.ROOT / "tests/data/client_cases"


def post(url, name):
    body = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    path = "/v1/chat/completions" if "messages" in body else "/v1/responses"
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def words(answer):
    if "choices" in answer:
        return answer["choices"][0]["message"]["content"] or ""
    return "".join(part["text"] for item in answer.get("output", []) if item["type"] == "message" for part in item["content"])


def arguments(answer):
    """Of the first call."""
    calls = answer["choices"][0]["message"].get("tool_calls") or [{"function": {"arguments": "{}"}}]
    return json.loads(calls[0]["function"]["arguments"])


def ignored(answer):
    return set(answer.get("baton.ignored", []))


# (case, the right value, the answer as one value, is it right?)
ANSWERED = [
    ("escapes_tool_result", "Café Müller", lambda a: arguments(a).get("place_name"), lambda v: v == "Café Müller"),
    ("exponent_with_bound", "0.0001", lambda a: arguments(a).get("value"), lambda v: v == 1e-4),
    ("allof_ref", "name, species, age, owner", lambda a: ", ".join(json.loads(words(a))), lambda v: v == "name, species, age, owner"),
    ("annotations_in_schema", "desc", lambda a: arguments(a).get("order"), lambda v: v == "desc"),
    ("pattern_property_class", "words", words, bool),
    ("empty_assistant", "words", words, bool),
    ("empty_arguments", "words", words, bool),
    ("client_tool_result", "words with room 214", words, lambda v: "214" in v),
    ("local_client_extras", "words", words, bool),
]


def rows(baton, models_dir, quick):
    model = suite.model_file(models_dir, MODEL)
    if quick:
        raise suite.Unavailable("the default model takes half a minute for these: run it without --quick")
    with Baton(baton, model) as daemon:
        for case, wanted, value_of, is_right in ANSWERED:
            answer = post(daemon.url, case)
            value = json.dumps(answer["error"])[:200] if answer.get("error") else value_of(answer)
            yield suite.row(case, value, target=wanted, ok=not answer.get("error") and is_right(value))
        defaults = post(daemon.url, "client_defaults")
        told = ignored(defaults)
        yield suite.row("client_defaults", ", ".join(sorted(told)), target="what had no effect", ok={"service_tier", "reasoning.effort", "text.verbosity", "tools[0]"} <= told and not defaults.get("error"))
        seeds, texts = zip(*((answer["baton.seed"], words(answer)) for answer in (post(daemon.url, "no_seed") for _ in range(3))))
        yield suite.row("no_seed, three times", " | ".join(texts), target="other draws, each with its seed", ok=len(set(texts)) > 1 and len(set(seeds)) == 3)
    with Baton(baton, model, ["--ctx", "2048"]) as daemon:
        error = post(daemon.url, "context_overflow").get("error", {})
        message = error.get("message", "")
        yield suite.row("context_overflow", error.get("code"), target="context_length_exceeded", note=message,
                        ok=error.get("code") == "context_length_exceeded" and "maximum context length is 2048" in message and "3030" in message)
