"""BFCL, judged by its own checker: tool calls of Baton, of Baton without its constraint, of llama-cpp-python with the same weights, or of any URL."""
import argparse
import collections
import pathlib
import random
import signal
import statistics
import sys
import time

from tests.bench.bfcl import answers as bfcl_answers
from tests.bench.bfcl import cases as bfcl_cases
from tests.bench.bfcl import judge as bfcl_judge
from tests.bench.bfcl import servers as bfcl_servers
from tests.support import plot
from tests.support.suite import Unavailable, model_file, row, skipped

MODELS = ["qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"]
SERVERS = ["baton", "unconstrained", "peer"]
CASES, QUICK_CASES = 50, 2
QUICK_ASKING = 42  # seconds; the rest of --quick is for stopping and judging
LENIENT = ", read leniently"


def add_options(parser):
    group = parser.add_argument_group("bfcl")
    group.add_argument("--n", type=int, default=CASES, help=f"cases of each category, chosen by a fixed seed (default: {CASES})")
    group.add_argument("--all", action="store_true", help="all cases, about 3,500")
    group.add_argument("--category", action="append", choices=bfcl_cases.CATEGORIES, metavar="NAME", help="only this category (may be repeated)")
    group.add_argument("--model", action="append", metavar="NAME_OR_PATH", help=f"default: {', '.join(MODELS)} (may be repeated)")
    group.add_argument("--url", help="ask this OpenAI-compatible server and start none; OPENAI_API_KEY is sent where it is set")
    group.add_argument("--servers", default=",".join(SERVERS), help=f"which to start (default: {','.join(SERVERS)})")
    group.add_argument("--kept", action="store_true", help="do not ask: judge the answers of these servers that earlier runs have kept")
    group.add_argument("--lenient", action=argparse.BooleanOptionalAction, default=None,
                       help="a second row for each server, with calls that are in the text as JSON (default: where a peer is compared)")
    group.add_argument("--failures", type=int, default=0, metavar="N", help="print N failures of each server to read, chosen by the seed")


def servers_of(options, baton, model, path):
    """(servers, rows for those that are not there)"""
    if options.url:
        return [bfcl_servers.Url(options.url, model)], []
    make = {"baton": lambda: bfcl_servers.Baton(baton, path), "unconstrained": lambda: bfcl_servers.Baton(baton, path, constrained=False),
            "peer": lambda: bfcl_servers.Peer(path)}
    found, missing = [], []
    for key in options.servers.split(","):
        if key not in make:
            raise Unavailable(f"--servers {key}: there are {', '.join(make)}")
        try:
            found.append(make[key]())
        except Unavailable as reason:
            missing.append(skipped(f"{model} {key}", str(reason)))
    return found, missing


def started(kept, cases):
    """Starts the servers that have cases left; (those that can be used, rows for the others)."""
    good, missing = [], []
    for answers in kept:
        try:
            if answers.missing(cases):
                answers.server.start()
            good.append(answers)
        except Unavailable as reason:
            answers.server.stop()
            missing.append(skipped(f"{answers.model} {answers.server.title}", str(reason)))
    return good, missing


def result_row(model, server, category, lenient, judged, peer_share):
    """judged: [(record, kind, detail)]"""
    n, right = len(judged), sum(kind is None for _, kind, _ in judged)
    low, high = bfcl_judge.wilson(right, n)
    usage = [record["answer"].get("usage") or {} for record, _, _ in judged if record["status"] == 200]
    tokens = {key: round(statistics.mean(entry.get(f"{key}_tokens") or 0 for entry in usage)) if usage else 0 for key in ("prompt", "completion")}
    seconds = statistics.median([record["seconds"] for record, _, _ in judged if record["status"] == 200] or [0])
    failures = collections.Counter(kind for _, kind, _ in judged if kind)
    title = server.title + (LENIENT if lenient else "")
    errors = failures[bfcl_judge.SERVER]
    # BFCL counts an irrelevance case as right if no call can be read, so a call that never ended passes: these are counted and shown beside
    # the share.
    by_accident = sum(kind is None and bfcl_judge.was_cut_off(record) for record, kind, _ in judged) if "irrelevance" in category else 0
    entry = row(f"{category} {model}: {title}", round(100 * right / n, 1), "%", peer=peer_share, target="no error of the server", ok=errors == 0 or server.key == "peer",
                note=f"n {n}, {100 * low:.0f} to {100 * high:.0f} %; {seconds:.2f} s, {tokens['prompt']} + {tokens['completion']} tokens a case" + (f"; {errors} errors of the server" if errors else "")
                + (f"; {by_accident} right, but cut off" if by_accident else ""))
    entry["bfcl"] = {"model": model, "server": server.key, "title": title, "about": server.about, "lenient": lenient, "category": category, "n": n, "right": right,
                     "low": round(low, 4), "high": round(high, 4), "seconds": round(seconds, 3), "prompt_tokens": tokens["prompt"],
                     "completion_tokens": tokens["completion"], "failures": dict(failures), "right_but_cut_off": by_accident}
    return entry


def judged_rows(model, kept, groups, readings, show):
    """One row for each server, reading and category that has answers."""
    check = bfcl_judge.checker()
    results = {}
    for answers in kept:
        for lenient in readings:
            for category, cases in groups.items():
                results[answers.server.key, lenient, category] = [
                    (record, *bfcl_judge.verdict(case, record, lenient, check)) for case in cases if (record := answers.of(case))]
    found = []
    for answers in kept:
        for lenient in readings:
            for category in groups:
                judged = results[answers.server.key, lenient, category]
                if not judged:
                    continue
                beside = results.get(("peer", lenient, category)) if answers.server.key in ("baton", "unconstrained") else None
                peer_share = round(100 * sum(kind is None for _, kind, _ in beside) / len(beside), 1) if beside else None
                found.append(result_row(model, answers.server, category, lenient, judged, peer_share))
        if show:
            show_failures(model, answers.server, groups, {category: results[answers.server.key, readings[0], category] for category in groups}, show)
    return found


def show_failures(model, server, groups, judged, count):
    by_id = {case["id"]: case for cases in groups.values() for case in cases}
    failed = [(by_id[record["id"]], record, kind, detail) for entries in judged.values() for record, kind, detail in entries if kind]
    random.Random(bfcl_cases.SEED).shuffle(failed)
    for case, record, kind, detail in failed[:count]:
        message = bfcl_judge.message_of(record["answer"])
        print(f"\n== {model}, {server.title}: {case['id']}: {kind}")
        print("asked:    " + " | ".join(str(entry["content"]) for entry in case["messages"]))
        print("tools:    " + ", ".join(function["name"] for function in case["functions"]))
        print(f"expected: {case['expected'] or ('no call' if 'irrelevance' in case['category'] else 'a call')}")
        print(f"calls:    {bfcl_judge.native_calls(record['answer']) if record['status'] == 200 else record['answer']}")
        print(f"text:     {message.get('content')!r}")
        print(f"verdict:  {detail}")


def model_rows(baton, models_dir, model, quick, options, until):
    path = None
    if not options.url:
        path = pathlib.Path(model) if pathlib.Path(model).is_file() else model_file(models_dir, model)
        model = path.stem
    servers, missing = servers_of(options, baton, model, path)
    yield from missing
    if options.url:
        model = servers[0].model
    count = None if options.all else QUICK_CASES if quick else options.n
    groups = {category: bfcl_cases.load(category, count) for category in options.category or bfcl_cases.CATEGORIES}
    cases = [case for group in groups.values() for case in group]
    kept = [bfcl_answers.Answers(model.replace("/", "_"), server) for server in servers]
    if not options.kept:
        try:
            kept, missing = started(kept, cases)
            yield from missing
            for title, why in bfcl_answers.ask_all(kept, cases, until).items():
                yield skipped(f"{model} {title}", why)
        finally:
            for server in servers:
                server.stop()
    lenient = options.lenient if options.lenient is not None else any(answers.server.key == "peer" for answers in kept)
    yield from judged_rows(model, kept, groups, [False, True] if lenient else [False], options.failures)
    for answers in kept:
        bfcl_answers.say(f"raw answers of {answers.server.title}: {answers.path}")


def rows(baton, models_dir, quick, options):
    until = time.monotonic() + QUICK_ASKING if quick else None
    if quick and not options.url:
        options.servers = "baton"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end with us
    bfcl_cases.data_folder()  # a missing bfcl-eval is reported before a server starts
    for model in options.model or ([""] if options.url else MODELS[:1] if quick else MODELS):
        try:
            yield from model_rows(baton, models_dir, model, quick, options, until)
        except Unavailable as reason:
            yield skipped(f"bfcl {model}".strip(), str(reason))


COLOURS = {"Baton": "#2a8a4a", "Baton, --no-constrain": "#8fc7a0", "llama-cpp-python": "#3b6ea5", f"llama-cpp-python{LENIENT}": "#c07020"}


def picture(found):
    """Bars by category, a picture below the other for each model."""
    results = [entry["bfcl"] for entry in found if "bfcl" in entry]
    parts = []
    for model in dict.fromkeys(result["model"] for result in results):
        mine = {(result["title"], result["category"]): result for result in results if result["model"] == model}
        columns = [(title, colour) for title, colour in COLOURS.items() if any(key[0] == title for key in mine)]
        groups = []
        for category in dict.fromkeys(category for _, category in mine):
            cells = [mine.get((title, category)) for title, _ in columns]
            groups.append((category, [(100 * cell["right"] / cell["n"], 100 * cell["low"], 100 * cell["high"]) if cell else None for cell in cells]))
        parts.append(plot.grouped_bars(model, groups, columns, "share that BFCL's checker calls right, and its 95 % interval"))
    return plot.stacked(parts)


def tables(found):
    """Markdown: for each model a table by category and one of the failures by kind."""
    results = [entry["bfcl"] for entry in found if "bfcl" in entry]
    lines = ["", "![Shares by category](bfcl.svg)"]
    for model in dict.fromkeys(result["model"] for result in results):
        mine = [result for result in results if result["model"] == model]
        columns = list(dict.fromkeys(result["title"] for result in mine))
        about = dict.fromkeys(f"{result['title']} ({result['about']})" for result in mine if not result["lenient"] and result["about"] not in result["title"])
        lines += ["", f"## {model}", "", "; ".join(about) + ("" if not about else ". ") + "Right of n, its Wilson interval (95 %), median seconds and mean tokens (prompt + answer) a case.", ""]
        lines += ["| category | n | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 2)]
        for category in dict.fromkeys(result["category"] for result in mine):
            cells = {result["title"]: result for result in mine if result["category"] == category}
            most = max(result["n"] for result in cells.values())
            lines.append(f"| {category} | {most} | " + " | ".join(cell(cells.get(title), most) for title in columns) + " |")
        lines += ["", "Failures by kind:", "", "| kind | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
        for kind in bfcl_judge.KINDS:
            counts = [sum(result["failures"].get(kind, 0) for result in mine if result["title"] == title) for title in columns]
            if any(counts):
                lines.append(f"| {kind} | " + " | ".join(map(str, counts)) + " |")
        accidents = [sum(result["right_but_cut_off"] for result in mine if result["title"] == title) for title in columns]
        if any(accidents):
            lines.append("| no failure by BFCL's rule: irrelevance, answer cut off | " + " | ".join(map(str, accidents)) + " |")
    return "\n".join(lines) + "\n"


def cell(result, most):
    """most: the row's n; fewer cases are reported."""
    if not result:
        return ""
    fewer = f"of the first {result['n']}: " if result["n"] < most else ""
    share = f"{fewer}{100 * result['right'] / result['n']:.0f} % ({100 * result['low']:.0f} to {100 * result['high']:.0f})"
    return f"{share}; {result['seconds']:.1f} s; {result['prompt_tokens']} + {result['completion_tokens']}"
