"""The time of a token mask, computed for the first time, over the schemas of BFCL's functions and random hard ones, beside llguidance and
xgrammar on the same texts."""
import json
import os
import random
import time

from tests.bench.bfcl import cases as bfcl_cases
from tests.check.grammar.schema_probe import PROGRAM, Probe
from tests.support import suite

from tests.check.oracle import json_schema as oracle_json_schema
from tests.check.oracle import tokenizer as oracle_tokenizer

MODEL = "qwen2.5-coder-0.5b-instruct"
N_HARD = 200
TEXTS = 3  # a schema
N_TOOLS, SETS = 16, 40
N_BESIDE = 300  # schemas that the peers get too: xgrammar compiles for a quarter of a second


def read_tokens(model):
    import gguf
    fields = gguf.GGUFReader(model).fields
    return {"tokens": fields["tokenizer.ggml.tokens"].contents(), "types": fields["tokenizer.ggml.token_type"].contents()}


def hard_schemas():
    rng = random.Random(9)
    return [oracle_json_schema.random_schema(rng, 3) for _ in range(N_HARD)]


class LlGuidance:
    def __init__(self, vocabulary):
        import llguidance
        import llguidance.numpy
        import numpy

        class Tokens:  # the interface that LLTokenizer requires: the bytes of every token, and an encoder, which is not used here
            def __init__(self):
                letters = {letter: byte for byte, letter in byte_letters().items()}
                self.tokens = [bytes(letters[c] for c in text) if kind == oracle_tokenizer.NORMAL and all(c in letters for c in text) else text.encode()
                               for text, kind in zip(vocabulary["tokens"], vocabulary["types"])]
                self.special_token_ids = [i for i, kind in enumerate(vocabulary["types"]) if kind != oracle_tokenizer.NORMAL]
                self.eos_token_id = vocabulary["tokens"].index("<|im_end|>")
                self.bos_token_id = None

            def __call__(self, text):
                return []
        self.module, self.numpy = llguidance, numpy
        self.name = f"llguidance {llguidance.__version__}" if hasattr(llguidance, "__version__") else "llguidance"
        self.tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Tokens()))
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def times(self, schema, all_ids):
        grammar = self.module.LLMatcher.grammar_from_json_schema(json.dumps(schema))
        begin = time.perf_counter()
        first = self.module.LLMatcher(self.tokenizer, grammar)
        if first.is_error():
            return None
        compiled = time.perf_counter() - begin
        taken = []
        for ids in all_ids:
            matcher = first.deep_copy()
            for token in ids:
                start = time.perf_counter()
                self.module.numpy.fill_next_token_bitmask(matcher, self.mask, 0)
                taken.append((time.perf_counter() - start) * 1e6)
                if not matcher.consume_token(token):
                    return None
        return compiled * 1e6, taken


class XGrammar:
    def __init__(self, vocabulary):
        import xgrammar
        self.module = xgrammar
        self.name = "xgrammar"
        stop = vocabulary["tokens"].index("<|im_end|>")
        self.info = xgrammar.TokenizerInfo(vocabulary["tokens"], vocab_type=xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=[stop])
        self.mask = xgrammar.allocate_token_bitmask(1, self.info.vocab_size)

    def times(self, schema, all_ids):
        begin = time.perf_counter()
        try:
            compiled = self.module.GrammarCompiler(self.info, max_threads=1, cache_enabled=False).compile_json_schema(json.dumps(schema))
        except Exception:  # unsupported schemas raise many kinds of errors
            return None
        took = time.perf_counter() - begin
        taken = []
        for ids in all_ids:
            matcher = self.module.GrammarMatcher(compiled)
            for token in ids:
                start = time.perf_counter()
                matcher.fill_next_token_bitmask(self.mask)
                taken.append((time.perf_counter() - start) * 1e6)
                if not matcher.accept_token(token):
                    return None
        return took * 1e6, taken


def byte_letters():
    """GPT-2's letter of each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


def first_mask_row(model, schemas):
    """Of 16 tools, functions of BFCL: the time that a request with new tools waits if its prompt is short."""
    probe, taken = Probe(model), []
    for first in range(0, min(len(schemas) - N_TOOLS, SETS * N_TOOLS), N_TOOLS):
        answer = probe.ask({"tools": [{"name": f"tool_{i}", "parameters": schema} for i, schema in enumerate(schemas[first:first + N_TOOLS])]})
        taken.append(answer["first_mask_us"] / 1000)
    probe.close()
    middle = quantile(taken, 0.5)
    return suite.row(f"first mask for {N_TOOLS} tools", round(middle, 2), "ms", target="<= 10 ms", ok=middle <= 10, note=f"median of {len(taken)} sets; longest {max(taken):.1f} ms")


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def rows(_baton, models_dir, quick):
    if not os.access(PROGRAM, os.X_OK):
        raise suite.Unavailable(f"{PROGRAM} is not built: scripts/test.sh builds it")
    model = suite.model_file(models_dir, MODEL)
    vocabulary = read_tokens(model)
    peers = [LlGuidance(vocabulary), XGrammar(vocabulary)]
    bfcl = bfcl_cases.all_schemas(fetch=not quick)
    yield first_mask_row(model, bfcl)
    for what, schemas in (("BFCL", bfcl), ("hard", hard_schemas())):
        if quick:
            schemas = schemas[:20]
        probe = Probe(model)
        ours, compiled, theirs = [], [], {peer.name: ([], [], []) for peer in peers}
        refused = 0
        for seed, schema in enumerate(schemas):
            written = probe.ask({"schema": schema, "samples": TEXTS, "seed": seed})
            answer = probe.ask({"schema": schema, "timed": written.get("texts", [])})
            if "error" in answer or not answer["ids"]:
                refused += 1
                continue
            mine = [one for text in answer["mask_us"] for one in text]
            ours += mine
            compiled.append(answer["compile_us"])
            for peer in peers if seed < N_BESIDE else []:
                result = peer.times(schema, answer["ids"])
                if result:  # it may refuse the schema, or a text in another writing: then this schema is not compared
                    theirs[peer.name][0].append(result[0])
                    theirs[peer.name][1].extend(result[1])
                    theirs[peer.name][2].extend(mine)
        probe.close()
        mean = sum(ours) / len(ours)
        yield suite.row(f"{what}: mask, mean", round(mean, 2), "us", target="<= 30 us", ok=mean <= 30, note=f"{len(ours)} masks of {len(schemas) - refused} schemas; {refused} without a text")
        p99 = quantile(ours, 0.99)
        yield suite.row(f"{what}: mask, p99", round(p99, 1), "us", target="<= 300 us", ok=p99 <= 300, note=f"longest {max(ours):.0f} us; schema compiled in {quantile(compiled, 0.5):.0f} us (median), {max(compiled):.0f} at most")
        for name, (peer_compiled, taken, mine) in theirs.items():
            if not taken:
                yield suite.skipped(f"{what}: mask beside {name}", "it took none of the texts")
                continue
            own, peer_mean = sum(mine) / len(mine), sum(taken) / len(taken)
            yield suite.row(f"{what}: mask, mean, beside {name}", round(own, 2), "us", peer=round(peer_mean, 2), ratio=round(peer_mean / own, 2), target="ratio > 1", ok=peer_mean > own,
                            note=f"{len(taken)} masks of {len(peer_compiled)} schemas; its p99 {quantile(taken, 0.99):.0f} us, its compiling {quantile(peer_compiled, 0.5):.0f} us (median)")
