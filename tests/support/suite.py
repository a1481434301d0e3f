"""Shared by scripts/check.sh and scripts/bench.sh: options, rows, the table, the JSON line, the exit status.

A part of a suite is a module below tests/check or tests/bench, named by its path ("oracle.rope"), with a docstring and
    rows(baton, models_dir, quick) -> row(...)s    optional: a list, or a generator: then the rows that it gave before --quick ran out of time
                                                   count. baton: path of the program; models_dir: folder of the *.gguf files
    add_options(parser)                            optional: options of its own; then rows takes the parsed ones as a fourth argument
    regenerate()                                   optional: writes this part's goldens with the oracles' versions
`quick` means: a few seconds, against committed goldens, standard library only. Raise Unavailable(reason) when a part cannot run here.
"""
import argparse
import datetime
import importlib
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK_SECONDS = 50
NOTHING_RAN = 77


class Unavailable(Exception):
    """A part, or a row of it, that cannot run on this machine; the text gives the reason and a remedy."""


class OutOfTime(BaseException):
    """The time of --quick is over. Not an Exception, so that no part handles it as a failure of its own."""


def row(what, value=None, unit="", *, peer=None, ratio=None, target=None, ok=None, note=""):
    """One line of a suite. ok: True, False, or None for skipped, and then note says why. target: the bound as text, such as "<= 1.1"."""
    return {"what": what, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "target": target, "ok": ok, "note": note}


def skipped(what, why):
    return row(what, note=why)


def cache_dir():
    """The user's cache folder of Baton, with models and the oracles' environment."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "baton"


def model_file(models_dir, name):
    """The file of a catalogue model; Unavailable if it is missing."""
    path = pathlib.Path(models_dir) / f"{name}.gguf"
    if not path.is_file():
        raise Unavailable(f"{path.name} is not in {models_dir}: baton pull {name}")
    return path


def cpu():
    name = platform.machine()
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores"


def commit():
    """The commit of the checkout, with a + when its tracked files differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


def module_name(script, part):
    return f"tests.{script}.{part}"


def source_file(script, part):
    return ROOT / (module_name(script, part).replace(".", "/") + ".py")


def run_part(script, name, options, models_dir, seconds_left):
    """The rows of one part; an error becomes a row: skipped if the part could not run, failed if it broke."""
    def out_of_time(_signal, _frame):
        raise OutOfTime
    found = []
    quick = options.quick
    if quick:
        if seconds_left < 1:
            return [skipped(name, f"the {QUICK_SECONDS} s of --quick were over")]
        signal.signal(signal.SIGALRM, out_of_time)
        signal.alarm(int(seconds_left))
    try:
        module = importlib.import_module(module_name(script, name))
        if not hasattr(module, "rows"):
            return [skipped(name, "has goldens only, which scripts/test.sh compares with")]
        own_options = [options] if hasattr(module, "add_options") else []
        for entry in module.rows(str(options.baton), str(models_dir), quick, *own_options):
            found.append(entry)
    except OutOfTime:
        found.append(skipped(name, f"not done within the {QUICK_SECONDS} s of --quick"))
    except Unavailable as reason:
        found.append(skipped(name, str(reason)))
    except ImportError as error:
        found.append(skipped(name, f"{error}: it is installed by a run without --quick"))
    except Exception as error:  # the other parts still run, and this one counts as failed
        traceback.print_exc()
        found.append(row(name, ok=False, note=f"{type(error).__name__}: {error}"))
    finally:
        signal.alarm(0)
    return found


def shown(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


VERDICT = {True: "ok", False: "MISSED", None: "skipped"}


def cells(entry):
    value = " ".join(filter(None, [shown(entry["value"]), entry["unit"]])) if entry["value"] is not None else ""
    return [entry["what"], value, shown(entry["peer"]), shown(entry["ratio"]), shown(entry["target"]), VERDICT[entry["ok"]], entry["note"] or ""]


HEAD = ["what", "value", "peer", "ratio", "target", "", "note"]


def print_table(rows):
    table = [HEAD] + [cells(entry) for entry in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD) - 1)]
    for line in table:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)) + "  " + line[-1])


def markdown(suite, script, rows, about, table=True, name=""):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    lines = [f"# {name or suite}", "", f"Written by `scripts/{script}.sh {suite} --record{name and ' ' + name}`: {now}, {cpu()}, commit {commit()}.", ""]
    lines += [about, ""] if about else []
    if not table:
        return "\n".join(lines[:-1]) + "\n"
    lines += ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(entry)) + " |" for entry in rows]
    return "\n".join(lines) + "\n"


def main(script, suites, prepare=None, record_more=None):
    """script: check or bench. suites: {name: {"about": text, "parts": [names]}}, and needs_baton where False, and environment where it is not
    "oracles" (python_environment.py; None: none), options: True where its parts have options of their own, folder: True where it is followed by a folder, their options.folder, instead of parts, table: False where record_more writes its table. prepare(environment, quick): may replace this process by one in that environment. record_more(suite, rows, folder) -> markdown lines to add, such as a picture."""
    parser = argparse.ArgumentParser(prog=f"scripts/{script}.sh", description="Suites: " + ", ".join(suites))
    parser.add_argument("suite", nargs="?")
    parser.add_argument("parts", nargs="*", help="only these parts of the suite (see --list)")
    parser.add_argument("--list", action="store_true", help="list the parts of the suite")
    parser.add_argument("--quick", action="store_true", help=f"at most {QUICK_SECONDS} s, models that are there, the program that is built")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--record", nargs="?", const="", metavar="NAME", help="write the table to docs/measured/NAME.md (default: the suite's name); must be the last option, or come before another one")
    parser.add_argument("--baton", default=str(ROOT / "build/release/baton"), help="the program (default: build/release/baton)")
    if script == "check":
        parser.add_argument("--regenerate", action="store_true", help="write the goldens under tests/golden anew")
    for name in suites:
        if name in sys.argv[1:] and suites[name].get("options"):
            for part in suites[name]["parts"]:
                importlib.import_module(module_name(script, part)).add_options(parser)
    options = parser.parse_args()
    if options.list or not options.suite:
        return list_suites(script, suites, options.suite)
    if options.suite not in suites:
        parser.error(f"no suite {options.suite}: " + ", ".join(suites))
    options.folder = None
    if suites[options.suite].get("folder"):
        options.folder, options.parts = (options.parts or [None])[0], []
    known = [part for part in suites[options.suite]["parts"] if source_file(script, part).is_file()]
    parts = [part for part in known if not options.parts or short(part) in options.parts]
    if not parts:
        parser.error(f"no such part: {', '.join(short(part) for part in known)}")
    environment = suites[options.suite].get("environment", "oracles")
    if prepare and environment:
        prepare(environment, options.quick)
    if getattr(options, "regenerate", False):
        return regenerate(script, parts)
    if suites[options.suite].get("needs_baton", True) and not os.access(options.baton, os.X_OK):
        return finish(options, script, suites, [skipped(options.suite, f"{options.baton} is not built: scripts/quickstart.sh builds it")], record_more)
    start = time.monotonic()
    rows = []
    for name in parts:
        began = time.monotonic()
        rows += run_part(script, name, options, cache_dir() / "models", QUICK_SECONDS - 2 - (began - start))
        print(f"{short(name)}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return finish(options, script, suites, rows, record_more)


def short(part):
    return part.rpartition(".")[2]


def list_suites(script, suites, only):
    for name, suite in suites.items():
        if only in (None, name):
            print(f"{name}: {suite['about']}")
            for part in suite["parts"]:
                path = source_file(script, part)
                if path.is_file():
                    print(f"  {short(part):20} {path.read_text(encoding='utf-8').split(chr(10), 1)[0].strip(chr(34))}")
    return 0 if only in (None, *suites) else 2


def regenerate(script, parts):
    for name in parts:
        module = importlib.import_module(module_name(script, name))
        if hasattr(module, "regenerate"):
            print(f"== {short(name)}", flush=True)
            module.regenerate()
    return 0


def finish(options, script, suites, rows, record_more):
    print_table(rows)
    counts = {key: sum(entry["ok"] is verdict for entry in rows) for key, verdict in (("passed", True), ("failed", False), ("skipped", None))}
    if options.record is not None and counts["passed"] + counts["failed"]:
        folder = ROOT / "docs/measured"
        folder.mkdir(parents=True, exist_ok=True)
        text = markdown(options.suite, script, rows, suites[options.suite]["about"], suites[options.suite].get("table", True), options.record)
        if record_more:
            text += record_more(options.suite, rows, folder)
        name = f"{options.record or options.suite}.md"
        (folder / name).write_text(text, encoding="utf-8")
        print(f"written: docs/measured/{name}")
    if options.json:
        print(json.dumps({"suite": options.suite, "cpu": cpu(), "commit": commit(), "rows": rows, **counts}, allow_nan=False))
    else:
        print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    if counts["failed"]:
        return 1
    return 0 if counts["passed"] else NOTHING_RAN
