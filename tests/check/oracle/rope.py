"""RoPE tables of every scaling scheme against transformers' own functions, which run here in double precision."""
import contextlib
import json
import math
import pathlib
import subprocess
import types

from tests.support.suite import ROOT, Unavailable, row

GOLDEN = ROOT / "tests/golden/rope.json"
POSITIONS = [0, 1, 4095, 32768, 131072]
FREQUENCY_BOUND = 1e-6  # relative; of the attention factor as well
TABLE_BOUND = 1e-6      # absolute, of cos and sin


def cases():
    """Baton's names of the parameters. Factors of LongRoPE are multiples of 1/64, so that f32 holds them exactly."""
    plain = {"n_rot": 64, "base": 10000.0}
    yield {"kind": "none", **plain}
    yield {"kind": "none", "n_rot": 128, "base": 1000000.0}
    yield {"kind": "none", "n_rot": 32, "base": 500000.0, "head_dim": 128}
    yield {"kind": "linear", **plain, "factor": 4.0}
    yield {"kind": "linear", "n_rot": 80, "base": 1000000.0, "factor": 8.0}
    for length in (1000, 4096, 4097, 32768):
        yield {"kind": "dynamic", **plain, "factor": 2.0, "n_ctx_original": 4096, "n_ctx": length}
    yield {"kind": "yarn", "n_rot": 128, "base": 1000000.0, "factor": 4.0, "n_ctx_original": 32768}
    yield {"kind": "yarn", **plain, "factor": 16.0, "n_ctx_original": 4096}
    yield {"kind": "yarn", **plain, "factor": 8.0, "n_ctx_original": 8192, "beta_fast": 64.0, "beta_slow": 2.0}
    yield {"kind": "yarn", **plain, "factor": 1.0, "n_ctx_original": 4096}
    yield {"kind": "yarn", **plain, "factor": 40.0, "n_ctx_original": 4096, "attention_factor_given": 1.25}
    yield {"kind": "llama3", "n_rot": 64, "base": 500000.0, "factor": 32.0, "n_ctx_original": 8192, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    yield {"kind": "llama3", "n_rot": 128, "base": 500000.0, "factor": 8.0, "n_ctx_original": 8192, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    long = [1 + i * i / 64 for i in range(32)]
    yield {"kind": "longrope", **plain, "factor": 32.0, "n_ctx_original": 4096, "n_ctx": 131072, "divisors": long}
    yield {"kind": "longrope", **plain, "factor": 32.0, "n_ctx_original": 4096, "n_ctx": 4096, "divisors": [1 + i / 64 for i in range(32)]}
    yield {"kind": "longrope", **plain, "factor": 1.0, "n_ctx_original": 4096, "n_ctx": 8192, "divisors": long, "attention_factor_given": 1.5}


@contextlib.contextmanager
def double_precision(*modules):
    """Replaces torch.float by float64 in the modules meanwhile: an oracle must be more accurate than the tested code."""
    import torch
    double = types.SimpleNamespace(**{name: getattr(torch, name) for name in ("arange", "tensor", "clamp", "where", "maximum", "int64", "Tensor")},
                                   float=torch.float64, float32=torch.float64)
    single = torch.Tensor.float
    torch.Tensor.float = torch.Tensor.double
    for module in modules:
        module.torch = double
    try:
        yield
    finally:
        torch.Tensor.float = single
        for module in modules:
            module.torch = torch


def expected(case):
    import transformers.modeling_rope_utils as rope_utils
    import transformers.models.llama.modeling_llama as llama
    parameters = {"rope_theta": case["base"], "rope_type": "default" if case["kind"] == "none" else case["kind"]}
    for name in ("factor", "beta_fast", "beta_slow", "low_freq_factor", "high_freq_factor"):
        if name in case:
            parameters[name] = case[name]
    if "attention_factor_given" in case:
        parameters["attention_factor"] = case["attention_factor_given"]
    original = case.get("n_ctx_original", 131072)
    if case["kind"] in ("yarn", "llama3", "longrope"):
        parameters["original_max_position_embeddings"] = original
    if case["kind"] == "longrope":
        parameters["long_factor"] = parameters["short_factor"] = case["divisors"]
    head_dim = case.get("head_dim", case["n_rot"])
    if head_dim != case["n_rot"]:
        parameters["partial_rotary_factor"] = case["n_rot"] / head_dim
    longest = original if case["kind"] == "dynamic" else int(original * case.get("factor", 1))
    config = llama.LlamaConfig(hidden_size=head_dim, num_attention_heads=1, num_key_value_heads=1, head_dim=head_dim,
                               max_position_embeddings=longest, rope_parameters=parameters)
    with double_precision(rope_utils, llama):
        if case["kind"] == "none" and head_dim == case["n_rot"]:
            inverse, attention = llama.LlamaRotaryEmbedding.compute_default_rope_parameters(config)
        elif case["kind"] == "none":  # partial: linear's function with a factor of 1 supports it
            config.rope_parameters["factor"] = 1.0
            inverse, attention = rope_utils.ROPE_INIT_FUNCTIONS["linear"](config, None)
        else:
            inverse, attention = rope_utils.ROPE_INIT_FUNCTIONS[case["kind"]](config, None, seq_len=case.get("n_ctx"))
    inverse = [float(x) for x in inverse]
    angles = [position * frequency for position in POSITIONS for frequency in inverse]
    return {"inverse_frequency": inverse, "attention_factor": float(attention),
            "cos": [math.cos(x) * float(attention) for x in angles], "sin": [math.sin(x) * float(attention) for x in angles]}


def ask(probe, questions):
    run = subprocess.run([str(probe), "rope"], input=json.dumps(questions), capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"kernels_probe: {run.stderr.strip()}")
    return json.loads(run.stdout)


def rows(baton, _models_dir, quick):
    probe = pathlib.Path(baton).parent / "tests/kernels_probe"
    if not probe.is_file():
        raise Unavailable(f"{probe} is not built: build the preset with its tests")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
    answers = golden if quick else [{**case, **expected(case)} for case in cases()]
    got = ask(probe, [{**case, "positions": POSITIONS} for case in answers])
    found = []
    for kind in dict.fromkeys(case["kind"] for case in answers):
        frequency = table = 0.0
        for want, have in zip(answers, got):
            if want["kind"] != kind:
                continue
            names = [(want["attention_factor"], have["attention_factor"]), *zip(want["inverse_frequency"], have["inverse_frequency"], strict=True)]
            frequency = max(frequency, *(abs(a - b) / abs(a) for a, b in names))
            for name in ("cos", "sin"):
                table = max(table, *(abs(a - b) for a, b in zip(want[name], have[name], strict=True)))
        name = "plain" if kind == "none" else kind
        found.append(row(f"RoPE {name}: inverse frequencies, attention factor", frequency, "relative error", peer="transformers, float64",
                         target=f"<= {FREQUENCY_BOUND:g}", ok=frequency <= FREQUENCY_BOUND))
        found.append(row(f"RoPE {name}: cos and sin to position {POSITIONS[-1]}", table, "absolute error", peer="transformers, float64",
                         target=f"<= {TABLE_BOUND:g}", ok=table <= TABLE_BOUND))
    return found


def regenerate():
    import torch
    import transformers
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    done = []
    for case in cases():
        answer = expected(case)
        for name in ("cos", "sin"):
            answer[name] = [round(x, 9) for x in answer[name]]  # a thousandth of the bound
        done.append({**case, **answer})
    lines = ",\n".join(json.dumps(case) for case in done)
    GOLDEN.write_text(f'{{"versions": {json.dumps(versions)},\n"positions": {POSITIONS},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"rope: {len(done)} cases")
