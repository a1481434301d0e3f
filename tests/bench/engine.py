"""Prefill 512, decode 128 after it, ready time and resident memory of each model, beside llama.cpp."""
import json
import os
import statistics
import subprocess

from tests.support.suite import Unavailable, model_file, row, skipped

MODELS = ["smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"]
QUICK_MODELS = MODELS[:2]
PREFILL, DECODE = 512, 128
ROUNDS = 5
# This targets; a later one exceeds the peer.
TARGETS = {"prefill": 0.5, "decode": 0.8}
READY_SECONDS = 1.0
EXTRA_MB = 300


def physical_cores():
    """Those that this process may use, as Baton counts them."""
    cores, current = set(), {}
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        key, _, value = line.partition(":")
        if key.strip() in ("physical id", "core id"):
            current[key.strip()] = value.strip()
        if not line.strip() and current:
            cores.add(tuple(sorted(current.items())))
            current = {}
    return min(len(cores) or 1, len(os.sched_getaffinity(0)))


def run_baton(baton, path, threads):
    command = [baton, "bench", "engine", "--model", str(path), "--prefill", str(PREFILL), "--decode", str(DECODE), "--repetitions", "1",
               "--threads", str(threads), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {run.stderr.strip()}")
    return json.loads(run.stdout.splitlines()[-1])


def make_peer(path, threads, quick):
    """The peer with flash attention at its better setting, found by one run each; (None, reason) without llama-cpp-python."""
    try:
        from tests.support.llama_peer import Peer
    except ImportError as error:
        return None, f"{error}: the peer is installed by a run without --quick"
    peers = {flash: Peer(path, PREFILL + DECODE + 64, threads, flash) for flash in ((True,) if quick else (True, False))}
    seconds = {}
    for flash, peer in peers.items():
        peer.timed(64, 8)  # loads the weights into memory
        if not quick:
            prefill, decode = peer.timed(PREFILL, 32)
            seconds[flash] = PREFILL / prefill + DECODE / decode
    best = min(seconds, key=seconds.get) if seconds else True
    for flash, peer in peers.items():
        if flash != best:
            peer.close()
    return peers[best], f"flash attention {'on' if best else 'off'}" + (", not compared with off" if quick else ", its better setting")


def speed_row(what, ours, theirs, target, note):
    value = statistics.median(ours)
    if not theirs:
        return row(what, value, "tokens/s", target=f">= {target} x llama.cpp", note=note)
    # The two runs of one round saw the same machine, so the ratio is taken round by round.
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    return row(what, value, "tokens/s", peer=statistics.median(theirs), ratio=ratio, target=f">= {target} x llama.cpp", ok=ratio >= target, note=note)


def model_rows(baton, models_dir, name, quick):
    path = model_file(models_dir, name)
    threads = physical_cores()
    peer, peer_note = make_peer(path, threads, quick)
    rounds = 1 if quick else ROUNDS
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run_baton(baton, path, threads))
        if peer:
            theirs.append(peer.timed(PREFILL, DECODE))
    note = f"{ours[0]['backend']}; peer: {peer_note}; {rounds} round{'s' if rounds > 1 else ''}"
    ready = statistics.median(run["ready_s"] for run in ours)
    resident = max(run["resident_bytes"] for run in ours) / 1e6
    allowed = (ours[0]["file_bytes"] + ours[0]["kv_bytes_per_token"] * (PREFILL + DECODE)) / 1e6 + EXTRA_MB
    found = [
        speed_row(f"prefill {PREFILL} {name}", [run["prefill_tokens_per_s"] for run in ours], [t[0] for t in theirs], TARGETS["prefill"], note),
        speed_row(f"decode {DECODE} after {PREFILL} {name}", [run["decode_tokens_per_s"] for run in ours], [t[1] for t in theirs],
                  TARGETS["decode"], note),
        row(f"ready {name}", ready, "s", peer=peer.ready_seconds if peer else None, target=f"<= {READY_SECONDS:g} s", ok=ready <= READY_SECONDS,
            note="from the program's start to the first token it could take, file in the page cache"),
        row(f"resident memory {name}", round(resident), "MB", target=f"<= {allowed:.0f} MB", ok=resident <= allowed,
            note=f"file + KV of {PREFILL + DECODE} tokens + {EXTRA_MB} MB"),
    ]
    if peer:
        peer.close()
    return found


def rows(baton, models_dir, quick):
    for name in QUICK_MODELS if quick else MODELS:
        try:
            yield from model_rows(baton, models_dir, name, quick)
        except Unavailable as reason:
            yield skipped(f"engine {name}", str(reason))
