"""The peers of scripts/gpu.sh in Python: PyTorch, FlashAttention, FlashInfer. Reads lines `OP SHAPE`, answers each with one JSON line, as
kernels_cuda_bench does: time from CUDA events around series of runs, the median of seven, operands rotating over four times the L2."""
import contextlib
import importlib
import json
import math
import statistics
import sys

from tests.gpu import shapes as gpu_shapes

WARM_UP_MS, SERIES_MS, SERIES, MOST_RUNS = 60, 10, 7, 5000  # as kernels/bench/cuda/timing.cpp


class Skipped(Exception):
    """A peer that is missing here, or does not support this shape."""


def rotating(torch, make):
    """Sets of operands that together exceed the L2, counted like n_sets() of kernels/bench/cuda/device.h."""
    first = make()
    size = sum(tensor.numel() * tensor.element_size() for tensor in first)
    return [first] + [make() for _ in range(max(2, math.ceil(4 * torch.cuda.get_device_properties(0).L2_cache_size / size)) - 1)]


def microseconds(torch, run, sets):
    start, end, turn = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True), 0

    def series(n):
        nonlocal turn
        start.record()
        for _ in range(n):
            run(*sets[turn % len(sets)])
            turn += 1
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / n
    series(1)  # work that is done once: plans, code
    each = warm = series(1)
    while warm < WARM_UP_MS:
        n = min(MOST_RUNS, max(1, math.ceil((WARM_UP_MS - warm) / max(each, 1e-3))))
        each = series(n)
        warm += max(each * n, 0.5)
    n = min(MOST_RUNS, max(1, math.ceil(SERIES_MS / max(each, 1e-3))))
    found = [series(n) for _ in range(SERIES)]
    middle = statistics.median(found)
    return middle * 1000, (max(found) - min(found)) / middle


def attention_operands(torch, v, n_queries, n_keys):
    kind = torch.float16 if v.get("type") == "f16" else torch.bfloat16

    def make():
        return [torch.randn(v["batch"], heads, n, v["d"], dtype=kind, device="cuda") for heads, n in ((v["heads"], n_queries), (v["kv_heads"], n_keys), (v["kv_heads"], n_keys))]
    return rotating(torch, make)


def sdpa(backend):
    def prepare(torch, v, sets, causal):
        from torch.nn.attention import SDPBackend, sdpa_kernel
        options = {"enable_gqa": True} if v["heads"] != v["kv_heads"] else {}
        function = torch.nn.functional.scaled_dot_product_attention
        return (lambda q, k, value: function(q, k, value, is_causal=causal, **options)), sets, sdpa_kernel(getattr(SDPBackend, backend))
    return prepare


# Each: (run, sets of its operands, the context in which it runs).
NOTHING = contextlib.nullcontext()


def tokens_first(sets):
    return [[tensor.transpose(1, 2).contiguous() for tensor in one] for one in sets]


def flash_attn(_torch, _v, sets, causal):
    for module in ("flash_attn_interface", "flash_attn"):  # 3, then 2
        try:
            function = importlib.import_module(module).flash_attn_func
            return (lambda q, k, value: function(q, k, value, causal=causal)), tokens_first(sets), NOTHING
        except ImportError:
            continue
    raise Skipped("FlashAttention is not installed")


def flashinfer(_torch, v, sets, causal):
    try:
        library = importlib.import_module("flashinfer")
    except ImportError:
        raise Skipped("FlashInfer is not installed") from None
    if v["batch"] != 1:
        raise Skipped("asked for one sequence only")
    sets = [[tensor[0] for tensor in one] for one in tokens_first(sets)]
    if "context" in v:
        return (lambda q, k, value: library.single_decode_with_kv_cache(q, k, value)), [[q[0], k, value] for q, k, value in sets], NOTHING
    return (lambda q, k, value: library.single_prefill_with_kv_cache(q, k, value, causal=causal)), sets, NOTHING


ATTENTION = {"sdpa_flash": sdpa("FLASH_ATTENTION"), "sdpa_cudnn": sdpa("CUDNN_ATTENTION"), "sdpa_math": sdpa("MATH"), "flash_attn": flash_attn, "flashinfer": flashinfer}


def attention(torch, op, v):
    decodes = "context" in v
    n_queries, n_keys = (1, v["context"]) if decodes else (v["n"], v["n"])
    causal = bool(v.get("causal", 0))  # a last token sees all keys: no mask
    run, sets, within = ATTENTION[op](torch, v, attention_operands(torch, v, n_queries, n_keys), causal)
    with within:
        us, spread = microseconds(torch, run, sets)
    if decodes:
        return {"figure": 4 * v["batch"] * n_keys * v["kv_heads"] * v["d"] / us * 1e-3, "unit": "GB/s", "us": us, "spread": spread}
    flop = 4 * v["batch"] * v["heads"] * v["d"] * n_keys * n_keys / (2 if causal else 1)
    return {"figure": flop / us * 1e-6, "unit": "TFLOP/s", "us": us, "spread": spread}


def written_out(torch, v):
    """Scores as a matrix of n x n. The figure is the maximum memory in use."""
    torch.cuda.reset_peak_memory_stats()
    sets = [[torch.randn(v["batch"], v["heads"], v["n"], v["d"], dtype=torch.bfloat16, device="cuda") for _ in range(3)]]

    def run(q, k, value):
        scores = (q * v["d"] ** -0.5) @ k.transpose(-1, -2)
        return torch.softmax(scores, dim=-1) @ value
    us, spread = microseconds(torch, run, sets)
    return {"figure": torch.cuda.max_memory_allocated() / 2**20, "unit": "MiB", "us": us, "spread": spread, "note": f"{us / 1000:.2f} ms"}


def matmul(torch, v):
    if "n_out" in v:
        m, n, k, kind = v["tokens"], v["n_out"], v["n_in"], torch.float16 if v["type"] == "f16" else torch.bfloat16
    else:
        m, n, k, kind = v["m"], v["n"], v["k"], torch.bfloat16
    sets = rotating(torch, lambda: [torch.randn(m, k, dtype=kind, device="cuda"), torch.randn(n, k, dtype=kind, device="cuda")])
    us, spread = microseconds(torch, lambda x, w: x @ w.T, sets)
    if "n_out" in v:
        return {"figure": 2 * n * k / us * 1e-3, "unit": "GB/s", "us": us, "spread": spread}
    return {"figure": 2 * m * n * k / us * 1e-6, "unit": "TFLOP/s", "us": us, "spread": spread}


def int8(torch, v):
    make = lambda rows: torch.randint(-127, 128, (rows, v["k"]), dtype=torch.int8, device="cuda")
    sets = [[make(v["m"]), make(v["n"])] for _ in range(2)]
    us, spread = microseconds(torch, lambda x, w: torch._int_mm(x, w.T), sets)
    return {"figure": 2 * v["m"] * v["n"] * v["k"] / us * 1e-6, "unit": "TOP/s", "us": us, "spread": spread}


def answer(torch, op, v):
    if op in ATTENTION:
        return attention(torch, op, v)
    return {"written_out": written_out, "torch_matmul": matmul, "torch_int8": int8}[op](torch, v)


def main():
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed for the python3 that runs this", flush=True)
        return
    if not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} sees no GPU", flush=True)
        return
    print(f"ready: PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}", flush=True)
    torch.manual_seed(1)
    torch.set_grad_enabled(False)
    for line in sys.stdin:
        op, shape = line.split()
        try:
            found = answer(torch, op, gpu_shapes.values(shape))
        except Skipped as reason:
            found = {"skipped": str(reason)}
        except torch.cuda.OutOfMemoryError:
            found = {"skipped": "out of memory"}
        except Exception as error:  # peers report unsupported shapes in different ways
            found = {"skipped": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        torch.cuda.empty_cache()
        print(json.dumps({"op": op, "shape": shape, **found}), flush=True)


if __name__ == "__main__":
    main()
