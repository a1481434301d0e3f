"""scripts/bench.sh: measures Baton and its peers."""
import importlib
import sys

from tests.support import plot
from tests.support import python_environment
from tests.support import suite

SUITES = {
    "engine": {
        "about": "One sequence: prefill, decode, ready time and memory, beside llama.cpp (llama-cpp-python, `llama_decode`, flash "
                 "attention at its better setting) on the same file with the same threads. Runs are interleaved, and medians are given. "
                 "A ratio above 1 is faster than the peer.",
        "parts": ["engine"],
    },
    "journal": {
        "about": "Commits of the journal per second. The peer writes the same bytes over a plain file on the same disk, with an "
                 "fdatasync where the journal has one. Rounds are interleaved; medians are given, and the ratio round by round. 1 is "
                 "the fastest that the disk allows.",
        "parts": ["journal"],
        "environment": None,
        "needs_baton": False,
        "picture": False,  # a table of four rows says it
    },
    "sockets": {
        "about": "A daemon with a scripted generator: 1,000 idle WebSockets beside 100 active runs, a reader of one byte a second, and "
                 "a daemon without any work.",
        "parts": ["sockets"],
        "environment": None,
        "needs_baton": False,
        "picture": False,
    },
    "mask": {
        "about": "The mask of the next token under a JSON schema, over Qwen2.5's 151,936 tokens, on one thread, with each state met for "
                 "the first time. llguidance and xgrammar have the same schemas and texts, and are called from Python (a microsecond or "
                 "so a call). A ratio above 1 is faster than the peer.",
        "parts": ["mask"],
        "needs_baton": False,
        "picture": False,
    },
    "calls": {
        "about": "Time from the question to the end of a call, with the prompt already computed, 0.5B, greedy: with masks, with masks "
                 "and `--max-draft 0`, and with `--no-constrain`. The three answer in turns; medians of three are given. Only questions "
                 "count that all three answer with the same tokens. A ratio above 1 is faster.",
        "parts": ["calls"],
        "environment": None,
        "picture": False,
    },
    "decision": {
        "about": "Whether a call is made, over the questions of `tests/data/call_decision.jsonl`, greedy, `tool_choice: auto`. A pair "
                 "has the same tools, one question that one of them answers, and one that none does. A dot in a tool's name becomes an "
                 "underscore. A call counts at a threshold when its `baton.confidence` reaches it; a call that the daemon itself "
                 "withdrew counts at none. Two calls are needed where the first two questions of a group that need one are asked at "
                 "once.",
        "parts": ["decision"],
        "environment": None,
        "options": True,
        "table": False,
    },
    "bfcl": {
        "about": "Tool calls of BFCL (`bfcl-eval`: its data, its AST checker), with cases chosen by a fixed seed, greedy, 512 tokens an "
                 "answer. A dot in a function's name becomes an underscore for every server. Irrelevance is right when nothing was "
                 "called. \"Read leniently\" also counts calls that are in the text as JSON.",
        "parts": ["bfcl.scores"],
        "environment": "bfcl",
        "needs_baton": False,  # with --url
        "options": True,
        "table": False,
    },
}


def record_more(name, rows, folder):
    """The suite's own tables and pictures, or a picture of the ratios to the peer, beside the table."""
    if not SUITES[name].get("table", True):
        parts = [importlib.import_module(suite.module_name("bench", part)) for part in SUITES[name]["parts"]]
        for part in parts:
            if hasattr(part, "picture"):
                (folder / f"{name}.svg").write_text(part.picture(rows), encoding="utf-8")
        return "".join(part.tables(rows) for part in parts)
    bars = [(entry["what"], entry["ratio"]) for entry in rows if entry["ratio"] is not None]
    if not bars or not SUITES[name].get("picture", True):
        return ""
    (folder / f"{name}.svg").write_text(plot.ratio_bars(f"{name}: Baton / peer", bars), encoding="utf-8")
    return f"\n![Ratios to the peer]({name}.svg)\n"


if __name__ == "__main__":
    sys.exit(suite.main("bench", SUITES, prepare=python_environment.enter, record_more=record_more))
