"""The JSON Schema test suite, draft 2020-12: the validator, and the mask for the constraints that it claims to enforce."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from tests.check.grammar.masks import MODEL, PROGRAM, excused, opened
from tests.support import suite

VERSION = "4.26.0"  # of the package jsonschema, whose source contains the suite
SHOWN = 12


def suite_folder(quick):
    """tests/draft2020-12 of the suite, in the user's cache; fetched with pip the first time."""
    folder = suite.cache_dir() / f"jsonschema-{VERSION}"
    if not folder.is_dir():
        if quick:
            raise suite.Unavailable(f"the suite is not in {folder}: a run without --quick fetches it (2 MB)")
        with tempfile.TemporaryDirectory() as there:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "jsonschema", "-d", there, f"jsonschema=={VERSION}"]
            subprocess.run(command, check=True)
            with tarfile.open(next(pathlib.Path(there).glob("jsonschema-*.tar.gz"))) as archive:
                wanted = [one for one in archive.getmembers() if one.isfile() and one.name.startswith(f"jsonschema-{VERSION}/json/tests/draft2020-12/") and ".." not in one.name]
                archive.extractall(there, members=wanted)
            shutil.copytree(pathlib.Path(there) / f"jsonschema-{VERSION}/json/tests/draft2020-12", folder)
    return folder


def listed(names):
    counts = collections.Counter(names)
    return ", ".join(f"{name} ({n})" if n > 1 else name for name, n in counts.most_common(SHOWN)) + (", .." if len(counts) > SHOWN else "")


class Tally:
    def __init__(self, probe):
        self.probe = probe
        self.cases = self.mask_cases = self.afterwards = 0
        self.wrong, self.refused, self.changed, self.not_writable, self.writable = [], [], [], [], []
        self.unmasked = collections.Counter()

    def ask(self, question):
        self.probe.stdin.write(json.dumps(question) + "\n")
        self.probe.stdin.flush()
        return json.loads(self.probe.stdout.readline())

    def group(self, file, group):
        """One schema with its tests."""
        schema, tests = group["schema"], group["tests"]
        values = [test["data"] for test in tests]
        answer = self.ask({"schema": schema, "validate": values})
        if "error" in answer:
            self.refused += [(file, group["description"], answer["error"])] * len(tests)
            return
        for test, valid in zip(tests, answer["valid"]):
            self.cases += 1
            name = f"{file}: {group['description']}: {test['description']}"
            if valid == test["valid"]:
                continue
            (self.changed if file == "format" and not valid else self.wrong).append(name)
        self.mask(file, group, values, answer["valid"])

    def mask(self, file, group, values, verdicts):
        from jsonschema import Draft202012Validator as Draft
        schema = opened(group["schema"])
        answer = self.ask({"schema": schema, "values": values})
        if "error" in answer:
            self.not_writable.append(f"{file}: {group['description']}: {answer['error']}")
            return
        named = {one["keyword"] for one in answer["unmasked"]}
        self.unmasked.update(named)
        named |= {"then", "else"} if "if" in named else set()
        named |= {"minContains", "maxContains"} if "contains" in named else set()
        for test, valid, writable in zip(group["tests"], verdicts, answer["writable"]):
            self.mask_cases += 1
            name = f"{file}: {group['description']}: {test['description']}"
            if valid and not writable:
                self.not_writable.append(name)
            if not valid and writable:
                errors = list(Draft(schema, format_checker=Draft.FORMAT_CHECKER).iter_errors(test["data"]))
                if all(excused(error, named) for error in errors) and named:
                    self.afterwards += 1
                else:
                    self.writable.append(name)


def rows(_baton, models_dir, quick):
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        raise suite.Unavailable("jsonschema is not installed: a run without --quick installs it") from None
    if not os.access(PROGRAM, os.X_OK):
        raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
    model = suite.model_file(models_dir, MODEL)
    folder = suite_folder(quick)
    probe = subprocess.Popen([PROGRAM, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tally = Tally(probe)
    for file in sorted(folder.glob("*.json")):
        for group in json.loads(file.read_text(encoding="utf-8")):
            tally.group(file.stem, group)
    probe.stdin.close()
    probe.wait()
    for name in tally.wrong + tally.not_writable + tally.writable:
        print(name)
    reasons = collections.Counter(reason.split("JSON schema, at ", 1)[-1].split(": ", 1)[-1] for _, _, reason in tally.refused)
    yield suite.row("validator: cases judged as the suite does", tally.cases - len(tally.wrong) - len(tally.changed), f"of {tally.cases - len(tally.changed)}", target="100 %", ok=not tally.wrong and tally.cases > 900)
    yield suite.row("changed by asserting format", len(tally.changed), "", target="stated", ok=True, note=listed(name.split(": ", 1)[1] for name in tally.changed))
    yield suite.row("refused, with the keyword's name", len(tally.refused), "", target="stated", ok=True, note="by file of the suite: " + listed(file for file, _, _ in tally.refused))
    for reason, n in reasons.most_common(SHOWN):
        print(f"refused {n}: {reason}")
    yield suite.row("mask: valid values that could not be written", len(tally.not_writable), f"of {tally.mask_cases}", target="0", ok=not tally.not_writable, note=listed(tally.not_writable))
    yield suite.row("mask: values written that violate a keyword it claims", len(tally.writable), f"of {tally.mask_cases}", target="0", ok=not tally.writable, note=listed(tally.writable))
    yield suite.row("mask: violations left to the validator", tally.afterwards, "", target="stated", ok=True, note="keywords: " + ", ".join(sorted(tally.unmasked)))
