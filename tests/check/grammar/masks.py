"""Random texts under a schema's masks, against Python's jsonschema; and valid values, which must be writable."""
import collections
import json
import os
import random
import subprocess

from tests.check.oracle.json_schema import DRAFT_4, DRAFT_7, HAND, POOL, random_schema, random_value
from tests.support import suite


PROGRAM = suite.ROOT / "build/release/tests/grammar_probe"
MODEL = "qwen2.5-coder-0.5b-instruct"
OBJECT_KEYWORDS = {"properties", "patternProperties", "required", "minProperties", "maxProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies"}
SCHEMAS_IN = {"additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else", "additionalItems"}
SCHEMA_LISTS_IN = {"allOf", "anyOf", "oneOf", "prefixItems"}
SCHEMA_MAPS_IN = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}


def opened(schema):
    """The same schema, with an explicit statement that other properties may occur: without it, valid ones are not written
    (docs/tool-calling.md)."""
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in SCHEMAS_IN and isinstance(value, (dict, bool)):
            value = opened(value)
        elif key in SCHEMA_LISTS_IN or (key == "items" and isinstance(value, list)):
            value = [opened(one) for one in value]
        elif key in SCHEMA_MAPS_IN:
            value = {name: opened(one) for name, one in value.items()}
        out[key] = value
    if OBJECT_KEYWORDS & set(out):
        out.setdefault("additionalProperties", True)
    return out


def keywords_of(error):
    """The keywords that may explain a violation: its own, and those that contain it."""
    found = set()
    while error is not None:
        found.add(error.validator)
        found.update(str(step) for step in error.absolute_schema_path)
        error = error.parent
    return found


def excused(error, named):
    """True if a keyword that is checked afterwards explains it. Of alternatives one was written, all of whose own violations must be
    explained."""
    if keywords_of(error) & named:
        return True
    branches = collections.defaultdict(list)
    for inner in error.context or []:
        branches[inner.schema_path[0]].append(inner)
    return any(all(excused(inner, named) for inner in errors) for errors in branches.values())


def instance(rng, schema, depth=0):
    """A value for a schema of a function's parameters, members in their declared order. Mostly valid; the caller checks it."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type", rng.choice(["string", "integer", "boolean"]))
    kind = rng.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        required = schema.get("required", [])
        found = {name: instance(rng, inner, depth + 1) for name, inner in schema.get("properties", {}).items() if name in required or rng.random() < 0.5}
        return found if found or "properties" in schema else {"any": instance(rng, {}, depth + 1)}
    if kind == "array":
        return [instance(rng, schema.get("items", {}), depth + 1) for _ in range(rng.randint(0, 3))]
    return {"string": lambda: rng.choice(["", "Paris", "a \"quoted\" word", "grün\n", "2024-01-31", "x" * 70, "\\u00e9"]), "integer": lambda: rng.choice([0, 1, -7, 42, 10**12]),
            "number": lambda: rng.choice([0, 0.5, -3, 1e6, 2.25]), "boolean": lambda: rng.random() < 0.5, "null": lambda: None}[kind]()


def bfcl_rows(validators, probe, quick):
    """The functions of BFCL unchanged: undeclared properties are not written."""
    from tests.bench.bfcl import cases as bfcl_cases
    try:
        schemas = bfcl_cases.all_schemas(fetch=not quick)
    except suite.Unavailable as reason:
        yield suite.skipped("functions of BFCL", str(reason))
        return
    rng, written, wrong, valid_values, not_writable, dead_ends, refused = random.Random(6), 0, 0, 0, 0, 0, 0
    afterwards = collections.Counter()
    for seed, schema in enumerate(schemas[:200] if quick else schemas):
        kind = validators.Draft202012Validator
        validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
        valid = [value for value in (instance(rng, schema) for _ in range(5)) if validator.is_valid(value)]
        answer = probe({"schema": schema, "samples": 3, "seed": seed, "values": valid})
        if "error" in answer:
            refused += 1
            print(f"{answer['error']}: {json.dumps(schema)[:200]}")
            continue
        named = {one["keyword"] for one in answer["unmasked"]}
        afterwards.update(named)
        dead_ends += answer["dead_ends"]
        for text in answer["texts"]:
            written += 1
            if not all(excused(error, named) for error in validator.iter_errors(json.loads(text))):
                wrong += 1
                print(f"{json.dumps(schema)} wrote {text[:80]}")
        valid_values += len(valid)
        for value, fits in zip(valid, answer["writable"]):
            if not fits:
                not_writable += 1
                print(f"{json.dumps(schema)} would not write {json.dumps(value)}")
    note = f"{len(schemas[:200] if quick else schemas)} schemas, {refused} refused by name; keywords not in the mask: {', '.join(sorted(afterwards)) or 'none'}"
    yield suite.row("functions of BFCL: writings that violate a keyword that the mask claims", wrong, f"of {written}", target="0", ok=wrong == 0 and written > 0, note=note)
    yield suite.row("functions of BFCL: dead ends", dead_ends, f"of {written}", target="0", ok=dead_ends == 0)
    yield suite.row("functions of BFCL: valid values that could not be written", not_writable, f"of {valid_values}", target="0", ok=not_writable == 0 and valid_values > 0)


def rows(_baton, models_dir, quick):
    try:
        from jsonschema import validators
    except ImportError:
        raise suite.Unavailable("jsonschema is not installed: a run without --quick installs it") from None
    if not os.access(PROGRAM, os.X_OK):
        raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
    rng = random.Random(5)
    schemas = [(schema, [value for value in more + POOL]) for schema, more in HAND]
    for _ in range(200 if quick else 2000):
        schemas.append((random_schema(rng, 2), [random_value(rng, 2) for _ in range(10)]))
    model = suite.model_file(models_dir, MODEL)
    process = subprocess.Popen([PROGRAM, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def probe(question):
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    written = maskable = afterwards = valid_values = not_writable = dead_ends = unfinished = refused = 0
    unmasked = collections.Counter()
    examples = []
    for seed, (schema, values) in enumerate(schemas):
        schema = opened(schema)
        kind = validators.validator_for(schema, default=validators.Draft202012Validator)
        validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
        valid = [value for value in values if validator.is_valid(value)]
        answer = probe({"schema": schema, "samples": 3 if quick else 5, "seed": seed, "values": valid})
        if "error" in answer:
            refused += 1
            continue
        named = {one["keyword"] for one in answer["unmasked"]}
        unmasked.update(named)
        if "if" in named:
            named |= {"then", "else"}
        if "contains" in named:
            named |= {"minContains", "maxContains"}
        dead_ends += answer["dead_ends"]
        unfinished += answer["unfinished"]
        for text in answer["texts"]:
            written += 1
            errors = list(validator.iter_errors(json.loads(text)))
            if not all(excused(error, named) for error in errors):
                maskable += 1
                examples.append(f"{json.dumps(schema)} wrote {text[:80]}")
            elif errors:
                afterwards += 1
        valid_values += len(valid)
        for value, fits in zip(valid, answer["writable"]):
            if not fits:
                not_writable += 1
                examples.append(f"{json.dumps(schema)} would not write {json.dumps(value)}")
    for example in examples[:20]:
        print(example)
    yield suite.row("writings that violate a keyword that the mask claims", maskable, f"of {written}", target="0", ok=maskable == 0 and written > len(schemas), note=f"{len(schemas)} schemas, {refused} refused by name")
    yield suite.row("writings left to the validator", afterwards, f"of {written}", target="stated", ok=True, note="keywords not in the mask: " + ", ".join(sorted(unmasked)))
    yield suite.row("dead ends", dead_ends, f"of {written}", target="0", ok=dead_ends == 0, note=f"{unfinished} not finished after 300 tokens")
    yield suite.row("valid values that could not be written", not_writable, f"of {valid_values}", target="0", ok=not_writable == 0 and valid_values > 100)
    yield from bfcl_rows(validators, probe, quick)
    process.stdin.close()
    process.wait()
