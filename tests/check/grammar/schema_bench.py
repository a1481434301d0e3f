"""JSONSchemaBench and its MaskBench: real schemas, with valid and invalid instances. DIR is a copy of guidance-ai/jsonschemabench."""
import collections
import json
import os
import pathlib
import random

from tests.check.grammar.masks import MODEL, excused, opened
from tests.check.grammar.schema_probe import PROGRAM, Probe
from tests.support import suite

FORMATS = {"date", "time", "date-time", "duration", "uuid", "email", "ipv4", "ipv6", "uri", "hostname"}  # checked: docs/json_schema.md
KEYWORDS = {"$ref", "type", "properties", "additionalProperties", "patternProperties", "items", "allOf", "anyOf", "oneOf", "not", "enum", "const", "pattern", "format", "required", "description", "title"}
QUICK_SCHEMAS = 400
SHOWN = 15


def add_options(parser):
    parser.add_argument("--limit", type=int, default=0, help="schema-bench: only this many schemas, drawn at random")


def read(path):
    """The document; None if Python cannot read it as JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None


def without_points(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [without_points(one) for one in value]
    return {name: without_points(one) for name, one in value.items()} if isinstance(value, dict) else value


def opened_everywhere(schema):
    """As opened(), in groups of definitions, too: {"definitions": {"group": {"name": {..}}}}."""
    schema = opened(schema)
    for key in ("definitions", "$defs"):
        groups = schema.get(key) if isinstance(schema, dict) else None
        for name, inner in (groups if isinstance(groups, dict) else {}).items():
            if isinstance(inner, dict) and not KEYWORDS & set(inner):
                groups[name] = {one: opened_everywhere(value) for one, value in inner.items()}
    return schema


class Tally:
    def __init__(self, probe, validators):
        self.probe, self.validators = probe, validators
        self.verdicts = self.valid = self.invalid = self.no_mask = self.afterwards = 0
        self.refused, self.wrong, self.formats, self.not_writable, self.writable = [], [], [], [], []
        self.unmasked = collections.Counter()

    def errors(self, schema, value):
        kind = self.validators.validator_for(schema, default=self.validators.Draft202012Validator)
        return list(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(value))

    def unchecked_format(self, error):
        """A format that is only an annotation here, or alternatives that fail because of one."""
        if error.validator == "format":
            return error.validator_value not in FORMATS
        return any(self.unchecked_format(inner) for inner in error.context or [])

    def schema(self, name, document):
        schema, tests = document["schema"], document["tests"]
        values = [test["data"] for test in tests]
        answer = self.probe.ask({"schema": schema, "validate": values})
        if "error" in answer:
            self.refused.append((name, answer["error"]))
            return
        for test, valid in zip(tests, answer["valid"]):
            self.verdicts += 1
            if valid == test["valid"]:
                continue
            by_format = valid and all(self.unchecked_format(error) for error in self.errors(schema, test["data"]))
            (self.formats if by_format else self.wrong).append(f"{name}: {test['description']}: judged {valid}")
        self.mask(name, schema, values, answer["valid"])

    def mask(self, name, schema, values, verdicts):
        schema = opened_everywhere(schema)
        answer = self.probe.ask({"schema": schema, "values": values})
        if "error" in answer:  # then any object may be written, and is checked
            self.no_mask += 1
            return
        named = {one["keyword"] for one in answer["unmasked"]}
        self.unmasked.update(named)
        named |= {"then", "else"} if "if" in named else set()
        named |= {"dependencies"} if {"dependentRequired", "dependentSchemas"} & named else set()
        named |= {"minContains", "maxContains"} if "contains" in named else set()
        for value, valid, writable in zip(values, verdicts, answer["writable"]):
            self.valid += valid
            self.invalid += not valid
            if valid and not writable:
                self.not_writable.append(f"{name}: {json.dumps(value)[:200]}")
            if not valid and writable:
                self.afterwards += 1
                # In draft 4, 1.0 is not an integer; it is written as 1.
                if not all(excused(error, named) for error in self.errors(schema, without_points(value))):
                    self.writable.append(f"{name}: {json.dumps(value)[:200]}")


def share(n, of):
    return f"{100 * n / max(of, 1):.2f} %"


def rows(_baton, models_dir, quick, options):
    try:
        from jsonschema import validators
    except ImportError:
        raise suite.Unavailable("jsonschema is not installed: a run without --quick installs it") from None
    if not os.access(PROGRAM, os.X_OK):
        raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
    if not options.folder:
        raise suite.Unavailable("it needs a copy of guidance-ai/jsonschemabench: scripts/check.sh schema-bench DIR")
    folder = pathlib.Path(options.folder)
    with_tests = sorted(folder.glob("maskbench/data/*.json")) or sorted(path for path in folder.glob("*.json"))
    alone = sorted(folder.glob("data/*/*.json"))
    if not with_tests and not alone:
        raise suite.Unavailable(f"{folder} holds neither maskbench/data/*.json nor data/*/*.json")
    limit = options.limit or (QUICK_SCHEMAS if quick else 0)
    if limit:
        rng = random.Random(8)
        with_tests, alone = [sorted(rng.sample(paths, min(limit, len(paths)))) for paths in (with_tests, alone)]
    probe = Probe(suite.model_file(models_dir, MODEL))

    refused = collections.Counter()
    n_alone = 0
    for path in alone:
        schema = read(path)
        if not isinstance(schema, (dict, bool)):
            continue
        n_alone += 1
        answer = probe.ask({"schema": schema, "validate": []})
        if "error" in answer:
            refused[answer["error"].split("JSON schema, at ", 1)[-1].split(": ", 1)[-1]] += 1
    for reason, n in refused.most_common(SHOWN):
        print(f"refused {n}: {reason[:200]}")
    if n_alone:
        n = sum(refused.values())
        yield suite.row("JSONSchemaBench: schemas refused", share(n, n_alone), f"({n} of {n_alone})", target="<= 1 %", ok=n <= 0.01 * n_alone)

    tally, n_schemas = Tally(probe, validators), 0
    for path in with_tests:
        document = read(path)
        if not isinstance(document, dict) or "tests" not in document:
            continue
        n_schemas += 1
        tally.schema(path.stem, document)
    probe.close()
    for title, names in (("verdict", tally.wrong), ("not writable", tally.not_writable), ("writable", tally.writable), ("refused", [f"{name}: {why}" for name, why in tally.refused])):
        for name in names[:SHOWN]:
            print(f"{title}: {name}")
    if not n_schemas:
        return
    n = len(tally.refused)
    yield suite.row("MaskBench: schemas refused", share(n, n_schemas), f"({n} of {n_schemas})", target="<= 1 %", ok=n <= 0.01 * n_schemas)
    right = tally.verdicts - len(tally.wrong) - len(tally.formats)
    yield suite.row("MaskBench: verdicts", right, f"of {tally.verdicts - len(tally.formats)}", target="100 %", ok=not tally.wrong)
    yield suite.row("MaskBench: of formats that are annotations here", len(tally.formats), "", target="stated", ok=True, note="`baton tools check` says so of each")
    yield suite.row("MaskBench: valid instances that could not be written", len(tally.not_writable), f"of {tally.valid}", target="0", ok=not tally.not_writable and tally.valid > 0, note=f"{tally.no_mask} schemas without a mask")
    yield suite.row("MaskBench: invalid instances writable where no keyword is named", len(tally.writable), f"of {tally.invalid}", target="0", ok=not tally.writable and tally.invalid > 0)
    yield suite.row("MaskBench: invalid instances left to the validator", tally.afterwards, f"of {tally.invalid}", target="stated", ok=True, note="keywords: " + ", ".join(sorted(tally.unmasked)))
