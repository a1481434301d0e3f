"""The cases of BFCL from the package `bfcl-eval`, and their conversion to requests of OpenAI's chat completions."""
import copy
import hashlib
import json
import pathlib
import random
import re

from tests.support import python_environment
from tests.support import suite

CATEGORIES = ["simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance", "live_simple", "live_multiple", "live_parallel",
              "live_parallel_multiple", "live_irrelevance", "live_relevance"]
SEED = 20261123
TYPES = {"dict": "object", "float": "number", "tuple": "array"}
# BFCL's own notes within a schema; they are not keywords of JSON Schema, and a server may refuse them.
NOTES = {"optional"}


def data_folder():
    try:
        import bfcl_eval  # of the environment `bfcl`
    except ImportError:  # another environment, with which that package would conflict: only the data is needed
        folders = sorted(suite.cache_dir().glob("bfcl-venv/lib/python3*/site-packages/bfcl_eval/data"))
        if not folders:
            raise suite.Unavailable("BFCL's data is missing: scripts/bench.sh bfcl --n 1 fetches it") from None
        return folders[0]
    return pathlib.Path(bfcl_eval.__file__).parent / "data"


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load(category, count=None):
    """Its cases, `count` of them or all, in an order that the seed fixes: the first of 5 are the first of 50."""
    folder = data_folder()
    cases = read_lines(folder / f"BFCL_v4_{category}.json")
    answers_file = folder / "possible_answer" / f"BFCL_v4_{category}.json"
    answers = {entry["id"]: entry["ground_truth"] for entry in read_lines(answers_file)} if answers_file.is_file() else {}
    random.Random(f"{SEED} {category}").shuffle(cases)
    return [{"id": entry["id"], "category": category, "messages": entry["question"][0], "functions": entry["function"], "expected": answers.get(entry["id"])}
            for entry in cases[:count]]


def schema(bfcl):
    """A schema in BFCL's words as JSON Schema. `any` means no type; names of properties are not touched."""
    out = {}
    for key, value in bfcl.items():
        if key in NOTES or key == "type" and value == "any":
            continue
        if key == "type":
            out[key] = TYPES.get(value, value)
        elif key == "properties":
            out[key] = {name: schema(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = schema(value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def sent_name(name):
    """OpenAI takes letters, digits, _ and -, 64 of them, and so does Baton: a dot becomes an underscore, for every server alike, so that all see one prompt."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]


def names_back(case):
    """Sent name -> BFCL's name."""
    return {sent_name(function["name"]): function["name"] for function in case["functions"]}


def tools(case):
    return [{"type": "function", "function": {"name": sent_name(function["name"]), "description": function["description"],
                                              "parameters": schema(function["parameters"])}} for function in case["functions"]]


# The settings of a request beside its case; all of them belong to the key under which an answer is stored.
SETTINGS = {"temperature": 0, "max_tokens": 512, "tool_choice": "auto"}


def all_schemas(fetch):
    """The schemas of the parameters of every function, each once, in an order that the seed fixes. fetch: downloads BFCL's data if it is
    missing."""
    if fetch:
        python_environment.make("bfcl")
    found = {}
    for category in CATEGORIES:
        for case in load(category):
            for tool in tools(case):
                parameters = tool["function"]["parameters"]
                found[json.dumps(parameters, sort_keys=True)] = parameters
    schemas = list(found.values())
    random.Random(SEED).shuffle(schemas)
    return schemas


def request(case, model):
    return {"model": model, "messages": case["messages"], "tools": tools(case), **SETTINGS, "stream": False}


def request_sum(case):
    """The key that matches a stored answer to this request: it changes with the case, and with the conversion of a case to a request."""
    return hashlib.sha256(json.dumps(request(case, "")).encode()).hexdigest()[:12]
