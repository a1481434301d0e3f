"""Token ids of 10,000 strings a vocabulary against Hugging Face tokenizers and SentencePiece; differences from llama.cpp, explained."""
import json
import pathlib
import struct
import subprocess
import tempfile
import unicodedata

from tests.check.oracle.tokenizer_strings import CODE, SENTENCES, strings
from tests.support.suite import ROOT, Unavailable, cache_dir, model_file, row, skipped

GOLDENS = ROOT / "tests/golden/tokenizer"
SEED = 20
N_STRINGS = 10_000
NORMAL, CONTROL, USER_DEFINED, BYTE = 1, 3, 4, 6

# In the form of Hugging Face's tokenizer.json files of these models.
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

# (row, model of the catalogue, pre-tokenizer to use in place of the file's own)
VOCABULARIES = [
    ("qwen2", "qwen2.5-coder-0.5b-instruct", None),
    ("smollm", "smollm2-135m-instruct", None),
    ("gpt-2 (SmolLM2's tokens)", "smollm2-135m-instruct", "gpt-2"),
    ("llama-bpe (Qwen2's tokens)", "qwen2.5-coder-0.5b-instruct", "llama-bpe"),
    ("gemma", "gemma-3-270m", None),
]


# ---- vocabularies as GGUF files, with the standard library alone ----

def gguf_value(value):
    def text(s):
        raw = s.encode("utf-8", "surrogateescape")
        return struct.pack("<Q", len(raw)) + raw
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    code, letter = (6, "f") if isinstance(value[0], float) else (5, "i")
    return struct.pack(f"<IIQ{len(value)}{letter}", 9, code, len(value), *value)


def write_vocabulary(path, vocabulary):
    """A GGUF file without tensors from {"model", "pre", "tokens", "types", "merges" or "scores", "add_space_prefix"}."""
    fields = {"general.architecture": "llama"}
    names = {"model": "model", "pre": "pre", "tokens": "tokens", "types": "token_type", "merges": "merges", "scores": "scores", "add_space_prefix": "add_space_prefix"}
    fields.update({f"tokenizer.ggml.{names[key]}": value for key, value in vocabulary.items() if key in names and value is not None})
    body = b"".join(struct.pack("<Q", len(key)) + key.encode() + gguf_value(value) for key, value in fields.items())
    pathlib.Path(path).write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields)) + body)


def read_vocabulary(path):
    import gguf
    fields = gguf.GGUFReader(path).fields
    get = lambda name: fields[f"tokenizer.ggml.{name}"].contents() if f"tokenizer.ggml.{name}" in fields else None  # noqa: E731
    return {"model": get("model"), "pre": get("pre"), "tokens": get("tokens"), "types": get("token_type"), "merges": get("merges"), "scores": get("scores"),
            "add_space_prefix": get("add_space_prefix")}


def baton_ids(baton, path, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file, ensure_ascii=False)
        file.flush()
        run = subprocess.run([baton, "inspect", str(path), "--tokenize", file.name], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"inspect {path} --tokenize: {run.stderr.strip()}")
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if len(lines) != len(texts):
        raise RuntimeError(f"inspect {path} --tokenize: {len(lines)} lines for {len(texts)} strings")
    return lines


# ---- the oracles ----

def is_white(text):
    return text != "" and text.strip(" \t\n\r\v\f") == ""


def hf_byte_level(vocabulary, pre):
    """Only ordinary tokens are in its vocabulary, so that special ones cannot come out of text."""
    import tokenizers
    from tokenizers import Regex, models, normalizers, pre_tokenizers
    ids = {text: i for i, (text, kind) in enumerate(zip(vocabulary["tokens"], vocabulary["types"])) if kind == NORMAL}
    merges = [tuple(merge.split(" ")) for merge in vocabulary["merges"]]
    tokenizer = tokenizers.Tokenizer(models.BPE(ids, merges, ignore_merges=pre == "llama-bpe"))
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre in ("gpt-2", "smollm"))
    first = {
        "gpt-2": [], "smollm": [pre_tokenizers.Digits(individual_digits=True)],
        # llama.cpp's four patterns, one after the other.
        "default": [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in (r"[\p{P}$+<=>^~|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]")],
        "qwen2": [pre_tokenizers.Split(Regex(QWEN2), "isolated")], "llama-bpe": [pre_tokenizers.Split(Regex(LLAMA3), "isolated")],
    }[pre]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(first + [letters])
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def hf_from_scores(vocabulary):
    """BPE with merges made from the scores, as transformers converts SentencePiece models; user-defined white space as added tokens."""
    import tokenizers
    from tokenizers import AddedToken, models, normalizers
    tokens, types, scores = vocabulary["tokens"], vocabulary["types"], vocabulary["scores"]
    ids = {text: i for i, (text, kind) in enumerate(zip(tokens, types)) if kind in (NORMAL, BYTE)}
    white = [(i, text) for i, (text, kind) in enumerate(zip(tokens, types)) if kind == USER_DEFINED and is_white(text)]
    merges = []
    for text, i in ids.items():
        if types[i] != NORMAL:
            continue
        splits = [(text[:k], text[k:]) for k in range(1, len(text)) if types[ids.get(text[:k], -1)] == NORMAL and types[ids.get(text[k:], -1)] == NORMAL
                  and text[:k] in ids and text[k:] in ids]
        merges += [(-scores[i], ids[a], ids[b], (a, b)) for a, b in splits]
    merges.sort(key=lambda merge: merge[:3])
    tokenizer = tokenizers.Tokenizer(models.BPE(ids | {text: i for i, text in white}, [merge[3] for merge in merges], byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.add_tokens([AddedToken(text, normalized=True) for _, text in white])
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def proto(field, wire, payload):
    """One field of a protocol buffer: wire 0 a varint, 2 bytes, 5 a float."""
    def varint(n):
        out = b""
        while n > 0x7F:
            out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
        return out + bytes([n])
    body = varint(payload) if wire == 0 else struct.pack("<f", payload) if wire == 5 else varint(len(payload)) + payload
    return varint(field << 3 | wire) + body


def sentencepiece_model(vocabulary):
    """The sentencepiece_model.proto file of a vocabulary: special tokens as control pieces, which never match, white space as user-defined."""
    kinds = []
    for i, (text, kind) in enumerate(zip(vocabulary["tokens"], vocabulary["types"])):
        if kind == USER_DEFINED and not is_white(text):
            kind = CONTROL
        kinds.append(kind)
    unknown = next(i for i, kind in enumerate(kinds) if kind == CONTROL or kind == 2)
    kinds[unknown] = 2
    pieces = b"".join(proto(1, 2, proto(1, 2, (text.replace(" ", "\u2581") or f"<empty{i}>").encode()) + proto(2, 5, score) + proto(3, 0, kind))
                      for i, (text, score, kind) in enumerate(zip(vocabulary["tokens"], vocabulary["scores"], kinds)))
    trainer = proto(3, 0, 2) + proto(35, 0, 1) + proto(40, 0, unknown)  # BPE, byte_fallback, unk_id
    prefix = 0 if vocabulary.get("add_space_prefix") is False else 1
    normalizer = proto(1, 2, b"identity") + proto(3, 0, prefix) + proto(4, 0, 0) + proto(5, 0, 1)
    return pieces + proto(2, 2, trainer) + proto(3, 2, normalizer)


def sentencepiece(vocabulary):
    import sentencepiece as library
    processor = library.SentencePieceProcessor(model_proto=sentencepiece_model(vocabulary))
    return lambda texts: [processor.encode(text) for text in texts]


def oracles(vocabulary):
    """[(name, function from texts to ids)]"""
    if vocabulary["model"] == "gpt2":
        return [("Hugging Face tokenizers", hf_byte_level(vocabulary, vocabulary["pre"]))]
    found = [("SentencePiece", sentencepiece(vocabulary))]
    if vocabulary["add_space_prefix"] is False:
        found.append(("Hugging Face tokenizers", hf_from_scores(vocabulary)))
    return found


def special_texts(vocabulary):
    chosen = [text for text, kind in zip(vocabulary["tokens"], vocabulary["types"]) if kind in (CONTROL, USER_DEFINED) and not is_white(text)]
    return chosen[:200]


# ---- llama.cpp, for the list of differences ----

def llama_cpp_ids(path, texts):
    import ctypes
    import llama_cpp
    from tests.support import llama_peer  # noqa: F401  (silences its log)
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise RuntimeError(f"llama.cpp cannot load {path}")
    vocab = llama_cpp.llama_model_get_vocab(model)
    out = []
    for text in texts:
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        out.append(list(ids[:llama_cpp.llama_tokenize(vocab, data, len(data), ids, len(ids), False, False)]))
    llama_cpp.llama_model_free(model)
    return out


def llama_cpp_reason(vocabulary, text, ours, theirs_of_nfc):
    user_defined = [token for token, kind in zip(vocabulary["tokens"], vocabulary["types"]) if kind == USER_DEFINED and not is_white(token)]
    if any(token and token in text for token in user_defined):
        return "matches user-defined tokens in any text"
    if vocabulary["pre"] == "qwen2" and theirs_of_nfc == ours:
        return "does not normalise to NFC"
    if vocabulary["model"] == "llama" and "\u2581" in text:
        return "matches runs of spaces before it knows U+2581 as a space"
    return None


# ---- rows ----

def first_difference(texts, ours, theirs):
    for text, a, b in zip(texts, ours, theirs):
        if a != b:
            return f"first: {text[:60]!r}: {a[:12]} against {b[:12]}"
    return ""


def count_differences(ours, theirs):
    return sum(a != b for a, b in zip(ours, theirs))


def full_rows(baton, models_dir, folder, what, name, pre):
    model = model_file(models_dir, name)
    vocabulary = read_vocabulary(model)
    if pre:
        vocabulary["pre"] = pre
        model = pathlib.Path(folder) / f"{pre}.gguf"
        write_vocabulary(model, vocabulary)
    texts = strings(SEED, N_STRINGS, special_texts(vocabulary))
    ours = baton_ids(baton, model, texts)
    found = []
    for oracle, encode in oracles(vocabulary):
        theirs = encode(texts)
        n = count_differences(ours, theirs)
        found.append(row(f"tokenizer {what}, against {oracle}", n, f"of {len(texts)} differ", target="0", ok=n == 0, note=first_difference(texts, ours, theirs)))
    found.append(llama_cpp_row(what, vocabulary, model, texts, ours))
    return found


def llama_cpp_row(what, vocabulary, model, texts, ours):
    theirs = llama_cpp_ids(model, texts)
    theirs_of_nfc = llama_cpp_ids(model, [unicodedata.normalize("NFC", text) for text in texts])
    reasons, unexplained = {}, []
    for text, a, b, b_of_nfc in zip(texts, ours, theirs, theirs_of_nfc):
        if a == b:
            continue
        reason = llama_cpp_reason(vocabulary, text, a, b_of_nfc)
        reasons[reason or "unexplained"] = reasons.get(reason or "unexplained", 0) + 1
        if not reason:
            unexplained.append(f"{text[:60]!r}")
    note = "; ".join(f"{n}: {reason}" for reason, n in sorted(reasons.items(), key=lambda item: -item[1]))
    if unexplained:
        note += "; such as " + ", ".join(unexplained[:3])
    return row(f"tokenizer {what}, differences from llama.cpp", sum(reasons.values()), f"of {len(texts)}", target="all explained", ok=not unexplained, note=note)


def quick_rows(baton, models_dir, folder):
    """Goldens: {"oracle": versions, "model": name or null, "vocabulary": one of its own or null, "variants": [{"set": fields, "cases": [[text, ids]]}]}"""
    found = []
    for path in sorted(GOLDENS.glob("*.json")):
        golden = json.loads(path.read_text(encoding="utf-8"))
        for variant in golden["variants"]:
            what = " ".join(["tokenizer golden", path.stem, *(f"{key}={value}" for key, value in variant["set"].items())])
            try:
                if golden["model"]:
                    model = model_file(models_dir, golden["model"])
                else:
                    model = pathlib.Path(folder) / "golden.gguf"
                    write_vocabulary(model, golden["vocabulary"] | variant["set"])
            except Unavailable as reason:
                found.append(skipped(what, str(reason)))
                continue
            texts = [text for text, _ in variant["cases"]]
            ours = baton_ids(baton, model, texts)
            theirs = [ids for _, ids in variant["cases"]]
            n = count_differences(ours, theirs)
            found.append(row(what, n, f"of {len(texts)} differ", target="0", ok=n == 0, note=first_difference(texts, ours, theirs)))
    return found


def rows(baton, models_dir, quick):
    with tempfile.TemporaryDirectory() as folder:
        if quick:
            return quick_rows(baton, models_dir, folder)
        found = []
        for what, name, pre in VOCABULARIES:
            try:
                found += full_rows(baton, models_dir, folder, what, name, pre)
            except Unavailable as reason:
                found.append(skipped(f"tokenizer {what}", str(reason)))
        return found


# ---- goldens ----

SPECIALS = [("<|endoftext|>", CONTROL), ("<|im_start|>", CONTROL), ("<|im_end|>", CONTROL), ("<tool_call>", USER_DEFINED), ("</tool_call>", USER_DEFINED)]


def training_text():
    return SENTENCES * 3 + CODE * 3 + [text for text, _ in SPECIALS] * 2


def tiny_byte_level():
    """About 1,000 tokens, with special ones at the end."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(training_text(), trainers.BpeTrainer(vocab_size=1000, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return {"model": "gpt2", "tokens": tokens + [text for text, _ in SPECIALS], "types": [NORMAL] * len(tokens) + [kind for _, kind in SPECIALS], "merges": merges}


def tiny_sentencepiece():
    import io
    import sentencepiece as library
    out = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in training_text() for line in text.split("\n") if line), model_writer=out, model_type="bpe", vocab_size=1100,
        byte_fallback=True, character_coverage=0.98, hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity", num_threads=1)
    model = library.SentencePieceProcessor(model_proto=out.getvalue())
    kinds = [2 if model.is_unknown(i) else CONTROL if model.is_control(i) else BYTE if model.is_byte(i) else NORMAL for i in range(len(model))]
    more = SPECIALS + [(unit * n, USER_DEFINED) for unit in ("\n", " ", "\t") for n in range(2 if unit == " " else 1, 5)]
    tokens = [model.id_to_piece(i) for i in range(len(model))]
    more = [(text, kind) for text, kind in more if text not in tokens]
    return {"model": "llama", "tokens": tokens + [text for text, _ in more], "types": kinds + [kind for _, kind in more],
            "scores": [model.get_score(i) for i in range(len(model))] + [-1000.0] * len(more)}


def golden(name, vocabulary, variants, n, model=None):
    from importlib.metadata import version
    out = {"oracle": {package: version(package) for package in ("tokenizers", "sentencepiece", "gguf")}, "model": model, "vocabulary": None if model else vocabulary, "variants": []}
    short = [text for text in strings(SEED + 2, 4 * n, special_texts(vocabulary)) if len(text) <= 60][:n]
    long_runs = ["a" * 300, " " * 100, "\n" * 70, "0123456789" * 9, "=" * 120, "e\u0301\u0323" * 20]
    for variant in variants:
        encodings = [(oracle, encode(short + long_runs)) for oracle, encode in oracles(vocabulary | variant)]
        for oracle, ids in encodings[1:]:
            if ids != encodings[0][1]:
                print(f"{name}: {oracle} and {encodings[0][0]} differ in {count_differences(ids, encodings[0][1])} strings")
        out["variants"].append({"set": variant, "cases": [list(case) for case in zip(short + long_runs, encodings[0][1])]})
    path = GOLDENS / f"{name}.json"
    path.write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(variants)} x {len(short) + len(long_runs)} strings, {path.stat().st_size} bytes")


def regenerate():
    GOLDENS.mkdir(parents=True, exist_ok=True)
    golden("tiny_byte_level", tiny_byte_level(), [{"pre": pre} for pre in ("gpt-2", "smollm", "qwen2", "llama-bpe", "default")], 120)
    golden("tiny_sentencepiece", tiny_sentencepiece(), [{"add_space_prefix": False}, {"add_space_prefix": True}], 120)
    for name, what in (("qwen2.5-coder-0.5b-instruct", "qwen2"), ("smollm2-135m-instruct", "smollm"), ("gemma-3-270m", "gemma")):
        golden(what, read_vocabulary(model_file(cache_dir() / "models", name)), [{}], 200, model=name)
