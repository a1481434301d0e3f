"""The measurements of scripts/gpu.sh: shapes, as the text that kernels_cuda_bench reads, and their targets."""

HIDDEN, TOKENS = 2048, 16384  # of FlashAttention's own benchmark: heads x head size, and batch x length
LENGTHS = (4096, 8192, 16384, 2048, 1024, 512, 32768)  # those with a target first, should the time run out
FORMATS = ("q4_0", "q4_k", "q8_0", "bf16", "q6_k", "q5_k", "q4_1", "q5_0", "q5_1", "iq4_nl", "f16", "f32")
LEAST_SHARE = 0.80  # of the measured copy bandwidth: decode attention and mat-vec, where a run reads more than the L2 holds
LEAST_RATIO = 0.95  # to SDPA's flash backend: causal prefill, head size 128, 4k to 16k


def text(**values):
    return ",".join(f"{key}={value}" for key, value in values.items())


def values(shape):
    """The text's values, numbers as such."""
    pairs = (pair.split("=") for pair in shape.split(","))
    return {key: int(value) if value.isdigit() else value for key, value in pairs}


def prefill():
    found = [text(batch=max(1, TOKENS // n), n=n, heads=HIDDEN // d, kv_heads=HIDDEN // d, d=d, causal=causal) for d in (128, 64) for causal in (1, 0) for n in LENGTHS]
    return [("attention_prefill", shape) for shape in found + [text(batch=2, n=8192, heads=32, kv_heads=8, d=128, causal=1)]]


def decode():
    llama_8b, qwen_half_b = {"heads": 32, "kv_heads": 8, "d": 128}, {"heads": 14, "kv_heads": 2, "d": 64}
    found = [text(type=kind, batch=1, context=context, **llama_8b) for context in (131072, 32768) for kind in ("bf16", "f16", "q8_0", "fp8")]
    found += [text(type="bf16", batch=32, context=4096, **llama_8b), text(type="bf16", batch=1, context=4096, **llama_8b)]
    found += [text(type="bf16", batch=batch, context=32768, **qwen_half_b) for batch in (1, 16)]
    return [("attention_decode", shape) for shape in found]


def mat_vec():
    # Gate and up of an 8B model, its attention's output, then several tokens.
    found = [text(type=kind, n_out=28672, n_in=4096, tokens=1) for kind in FORMATS]
    found += [text(type=kind, n_out=4096, n_in=4096, tokens=1) for kind in FORMATS[:4]]
    found += [text(type=kind, n_out=28672, n_in=4096, tokens=tokens) for kind in ("q4_k", "q8_0") for tokens in (4, 8, 16, 64)]
    return [("mat_vec", shape) for shape in found]


def product():
    sizes = ((8192, 8192, 8192), (2048, 28672, 4096), (512, 4096, 4096))
    return [("product", text(m=m, n=n, k=k, by=by)) for m, n, k in sizes for by in ("own", "cublas")]


def memory():
    return [("attention_memory", text(batch=1, n=n, heads=16, kv_heads=16, d=128, causal=0)) for n in (2048, 8192, 16384, 32768, 65536, 131072)]


def ceilings():
    return [("copy", text(by="memcpy", mib=2048)), ("copy", text(by="kernel", mib=2048)), ("read", text(mib=2048)), ("read", text(mib=0)),
            ("product", text(m=8192, n=8192, k=8192, by="cublas")), ("mma", text(type="bf16", products=4096)), ("mma", text(type="s8", products=4096))]


# The ceiling of an op: (op, fields of its shape) of the rows of which the best one counts.
COPY, BF16 = ("copy", {}), ("product", {"by": "cublas"})
CEILINGS = {"attention_prefill": BF16, "product": BF16, "attention_decode": COPY, "mat_vec": COPY}


def peers(op, shape):
    """Ops of torch_peer.py that compute the same, for one shape of ours."""
    v = values(shape)
    if op == "attention_prefill":
        return ["sdpa_flash", "sdpa_cudnn", "flash_attn", "flashinfer"] + (["sdpa_math"] if v["n"] <= 8192 else [])
    if op == "attention_decode":
        return ["sdpa_flash", "sdpa_cudnn", "flashinfer"] if v["type"] in ("bf16", "f16") else []
    if op == "product":
        return ["torch_matmul"] if v["by"] == "own" else []
    return ["torch_matmul"] if v["type"] in ("bf16", "f16") and v["tokens"] == 1 else []


def ratio_target(op, shape, peer):
    v = values(shape)
    wanted = op == "attention_prefill" and peer == "sdpa_flash" and v["d"] == 128 and v["causal"] and v["heads"] == v["kv_heads"] and 4096 <= v["n"] <= 16384
    return LEAST_RATIO if wanted else None


def share_target(op, shape, n_bytes, l2_bytes):
    one_token = op == "attention_decode" or (op == "mat_vec" and values(shape)["tokens"] == 1)
    return LEAST_SHARE if one_token and n_bytes > l2_bytes else None
