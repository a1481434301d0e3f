"""Measures whether the model calls a tool exactly when it should, by threshold of the call's confidence: pairs of our own questions, never
BFCL's."""
import hashlib
import json
import math
import pathlib
import random
import signal
import sys
import time
import urllib.error
import urllib.request

from tests.bench.bfcl import servers as bfcl_servers
from tests.bench.bfcl.judge import wilson
from tests.support import plot
from tests.support import suite
from tests.support.suite import ROOT, Unavailable, model_file, row, skipped

QUESTIONS = ROOT / "tests/data/call_decision.jsonl"
MODELS = ["qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"]
PAIRS, QUICK_PAIRS = 60, 3
QUICK_ASKING = 42  # seconds; the rest of --quick is for starting and stopping
SEED = 20261123
ANSWER_SECONDS = 600  # on a busy machine
TOKENS = 48  # whether a call is made is known long before
# A model may be certain of nearly everything, so thresholds are spaced evenly in their odds, from 1 : 100 to 10,000 : 1.
LEAST_ODDS, MOST_ODDS, STEPS = -2, 4, 20  # powers of ten, thresholds for each


def of_odds(power):
    """The probability of these odds, to two digits of the smaller side."""
    odds = 10 ** power
    smaller = min(odds, 1) / (1 + odds)
    smaller = float(f"{smaller:.2g}")
    return smaller if odds < 1 else round(1 - smaller, 8)


THRESHOLDS = [0.0] + [of_odds(LEAST_ODDS + i / STEPS) for i in range((MOST_ODDS - LEAST_ODDS) * STEPS + 1)]
SPLITS = 200
SERVE = ["--min-call-confidence=0"]  # so that every threshold can be read off


def add_options(parser):
    group = parser.add_argument_group("decision")
    group.add_argument("--pairs", type=int, default=PAIRS, help=f"number of pairs, chosen by a fixed seed (default: {PAIRS})")
    group.add_argument("--all", action="store_true", help="every pair")
    group.add_argument("--model", action="append", metavar="NAME_OR_PATH", help=f"default: {', '.join(MODELS)} (may be repeated)")
    group.add_argument("--serve", action="append", default=[], metavar="ARG", help=f"handed on to baton serve (may be repeated; default: {' '.join(SERVE)}, which lets every call through)")


# ---- questions and answers ----

def load(count=None):
    """Pairs [(should, should not)]; `count` of them by the seed, so that a greater count holds a smaller one's."""
    questions = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    pairs = list(zip(questions[::2], questions[1::2]))
    random.Random(SEED).shuffle(pairs)
    return pairs[:count]


def group(question):
    return question["id"].rsplit("-", 2)[0]


def doubles(pairs):
    """Questions that need two calls: the first two of a group that need one, asked together, of the groups whose first pair was chosen."""
    second = {group(question): question for question, _ in load() if question["id"].endswith("-2-call")}
    first = [question for question, _ in pairs if question["id"].endswith("-1-call") and group(question) in second]
    return [{**question, "id": f"{group(question)}-double", "user": f"{question['user']} {second[group(question)]['user']}"} for question in first]


def asked_name(name):
    """The API takes letters, digits, _ and -."""
    return name.replace(".", "_")


def request(question, model):
    tools = [{"type": "function", **tool["function"], "name": asked_name(tool["function"]["name"]), "strict": False} for tool in question["tools"]]
    return {"model": model, "input": question["user"], "tools": tools, "tool_choice": "auto", "parallel_tool_calls": False, "temperature": 0, "max_output_tokens": TOKENS,
            "store": False}


class Answers:
    """Raw answers, kept outside the checkout, one JSON line each, by model and by the settings that determine them."""

    def __init__(self, model, server):
        key = hashlib.sha256(json.dumps([server.settings, TOKENS], sort_keys=True).encode()).hexdigest()[:12]
        self.path = suite.cache_dir() / "decision" / model / f"{key}.jsonl"
        self.server, self.records = server, {}
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    record = json.loads(line)
                except ValueError:  # a killed run left it half written
                    continue
                self.records[record["id"], record["asked"]] = record["answer"]

    @staticmethod
    def key(question):
        return question["id"], hashlib.sha256(json.dumps(request(question, ""), sort_keys=True).encode()).hexdigest()[:12]

    def of(self, question):
        return self.records.get(self.key(question))

    def ask(self, question, timeout):
        try:
            answer = until_call(self.server, request(question, self.server.model), timeout)
        except RuntimeError as error:
            raise RuntimeError(f"{question['id']}: {error}") from None
        self.records[self.key(question)] = answer
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            if file.tell() and not self.path.read_bytes().endswith(b"\n"):
                file.write("\n")
            file.write(json.dumps({"id": self.key(question)[0], "asked": self.key(question)[1], "answer": answer}) + "\n")


def until_call(server, asked, timeout):
    """The answer up to its first call, or a whole answer without one: the text after the call decides nothing, and takes most of the
    time."""
    post = urllib.request.Request(f"{server.url}/v1/responses", json.dumps({**asked, "stream": True}).encode(), server.headers())
    name = call = None
    try:
        with urllib.request.urlopen(post, timeout=timeout) as stream:
            for line in stream:
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line[len(b"data: "):])
                name = name or event.get("response", {}).get("id")
                if call is None and event["type"] in ("response.output_item.added", "response.output_item.done") and event["item"]["type"] == "function_call":
                    call = event["item"]
                    server.ask({}, timeout, f"/v1/responses/{name}/cancel")
                elif event["type"] in ("error", "response.failed"):
                    raise RuntimeError(line.decode())
                elif event["type"] in ("response.completed", "response.incomplete"):
                    return {"output": [call]} if call else {"output": event["response"]["output"]}
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"HTTP {error.code}: {error.read().decode(errors='replace')}") from None
    raise RuntimeError("the stream ended before the answer did")


def first_call(answer):
    """(name, confidence) of the first call, or None."""
    for item in answer["output"]:
        if item["type"] == "function_call":
            return item["name"], item.get("baton.confidence", 1.0)
    return None


# ---- thresholds ----

def rates(scores, threshold):
    """Share of the scores that reach the threshold; None means no call."""
    return sum(score is not None and score >= threshold for score in scores) / len(scores)


def balanced(should, should_not, threshold):
    return (rates(should, threshold) + 1 - rates(should_not, threshold)) / 2


def best_threshold(should, should_not):
    """The middle of the widest run of best thresholds: a threshold at its edge is luck of the sample."""
    accuracy = [balanced(should, should_not, t) for t in THRESHOLDS]
    top = max(accuracy) - 1e-9
    runs, begin = [], None
    for i, value in enumerate(accuracy + [-1]):
        if value >= top and begin is None:
            begin = i
        elif value < top and begin is not None:
            runs.append((i - begin, begin))
            begin = None
    length, begin = max(runs)
    return THRESHOLDS[begin + (length - 1) // 2]


def held_out(pairs):
    """Mean balanced accuracy on one half of the pairs of the threshold that is best on the other; None for too few. pairs: [(score, score)]"""
    if len(pairs) < 4:
        return None
    dice, total = random.Random(SEED), 0.0
    for _ in range(SPLITS):
        dice.shuffle(pairs := list(pairs))
        half = len(pairs) // 2
        chosen = best_threshold(*zip(*pairs[:half]))
        total += balanced(*zip(*pairs[half:]), chosen)
    return total / SPLITS


# ---- the part ----

def summary(model, about, pairs, answers):
    """The data of the tables and the picture."""
    answered = [pair for pair in pairs if all(answers.of(question) for question in pair)]
    twice = [call and call[1] for call in (first_call(answers.of(question)) for question in doubles(answered) if answers.of(question))]
    calls = [[first_call(answers.of(question)) for question in pair] for pair in answered]
    should, should_not = ([call and call[1] for call in column] for column in zip(*calls))
    made = [(asked_name(question["tool"]), call[0]) for (question, _), (call, _) in zip(answered, calls) if call]
    best = best_threshold(should, should_not)
    wrong = [(question, call) for pair, found in zip(answered, calls) for question, call in zip(pair, found) if question["should_call"] != bool(call and call[1] >= best)]
    return {"model": model, "about": about, "pairs": len(answered), "should": should, "should_not": should_not, "doubles": twice, "best": best, "held_out": held_out(list(zip(should, should_not))),
            "right_tool": [sum(wanted == got for wanted, got in made), len(made)],
            "wrong": [{"id": question["id"], "user": question["user"], "confidence": call and call[1], "called": call and call[0]} for question, call in wrong]}


def rows_of(found):
    should, should_not, best = found["should"], found["should_not"], found["best"]
    for what, threshold in (("every call", 0.0), ("threshold 0.5", 0.5), (f"best threshold {best:g}", best)):
        entry = row(f"{found['model']}: {what}", round(balanced(should, should_not, threshold), 3), "balanced accuracy", target="no error of the server", ok=True,
                    note=f"{found['pairs']} pairs; called {100 * rates(should, threshold):.0f} % where it should, {100 * rates(should_not, threshold):.0f} % where it should not"
                    + (f"; {100 * rates(found['doubles'], threshold):.0f} % of {len(found['doubles'])} questions that need two calls" if found["doubles"] else ""))
        if threshold == best and what.startswith("best"):
            entry["decision"] = found
        yield entry


def model_rows(baton, models_dir, model, pairs, arguments, until):
    path = pathlib.Path(model) if pathlib.Path(model).is_file() else model_file(models_dir, model)
    server = bfcl_servers.Baton(baton, path)
    server.arguments = server.arguments + arguments
    server.settings = {**server.settings, "arguments": server.arguments}
    server.about += f", serve {' '.join(arguments)}" if arguments else ""
    answers = Answers(path.stem, server)
    wanted = [question for pair in pairs for question in pair] + doubles(pairs)
    missing = [question for question in wanted if not answers.of(question)]
    if not until:
        missing.sort(key=group)  # so that their tools are computed once
    print(f"{path.stem}: {len(missing)} of {len(wanted)} questions to ask; answers: {answers.path}", file=sys.stderr, flush=True)
    try:
        if missing:
            server.start()
        for done, question in enumerate(missing):
            if done % 50 == 49:
                print(f"{path.stem}: {done + 1} of {len(missing)}", file=sys.stderr, flush=True)
            left = until - time.monotonic() if until else ANSWER_SECONDS
            if left <= 0:
                break
            answers.ask(question, left)
    except TimeoutError:
        if not until:
            raise Unavailable(f"{path.stem}: no answer within {ANSWER_SECONDS} s") from None
    finally:
        server.stop()
    if not any(all(answers.of(question) for question in pair) for pair in pairs):
        raise Unavailable(f"{path.stem}: no time was left before a pair was answered")
    yield from rows_of(summary(path.stem, server.about, pairs, answers))


def rows(baton, models_dir, quick, options):
    until = time.monotonic() + QUICK_ASKING if quick else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    pairs = load(QUICK_PAIRS if quick else None if options.all else options.pairs)
    for model in options.model or MODELS:
        try:
            yield from model_rows(baton, models_dir, model, pairs, options.serve or SERVE, until)
        except Unavailable as reason:
            yield skipped(f"decision {model}", str(reason))


# ---- the record ----

def of_rows(found):
    return [entry["decision"] for entry in found if "decision" in entry]


def place(threshold):
    """The place of a threshold on the axis of the odds, 0 to 1."""
    return min(max((math.log10(threshold / (1 - threshold)) - LEAST_ODDS) / (MOST_ODDS - LEAST_ODDS), 0), 1) if threshold > 0 else 0


TICKS = [(place(t), f"{t:g}") for t in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)]


def picture(found):
    panels = []
    for result in of_rows(found):
        should, should_not = result["should"], result["should_not"]
        panels.append([
            {"title": f"{result['model']}, {result['pairs']} pairs", "x": "threshold", "y": "share", "ticks": TICKS, "marks": [place(result["best"])], "lines": [
                ("called where it should", "#2a8a4a", [(place(t), rates(should, t)) for t in THRESHOLDS]), ("called where it should not", "#c07020", [(place(t), rates(should_not, t)) for t in THRESHOLDS]),
                *([("called where two calls are needed", "#7a5aa0", [(place(t), rates(result["doubles"], t)) for t in THRESHOLDS])] if result["doubles"] else []),
                ("balanced accuracy", "#3b6ea5", [(place(t), balanced(should, should_not, t)) for t in THRESHOLDS])]},
            {"title": "each threshold", "x": "called where it should not", "y": "called where it should", "diagonal": True, "lines": [
                ("", "#3b6ea5", [(rates(should_not, t), rates(should, t)) for t in THRESHOLDS] + [(0, 0)])]}])
    return plot.line_panels("The decision to call", panels)


def tables(found):
    lines = ["", "![Call rates and balanced accuracy by threshold](decision.svg)"]
    for result in of_rows(found):
        should, should_not, twice = result["should"], result["should_not"], result["doubles"]
        columns = {"called where it should": should, "called where it should not": should_not} | ({"called where two calls are needed": twice} if twice else {})
        lines += ["", f"## {result['model']}", "", f"{result['about']}. {len(should)} pairs" + (f", {len(twice)} questions that need two calls" if twice else "") + "; Wilson intervals (95 %).", "",
                  "| threshold | " + " | ".join(columns) + " | balanced accuracy |", "| --- " * (2 + len(columns)) + "|"]
        for threshold in sorted({0.0, 0.1, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, result["best"]}):
            cells = []
            for scores in columns.values():
                low, high = wilson(round(rates(scores, threshold) * len(scores)), len(scores))
                cells.append(f"{100 * rates(scores, threshold):.0f} % ({100 * low:.0f} to {100 * high:.0f})")
            mark = " (best)" if threshold == result["best"] else ""
            lines.append(f"| {threshold:g}{mark} | {' | '.join(cells)} | {balanced(should, should_not, threshold):.3f} |")
        right, made = result["right_tool"]
        lines += ["", f"Of {made} calls that should be made, {right} named the right tool."]
        if result["held_out"] is not None:
            lines[-1] += f" A threshold chosen on one half of the pairs has a balanced accuracy of {result['held_out']:.3f} on the other (mean of {SPLITS} splits)."
        lines += ["", "Wrong at the best threshold:", ""]
        for entry in result["wrong"]:
            did = f"called {entry['called']} ({entry['confidence']:.3f})" if entry["called"] else "called nothing"
            lines.append(f"- {entry['id']}: {entry['user']} -- {did}")
    return "\n".join(lines) + "\n"
