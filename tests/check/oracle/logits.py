"""Logits on real text: KL divergence and lost top-1 against transformers in f32, beside llama.cpp's, for the same dequantised weights."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from tests.support.suite import ROOT, Unavailable, cache_dir, model_file, row, skipped

MODELS = ["smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"]
TEXT = ROOT / "tests/golden/text/passages.txt"
GOLDENS = ROOT / "tests/golden/logits"
GOLDEN_TOKENS = 320  # for --quick: a few seconds on two cores
CHUNK = 128          # positions at a time: rows of 152k float64 values are 1.2 MB each
BLOCK = 32           # neighbouring positions resemble each other, so the bootstrap draws whole blocks of them


# ---- Baton ----

def baton_score(baton, model, text_file, logits_file=None):
    """The JSON lines of `baton inspect --score`, and with logits_file all rows of logits in it."""
    command = [baton, "inspect", str(model), "--score", str(text_file)]
    if logits_file:
        command += ["--logits", str(logits_file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.splitlines()]


# ---- the reference: float32 weights, dequantised from the same file, in transformers ----

def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def reference_logits(path, tokens):
    """All logits as an array on disk, (n_tokens, n_vocab) float32; computed once for a file and a text."""
    import numpy
    import torch
    import transformers
    key = hashlib.sha256(json.dumps([file_sha256(path), tokens, torch.__version__, transformers.__version__]).encode()).hexdigest()[:24]
    stored = cache_dir() / "oracle" / f"logits-{key}.npy"
    if stored.is_file():
        return numpy.load(stored, mmap_mode="r")
    print(f"reference logits of {path.name}: a few minutes, once", file=sys.stderr)
    os.environ["HF_HUB_OFFLINE"] = "1"
    transformers.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    stored.parent.mkdir(parents=True, exist_ok=True)
    partial = stored.with_suffix(".partial")
    out = numpy.lib.format.open_memmap(partial, mode="w+", dtype=numpy.float32, shape=(len(tokens), model.config.vocab_size))
    cache = transformers.DynamicCache(config=model.config)
    with torch.inference_mode():
        for first in range(0, len(tokens), CHUNK):
            ids = torch.tensor([tokens[first:first + CHUNK]])
            step = model(input_ids=ids, past_key_values=cache, use_cache=True)
            out[first:first + ids.shape[1]] = step.logits[0].float().numpy()
    out.flush()
    partial.rename(stored)
    return numpy.load(stored, mmap_mode="r")


# ---- comparison ----

def log_softmax(rows):
    import numpy
    rows = rows.astype(numpy.float64)
    rows -= rows.max(axis=1, keepdims=True)
    rows -= numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))
    return rows


def divergence(reference, chunks):
    """Per position: KL(reference || other) in nats, and whether the other's first choice is another token."""
    import numpy
    kl = numpy.zeros(len(reference))
    lost = numpy.zeros(len(reference))
    for first, rows in chunks:
        for at in range(0, len(rows), CHUNK):
            wanted = log_softmax(numpy.asarray(reference[first + at:first + at + min(CHUNK, len(rows) - at)]))
            got = log_softmax(rows[at:at + CHUNK])
            place = slice(first + at, first + at + len(got))
            kl[place] = (numpy.exp(wanted) * (wanted - got)).sum(axis=1)
            lost[place] = wanted.argmax(axis=1) != got.argmax(axis=1)
    return kl, lost


def ratio_interval(ours, theirs, draws=2000):
    """95 % interval of mean(ours) / mean(theirs), by a bootstrap over blocks of positions (the same blocks for both)."""
    import numpy
    n = len(ours) // BLOCK
    a = ours[:n * BLOCK].reshape(n, BLOCK).sum(axis=1)
    b = theirs[:n * BLOCK].reshape(n, BLOCK).sum(axis=1)
    picks = numpy.random.default_rng(1).integers(0, n, size=(draws, n))
    low, high = numpy.percentile(a[picks].sum(axis=1) / numpy.maximum(b[picks].sum(axis=1), 1e-12), [2.5, 97.5])
    return float(low), float(high)


def compare(what, unit, ours, theirs, scale=1.0):
    mean, peer = float(ours.mean()) * scale, float(theirs.mean()) * scale
    ratio = mean / peer if peer else (1.0 if mean == 0 else 1e9)
    low, high = ratio_interval(ours, theirs)
    return row(what, mean, unit, peer=peer, ratio=ratio, target="<= 1.1 x llama.cpp", ok=ratio <= 1.1,
               note=f"{len(ours)} positions, 95 % interval of the ratio {low:.2f} .. {high:.2f}")


def full_rows(baton, models_dir, name):
    import numpy
    from tests.support.llama_peer import Peer
    path = model_file(models_dir, name)
    with tempfile.TemporaryDirectory(dir=cache_dir()) as folder:
        logits_file = pathlib.Path(folder) / "logits.f32"
        tokens = [line["token"] for line in baton_score(baton, path, TEXT, logits_file)]
        ours = numpy.memmap(logits_file, dtype=numpy.float32, mode="r").reshape(len(tokens), -1)
        reference = reference_logits(path, tokens)
        # The vocabulary of a file may be padded; both sides have the same first ids.
        width = min(reference.shape[1], ours.shape[1])
        reference = reference[:, :width]
        our_kl, our_lost = divergence(reference, ((at, ours[at:at + CHUNK, :width]) for at in range(0, len(tokens), CHUNK)))
    peer = Peer(path, len(tokens) + 8)
    their_kl, their_lost = divergence(reference, ((first, rows[:, :width]) for first, rows in peer.all_logits(tokens)))
    peer.close()
    return [compare(f"mean KL {name}", "mnat", our_kl, their_kl, 1e3), compare(f"lost top-1 {name}", "%", our_lost, their_lost, 100)]


# ---- goldens: what --quick compares with, without torch ----

def golden_text():
    """The beginning of the passages, whole lines, long enough for GOLDEN_TOKENS."""
    return TEXT.read_text(encoding="utf-8")[:4 * GOLDEN_TOKENS]


def quick_rows(baton, models_dir, name):
    golden = json.loads((GOLDENS / f"{name}.json").read_text(encoding="utf-8"))
    path = model_file(models_dir, name)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as text:
        text.write(golden["text"])
        text.flush()
        lines = baton_score(baton, path, text.name)
    tokens = [line["token"] for line in lines]
    if tokens != golden["tokens"]:
        return [row(f"tokens of the golden text {name}", ok=False, note="differ from the golden's: see the suite's part tokenizer")]
    # For each position except the first: the log-probability of the actual token.
    errors = [abs(line["logprob"] - wanted) for line, wanted in zip(lines[1:], golden["logprobs"][1:])]
    lost = sum(line["top"][0][0] != wanted for line, wanted in zip(lines, golden["top1"]))
    error = sum(errors) / len(errors)
    note = f"{len(tokens)} positions; the full run compares whole distributions"
    return [
        row(f"mean error of log-probabilities {name}", error, "nat", peer=golden["peer_error"], ratio=error / golden["peer_error"],
            target="<= 1.25 x llama.cpp", ok=error <= 1.25 * golden["peer_error"], note=note),
        # So few positions give a coarse count: up to three more than the peer's are within its noise.
        row(f"lost top-1 {name}", lost, f"of {len(tokens)}", peer=golden["peer_lost"], target=f"<= {golden['peer_lost'] + 3}",
            ok=lost <= golden["peer_lost"] + 3, note=note),
    ]


def regenerate():
    import llama_cpp
    import numpy
    import torch
    import transformers
    from importlib.metadata import version
    from tests.support.llama_peer import Peer
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        path = model_file(cache_dir() / "models", name)
        text = golden_text()
        peer = Peer(path, 4 * GOLDEN_TOKENS)
        tokens = peer.tokenize(text)
        theirs = log_softmax(numpy.concatenate([rows for _, rows in peer.all_logits(tokens)]))
        peer.close()
        wanted = log_softmax(numpy.asarray(reference_logits(path, tokens)))
        came = numpy.array(tokens[1:])
        at = numpy.arange(len(came))
        logprobs = wanted[at, came]
        golden = {
            "oracle": {"torch": torch.__version__, "transformers": transformers.__version__, "gguf": version("gguf"), "llama_cpp_python": llama_cpp.__version__},
            "model_sha256": file_sha256(path),
            "text": text,
            "tokens": tokens,
            "logprobs": [None] + [round(float(value), 5) for value in logprobs],
            "top1": [int(value) for value in wanted.argmax(axis=1)],
            "top5": [[[int(i), round(float(line[i]), 4)] for i in numpy.argsort(-line)[:5]] for line in wanted],
            "peer_error": float(numpy.abs(theirs[at, came] - logprobs).mean()),
            "peer_lost": int((theirs.argmax(axis=1) != wanted.argmax(axis=1)).sum()),
        }
        (GOLDENS / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {len(tokens)} positions; llama.cpp: mean error {golden['peer_error']:.4f} nat, {golden['peer_lost']} first choices lost")


def rows(baton, models_dir, quick):
    for name in MODELS:
        try:
            yield from quick_rows(baton, models_dir, name) if quick else full_rows(baton, models_dir, name)
        except Unavailable as reason:
            yield skipped(f"logits {name}", str(reason))
