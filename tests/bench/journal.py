"""Commits a second in groups and one by one, events a second, and the cost of a streamed token, beside this disk's own fsync."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

from tests.support.suite import ROOT, Unavailable, row

FLOOR = 0.8
TOKEN_SHARE = 0.01
ENGINE = ROOT / "docs/measured/engine.md"
MODEL = "qwen2.5-coder-0.5b-instruct"


def decode_tokens_per_second():
    """BATON_BENCH_DECODE, or the figure in docs/measured/engine.md for the default model."""
    if os.environ.get("BATON_BENCH_DECODE"):
        return float(os.environ["BATON_BENCH_DECODE"])
    found = re.search(rf"^\| decode \d+ after \d+ {re.escape(MODEL)} \| ([0-9.]+) tokens/s", ENGINE.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise Unavailable(f"{ENGINE.name} has no decode rate of {MODEL}: scripts/bench.sh engine --record, or set BATON_BENCH_DECODE")
    return float(found.group(1))


def measured(program, rounds, seconds, decode):
    # In the checkout's file system, because the folder of temporary files is often in memory.
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="bench_journal_") as folder:
        run = subprocess.run([program, folder, str(rounds), str(seconds), str(decode)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return [json.loads(line) for line in run.stdout.splitlines()]


def floor_row(what, lines, note):
    # Both measurements of a round saw the same disk, so the ratio is taken round by round.
    ratio = statistics.median(line["per_second"] / line["floor_per_second"] for line in lines)
    return row(what, statistics.median(line["per_second"] for line in lines), "/s",
               peer=statistics.median(line["floor_per_second"] for line in lines), ratio=ratio, target=f">= {FLOOR} x fdatasync",
               ok=ratio >= FLOOR, note=note)


def rows(baton, _models_dir, quick):
    program = pathlib.Path(baton).parent / "tests/journal_bench"
    if not os.access(program, os.X_OK):
        raise Unavailable(f"{program.name} is not built: ninja -C build/release journal_bench")
    rounds, seconds = (3, 1.0) if quick else (9, 2.0)
    decode = decode_tokens_per_second()
    found = measured(program, rounds, seconds, decode)
    of = {what: [line for line in found if line["what"] == what] for what in ("one", "group", "events", "token")}
    after = f"; {rounds} rounds"
    for what, title in (("one", "commits one by one, power class"), ("group", "commits of 16 threads, power class")):
        per_sync = statistics.median(line["per_sync"] for line in of[what])
        kilobytes = statistics.median(line["bytes_per_sync"] for line in of[what]) / 1024
        took = statistics.median(line["sync_share"] for line in of[what])
        yield floor_row(title, of[what], f"an item and its event each; {per_sync:.2g} commits and {kilobytes:.0f} KB a sync, which takes {took:.0%} of the time{after}")
    yield floor_row("events, process class", of["events"], f"not merged; the peer syncs for each event{after}")
    cost = statistics.median(line["cpu_seconds"] for line in of["token"])
    share = cost * decode
    yield row("share of a token's decode time", share * 100, "%", target=f"< {TOKEN_SHARE * 100:g} %", ok=share < TOKEN_SHARE,
              note=f"{cost * 1e6:.0f} us of CPU, caller and writer, a transaction each, at {decode:g} tokens/s ({MODEL}){after}")
