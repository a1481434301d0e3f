"""Dequantisation of every weight format against the gguf package, on random blocks and on tensors of the models."""
import json
import pathlib
import subprocess

from tests.support.suite import ROOT, Unavailable, row

GOLDEN = ROOT / "tests/golden/kernels/dequantize.json"
# ggml's type ids.
TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "BF16": 30}
# Byte offsets of the f16 scales in a block. Random bits there would be NaN, or so large that all other values vanish.
SCALES = {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
BLOCKS = {1: 32, 32: 3, 256: 2}  # blocks of that many elements
SEED = 7


def random_blocks(name, random):
    import gguf
    import numpy
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    n = BLOCKS[elements]
    if elements == 1:
        values = random.normal(size=n).astype(numpy.float32)
        if name == "F32":
            return values.view(numpy.uint8)
        bits = values.astype(numpy.float16).view(numpy.uint16) if name == "F16" else (values.view(numpy.uint32) >> 16).astype(numpy.uint16)
        return bits.view(numpy.uint8)
    blocks = random.integers(0, 256, size=(n, size), dtype=numpy.uint8)
    for offset in SCALES.get(name, [0]):
        scale = random.uniform(-1, 1, size=(n, 1)).astype(numpy.float16)
        blocks[:, offset:offset + 2] = scale.view(numpy.uint8)
    return blocks.reshape(-1)


def ask(probe, name, data):
    """Baton's floats for the bytes of whole blocks, as bytes."""
    run = subprocess.run([str(probe), "dequantize", str(TYPES[name])], input=data, capture_output=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"kernels_probe: {run.stderr.decode().strip()}")
    return run.stdout


def differences(want, got):
    """Floats whose bits differ."""
    if len(want) != len(got):
        return max(len(want), len(got)) // 4
    return sum(want[i:i + 4] != got[i:i + 4] for i in range(0, len(want), 4)) if want != got else 0


def model_rows(probe, models_dir):
    """The first rows of one tensor of each type in each model on this machine."""
    import gguf
    import numpy
    for path in sorted(pathlib.Path(models_dir).glob("*.gguf")):
        tensors = {tensor.tensor_type.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        wrong = total = 0
        for name, tensor in tensors.items():
            if name not in TYPES:
                continue
            data = numpy.ascontiguousarray(tensor.data if tensor.data.ndim == 1 else tensor.data[:256]).view(numpy.uint8).reshape(-1)
            want = gguf.quants.dequantize(data, tensor.tensor_type).astype("<f4").tobytes()
            wrong += differences(want, ask(probe, name, data.tobytes()))
            total += len(want) // 4
        yield row(f"dequantise {path.stem}", wrong, "different floats", peer="gguf", target="0", ok=wrong == 0 and total > 0,
                  note=f"{total} weights of {', '.join(sorted(tensors))}")


def rows(baton, models_dir, quick):
    probe = pathlib.Path(baton).parent / "tests/kernels_probe"
    if not probe.is_file():
        raise Unavailable(f"{probe} is not built: build the preset with its tests")
    for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]:
        want = bytes.fromhex(case["floats"])
        wrong = differences(want, ask(probe, case["type"], bytes.fromhex(case["data"])))
        yield row(f"dequantise {case['type']}", wrong, "different floats", peer="gguf", target="0", ok=wrong == 0, note=f"{len(want) // 4} random")
    if not quick:
        yield from model_rows(probe, models_dir)


def regenerate():
    import importlib.metadata
    import gguf
    import numpy
    random = numpy.random.default_rng(SEED)
    cases = []
    for name in TYPES:
        data = random_blocks(name, random)
        values = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[name]).astype("<f4")
        cases.append({"type": name, "data": data.tobytes().hex(), "floats": values.reshape(-1).tobytes().hex()})
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    versions = {"gguf": importlib.metadata.version("gguf"), "numpy": numpy.__version__}
    lines = ",\n".join(json.dumps(case) for case in cases)
    GOLDEN.write_text(f'{{"versions": {json.dumps(versions)},\n"about": "blocks and the f32 values in them, little endian, as hex",\n"cases": [\n{lines}\n]}}\n')
    print(f"dequantize: {len(cases)} formats")
