"""Validity of thousands of schema and value pairs, written by hand and at random, against Python's jsonschema."""
import json
import pathlib
import random
import re
import subprocess

from tests.support.suite import ROOT, Unavailable, row, skipped

GOLDEN = ROOT / "tests/golden/json_schema.json"
SEED = 3
N_RANDOM_SCHEMAS = 150
N_RANDOM_VALUES = 8
DRAFT_4, DRAFT_7 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"

# Every schema written by hand is checked with these values, and those beside it.
POOL = [None, True, 0, 1, -1, 2.0, 3.5, "", "a", "abc", "12", [], [1], [1, 1.0], ["a", 1, None], {}, {"a": 1}, {"a": "x", "b": 2}, {"foo": [1, "b"]}]

HAND = [
    (True, []), (False, []), ({}, []),
    ({"type": "integer"}, [1.0, 1.5, 1e20, True]), ({"type": "number"}, [1e300, "1"]), ({"type": "boolean"}, [False, 0]), ({"type": "null"}, [False]),
    ({"type": ["string", "null", "array"]}, []), ({"type": ["integer", "number"]}, []), ({"type": "object"}, []), ({"type": "array"}, []),
    ({"enum": [1, "a", None, [1], {"a": 1}]}, [1.0, True, [1.0], {"a": 1.0}, {"a": 1, "b": 1}]), ({"enum": [True]}, [1]), ({"enum": [0]}, [False, 0.0]),
    ({"const": {"a": [1, {"b": None}]}}, [{"a": [1, {"b": None}]}, {"a": [1, {"b": 0}]}]), ({"const": False}, [0, [False]]), ({"const": [True]}, [[1], [True]]),
    ({"minimum": 1}, [0.999, 1e-300]), ({"maximum": 3}, [3, 3.0000001]), ({"exclusiveMinimum": 1}, [1.0000001]), ({"exclusiveMaximum": 1}, [0.5]),
    ({"minimum": 1, "exclusiveMinimum": 2, "maximum": 9, "exclusiveMaximum": 8}, [2, 8, 7.9]), ({"minimum": -9007199254740993}, [-9007199254740994]),
    ({"multipleOf": 2}, [4, 7, 4.5, -6, 0.0]), ({"multipleOf": 0.5}, [4.5, 0.25]), ({"multipleOf": 1.5}, [4.5, 4]),
    ({"$schema": DRAFT_4, "minimum": 1, "exclusiveMinimum": True}, [1, 1.5]), ({"$schema": DRAFT_4, "maximum": 1, "exclusiveMaximum": False}, [1, 1.5]),
    ({"minLength": 2}, ["\U0001f600", "\U0001f600\U0001f600", "e\u0301"]), ({"maxLength": 2}, ["\U0001f600\U0001f600", "abc"]), ({"minLength": 2.0}, ["a", "ab"]),
    ({"pattern": "b"}, ["ab", "B"]), ({"pattern": "^a*$"}, ["aaa", "ab"]), ({"pattern": r"^[0-9]{2,3}$"}, ["1", "123", "1234"]), ({"pattern": r"\$"}, ["a$"]),
    ({"pattern": r"^(\([0-9]{3}\))?[0-9]{3}-[0-9]{4}$"}, ["555-1212", "(888)555-1212", "(888)555-1212 ext. 532"]), ({"pattern": "^(?!a)[a-z]+$"}, ["bc", "ab"]),
    ({"pattern": "^\\S+@\\S+$"}, ["a@b", "a b@c"]), ({"pattern": "\u00e9$"}, ["caf\u00e9", "cafe"]), ({"pattern": r"(?<=a)b|^\w+\.(?:png|jpe?g)$"}, ["x.jpg", "x.gif"]),
    ({"properties": {"a": {"type": "string"}, "b": True, "c": False}}, [{"c": 1}, {"a": "x", "d": 1}]), ({"required": ["a", "b"]}, [{"b": None, "a": None}]),
    ({"required": []}, []), ({"additionalProperties": False}, []), ({"additionalProperties": {"type": "integer"}}, [{"z": 1.0}]),
    ({"properties": {"a": {}}, "patternProperties": {"^f": {"type": "array"}}, "additionalProperties": False}, [{"foo": 1}, {"a": 1, "f": []}, {"g": 1}]),
    ({"patternProperties": {"a": {"type": "integer"}, "aa": {"maximum": 3}}}, [{"aa": 4}, {"aab": "x"}, {"baaa": 2}]), ({"propertyNames": {"maxLength": 1}}, []),
    ({"propertyNames": False}, []), ({"propertyNames": {"pattern": "^f"}}, []), ({"minProperties": 1}, []), ({"maxProperties": 1}, []), ({"maxProperties": 0}, []),
    ({"dependentRequired": {"a": ["b"], "foo": []}}, []), ({"dependentSchemas": {"a": {"required": ["b"]}, "foo": False}}, []),
    ({"$schema": DRAFT_7, "dependencies": {"a": ["b"], "foo": {"minProperties": 2}}}, [{"foo": 1, "x": 1}]),
    ({"items": {"type": "integer"}}, [[1, "x"]]), ({"items": False}, []), ({"items": True}, []), ({"prefixItems": [{"type": "string"}, {"type": "integer"}]}, [["a", "b"]]),
    ({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}, [["a", 1], ["a"]]), ({"prefixItems": [{}], "items": {"type": "null"}}, [[1, None]]),
    ({"$schema": DRAFT_7, "items": [{"type": "string"}, {}], "additionalItems": {"type": "null"}}, [["a", 1, 2]]), ({"$schema": DRAFT_7, "items": [{}], "additionalItems": False}, []),
    ({"$schema": DRAFT_7, "items": {}, "additionalItems": False}, []), ({"contains": {"type": "string"}}, [["a"]]), ({"contains": False}, []), ({"contains": True}, []),
    ({"contains": {"const": 1}, "minContains": 2}, []), ({"contains": {"const": 1}, "maxContains": 1}, []), ({"contains": {"const": 1}, "minContains": 0}, []), ({"minContains": 5}, []),
    ({"contains": {"minimum": 1}, "minContains": 1, "maxContains": 2}, [[1, 2, 3], [0, 5]]), ({"minItems": 1}, []), ({"maxItems": 1}, []),
    ({"uniqueItems": True}, [[1, True], [0, False], ["a", "a"], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [[1], [1.0]], [[1], [True]], [None, None]]), ({"uniqueItems": False}, [[1, 1]]),
    ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, []), ({"allOf": [True, False]}, []), ({"anyOf": [{"type": "integer"}, {"minLength": 2}]}, []), ({"anyOf": [False, False]}, []),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [2.5, 3, 1.5]), ({"oneOf": [True, True]}, []), ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, []),
    ({"not": {"type": ["integer", "object"]}}, []), ({"not": {}}, []), ({"not": {"not": {"type": "string"}}}, []), ({"not": False}, []),
    ({"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}}, []), ({"if": False, "else": {"type": "array"}}, []), ({"then": False, "else": False}, []),
    ({"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"required": ["b"]}}, [{"a": 1, "b": 1}, {"a": 2}]), ({"if": True, "then": {"type": "null"}}, []),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}, []), ({"$ref": "#/$defs/x", "maxLength": 1, "$defs": {"x": {"type": "string"}}}, []),
    ({"definitions": {"n": {"type": "integer", "minimum": 0}}, "properties": {"a": {"$ref": "#/definitions/n"}}}, [{"a": -1}]),
    ({"properties": {"foo": {"items": {"$ref": "#"}}}, "additionalProperties": False}, [{"foo": [{"foo": []}]}, {"foo": [{"bar": []}]}]),
    ({"$defs": {"t": {"type": "object", "properties": {"v": {"type": "number"}, "k": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "required": ["v"]}}, "$ref": "#/$defs/t"},
     [{"v": 1, "k": [{"v": 2}]}, {"v": 1, "k": [{"v": 2, "k": [{}]}]}]),
    ({"$defs": {"a/b": {"type": "null"}, "c~d": {"type": "array"}, "e%f": {"type": "string"}}, "anyOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/$defs/c~0d"}, {"$ref": "#/$defs/e%25f"}]}, []),
    ({"properties": {"$ref": {"type": "string"}, "type": {"const": "x"}}}, [{"$ref": 1}, {"$ref": "a"}, {"type": "y"}]), ({"prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}]}, [[1, 2], [1, "a"]]),
    ({"format": "date"}, ["2024-02-29", "2023-02-29", "2024-13-01", "2024-1-1"]), ({"format": "ipv4"}, ["127.0.0.1", "256.0.0.1", "1.2.3", "087.1.1.1"]),
    ({"format": "ipv6"}, ["::1", "12345::", "1::2::3", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"]), ({"format": "uuid"}, ["2EB8AA08-AA98-11EA-B4AA-73B441D16380", "2eb8aa08aa9811eab4aa73b441d16380"]),
    ({"format": "email"}, ["joe@example.com", "joe"]), ({"format": "x-unknown"}, []), ({"title": "t", "description": "d", "default": 1, "examples": [1], "$comment": "c", "deprecated": True}, []),
    ({"type": "object", "properties": {"city": {"type": "string", "minLength": 1}, "unit": {"enum": ["celsius", "fahrenheit"]}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
      "required": ["city"], "additionalProperties": False}, [{"city": "Rome"}, {"city": "", "unit": "celsius"}, {"city": "Rome", "unit": "kelvin"}, {"city": "Rome", "days": 7.0}, {"city": "Rome", "x": 1}]),
]


def random_value(rng, depth):
    kind = rng.randrange(8 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        return rng.choice([0, 1, 2, 3, 5, -1, 1.0, 2.5, 10, 1e10])
    if kind in (3, 4, 5):
        return rng.choice(["", "a", "b", "ab", "abc", "aaaa", "x1", "A", "\u00e9"])
    if kind == 6:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice("abcde"): random_value(rng, depth - 1) for _ in range(rng.randrange(4))}


def random_schema(rng, depth, top=True, refer=True):
    """Any of the keywords, few at a time; references only to #/$defs/d, which has none itself, as Baton refuses endless ones."""
    def inner():
        return random_schema(rng, depth - 1, False, refer) if depth and rng.random() < 0.8 else rng.choice([True, {}, {"type": rng.choice(TYPES)}])

    def schemas():
        return [inner() for _ in range(rng.randrange(1, 4))]

    def by_name():
        return {rng.choice("abcde"): inner() for _ in range(rng.randrange(1, 4))}
    TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
    makers = {
        "type": lambda: rng.choice([rng.choice(TYPES), rng.sample(TYPES, rng.randrange(1, 4))]), "enum": lambda: [random_value(rng, 1) for _ in range(rng.randrange(1, 5))],
        "const": lambda: random_value(rng, 1), "minimum": lambda: rng.choice([0, 1, 2.5]), "maximum": lambda: rng.choice([1, 2, 5]), "exclusiveMinimum": lambda: rng.choice([0, 1]),
        "exclusiveMaximum": lambda: rng.choice([2, 10]), "multipleOf": lambda: rng.choice([1, 2, 0.5]), "minLength": lambda: rng.randrange(3), "maxLength": lambda: rng.randrange(4),
        "pattern": lambda: rng.choice(["a", "^a+$", "^[a-c]*$", "[0-9]", "^.$"]), "properties": by_name, "required": lambda: rng.sample("abcde", rng.randrange(3)),
        "additionalProperties": inner, "patternProperties": lambda: {rng.choice(["a", "^[bc]$", "d|e"]): inner()}, "propertyNames": inner, "minProperties": lambda: rng.randrange(3),
        "maxProperties": lambda: rng.randrange(4), "dependentRequired": lambda: {rng.choice("abc"): rng.sample("abcde", 1)}, "dependentSchemas": by_name, "items": inner, "prefixItems": schemas,
        "contains": inner, "minContains": lambda: rng.randrange(3), "maxContains": lambda: rng.randrange(3), "minItems": lambda: rng.randrange(3), "maxItems": lambda: rng.randrange(4),
        "uniqueItems": lambda: rng.random() < 0.8, "allOf": schemas, "anyOf": schemas, "oneOf": schemas, "not": inner, "if": inner, "then": inner, "else": inner}
    schema = {keyword: makers[keyword]() for keyword in rng.sample(sorted(makers), rng.randrange(1, 4))}
    if top:
        schema["$defs"] = {"d": random_schema(rng, 1, False, False)}
    elif refer and rng.random() < 0.15:
        schema["$ref"] = "#/$defs/d"
    return schema


def verdicts(schema, values):
    """jsonschema's verdict on each value."""
    from jsonschema import validators
    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    kind.check_schema(schema)
    validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
    return [{"instance": value, "valid": validator.is_valid(value)} for value in values]


def golden():
    from importlib.metadata import version
    groups = [{"schema": schema, "tests": verdicts(schema, more + POOL)} for schema, more in HAND]
    rng = random.Random(SEED)
    while len(groups) < len(HAND) + N_RANDOM_SCHEMAS:
        schema = random_schema(rng, 2)
        tests = verdicts(schema, [random_value(rng, 2) for _ in range(N_RANDOM_VALUES)])
        if len({test["valid"] for test in tests}) == 2:  # one that is never or always valid proves little
            groups.append({"schema": schema, "tests": tests})
    return {"oracle": {"jsonschema": version("jsonschema")}, "groups": groups}


def regenerate():
    data = golden()
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(group, ensure_ascii=False, separators=(",", ":")) for group in data["groups"])
    GOLDEN.write_text('{"oracle":' + json.dumps(data["oracle"]) + ',"groups":[\n' + lines + "\n]}\n", encoding="utf-8")
    print(f"{GOLDEN.name}: {len(data['groups'])} schemas, {sum(len(group['tests']) for group in data['groups'])} values, {GOLDEN.stat().st_size} bytes")


def rows(baton, models_dir, quick):
    program = pathlib.Path(baton).parent / "tests/test_llm_json_schema"
    if not program.is_file():
        raise Unavailable(f"{program} is not built: scripts/test.sh builds it")
    run = subprocess.run([program, "--gtest_filter=JsonSchemaGolden.*"], capture_output=True, text=True, check=False)
    counts = re.search(r"compared (\d+), different (\d+)", run.stdout)
    if not counts:
        raise RuntimeError(run.stdout[-2000:])
    compared, different = map(int, counts.groups())
    what = "JSON schema: verdicts unlike jsonschema's"
    out = [row(what, different, f"of {compared}", target="0", ok=different == 0)]
    if quick:
        return out + [skipped("JSON schema: golden unlike today's jsonschema", "only without --quick")]
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))["groups"]
    changed = sum(test["valid"] != now["valid"] for group in stored
                  for test, now in zip(group["tests"], verdicts(group["schema"], [test["instance"] for test in group["tests"]])))
    return out + [row("JSON schema: golden unlike today's jsonschema", changed, f"of {compared}", target="0", ok=changed == 0)]
