"""Measures the time of a call, from the question to its end: with masks and without, and with forced text computed at once or not."""
import json
import pathlib
import statistics

from tests.bench import decision as bench_decision
from tests.bench.bfcl import servers as bfcl_servers
from tests.support.suite import model_file, row

MODEL = "qwen2.5-coder-0.5b-instruct"
QUESTIONS, QUICK_QUESTIONS = 24, 3
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS = 300  # for one answer
SERVERS = {"masks": [], "masks, --max-draft 0": ["--max-draft", "0"], "--no-constrain": ["--no-constrain"]}


def question_of(pair):
    # One call: an answer that continues as a list writes its first call twice, and could not be compared.
    return {**bench_decision.request(pair[0], ""), "parallel_tool_calls": False, "max_output_tokens": 200}


def ask(server, question):
    """(seconds, tokens, what was called)"""
    status, answer, seconds = server.ask({**question, "model": server.model}, SECONDS, "/v1/responses")
    if status != 200:
        raise RuntimeError(f"HTTP {status}: {json.dumps(answer)[:300]}")
    called = [(item["name"], item["arguments"]) for item in answer["output"] if item["type"] == "function_call"]
    return seconds, answer["usage"]["output_tokens"], called


def rows(baton, models_dir, quick):
    path = pathlib.Path(model_file(models_dir, MODEL))
    pairs = bench_decision.load(QUICK_QUESTIONS if quick else QUESTIONS)
    servers = {}
    try:
        for name, arguments in SERVERS.items():
            servers[name] = bfcl_servers.Baton(baton, path)
            servers[name].arguments = arguments
            servers[name].start()
        speed = {name: [] for name in SERVERS}  # tokens a second, of each question
        n_same = 0
        for pair in pairs:
            question, taken = question_of(pair), {name: [] for name in SERVERS}
            for name, server in servers.items():
                ask(server, question)  # its prompt is computed by then: only the answer is measured
            for _ in range(QUICK_ROUNDS if quick else ROUNDS):
                for name, server in servers.items():
                    taken[name].append(ask(server, question))
            on, all_on, off = (taken[name][0] for name in SERVERS)
            if on[1:] != all_on[1:]:
                raise RuntimeError(f"{pair[0]['id']}: another answer with drafts: {on} and without: {all_on}")
            if not on[2] or on[1:] != off[1:]:
                continue  # no call, or not the same: no time to compare
            n_same += 1
            for name, answers in taken.items():
                speed[name].append(on[1] / statistics.median(seconds for seconds, _, _ in answers))
    finally:
        for server in servers.values():
            server.stop()
    note = f"{n_same} of {len(pairs)} questions are answered with the same call, token for token"
    for name, other, target in (("masks", "--no-constrain", 1.0), ("masks", "masks, --max-draft 0", None), ("masks, --max-draft 0", "--no-constrain", None)):
        ratio = statistics.median(a / b for a, b in zip(speed[name], speed[other])) if n_same else None
        yield row(f"{name} against {other}", round(statistics.median(speed[name]), 1) if n_same else None, "tokens/s", peer=round(statistics.median(speed[other]), 1) if n_same else None,
                  ratio=ratio and round(ratio, 3), target=f"ratio >= {target:g}" if target else "stated", ok=bool(ratio) and (target is None or ratio >= target), note=note)
