"""python3 -m tests.check.kernels.report: reads the built objects with cuobjdump, from PATH or from PyPI."""
import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tests.support import cuda_toolkit
from tests.support import python_environment
from tests.support.suite import ROOT

ARCHITECTURE = "sm_90a"
OBJECTS = "kernels/cuda/CMakeFiles/baton_kernels_cuda.dir"
TESTS = "tests/kernels/cuda/test_kernels_cuda_sim"
PAGE, DETAILS = ROOT / "docs/kernels.md", ROOT / "docs/measured/kernel-report.md"
BEGIN, END = "<!-- python3 -m tests.check.kernels.report writes from here -->", "<!-- to here -->"

TYPES = {"0": "f32", "1": "f16", "2": "q4_0", "3": "q4_1", "6": "q5_0", "7": "q5_1", "8": "q8_0", "12": "q4_k", "13": "q5_k", "14": "q6_k", "20": "iq4_nl", "30": "bf16"}

# 1024 weights of each quantised type: tensor_type.h.
BYTES_OF_1024 = {"q4_0": 576, "q4_1": 640, "q5_0": 704, "q5_1": 768, "q8_0": 1088, "q4_k": 576, "q5_k": 704, "q6_k": 840, "iq4_nl": 576}

# A multiprocessor of compute capability 9.0 (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
REGISTERS, WARPS, BLOCKS, SHARED_BYTES = 65536, 64, 32, 228 * 1024
RESERVED_SHARED = 1024  # of each block, by the driver; cuobjdump counts it among the static bytes
# Cycles that one instruction of a warp keeps its unit busy, for a multiprocessor on which four warps run, one in each part: tensor cores by mma.sync (of their
# 4 cycles for m16n8k16, about 62 % are reached), shared memory 128 bytes a cycle for all four, 16 special functions a cycle for all four.
COST = {"tensor": 4 / 0.62, "shared x4": 16.0, "shared": 4.0, "special": 8.0, "float": 1.0, "dp4a": 2.0, "issue": 1.0}
# Operations and bytes of a warp's instruction: m16n8k16, m16n8k8 and m16n8k32 products, four products a lane of dp4a.
OPERATIONS = [(r"HMMA\.16816", 4096), (r"HMMA\.1688", 2048), (r"IMMA\.16832", 8192), (r"IMMA\.16816", 4096), (r"IDP\.4A", 256), (r"HFMA2", 128), (r"FFMA|HADD2|HMUL2", 64), (r"FADD|FMUL", 32)]
WIDTHS = {"128": 16, "64": 8, "U16": 2, "S16": 2, "16": 2, "U8": 1, "S8": 1, "8": 1}  # of a lane's access; 4 if there is none
KINDS = [  # the first that matches
    ("tensor", r"(HMMA|IMMA|HGMMA)"), ("shared x4", r"(LDSM.*\.4|LDSM|LDS.*\.128|STS.*\.128)"), ("shared", r"(LDS|STS|LDGSTS)"), ("global", r"(LDG|STG|LD\.|ST\.|RED|ATOM)"),
    ("special", r"MUFU"), ("dp4a", r"IDP"), ("float", r"(FFMA|FADD|FMUL|FMNMX|FSETP|FSEL|HFMA2|HADD2|HMUL2|F2FP)"), ("other", r""),
]


def tool():
    """cuobjdump, which looks for nvdisasm beside itself or in PATH."""
    found = shutil.which("cuobjdump")
    if found and shutil.which("nvdisasm"):
        return found
    python_environment.make("cuda")
    home, _ = python_environment.place("cuda")
    for candidate in home.glob("lib/python3*/site-packages/nvidia/*/bin/cuobjdump"):
        os.environ["PATH"] = f"{candidate.parent}:{os.environ['PATH']}"
        return str(candidate)
    sys.exit("kernel_report: no cuobjdump in PATH, and none in the packages nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def demangled(names):
    out = run("c++filt", input="\n".join(names)).splitlines()
    # (kernel, its template arguments), without what is the same for all.
    short = {}
    for name, text in zip(names, out):
        text = re.sub(r"\(anonymous namespace\)::|baton::kernels::cuda::(?:decode::)?|baton::kernels::|^void ", "", text)
        text = text[:text.rindex("(")] if "(" in text else text
        text = re.sub(r"\(TensorType\)(\d+)", lambda match: TYPES.get(match[1], match[1]), re.sub(r"\(GateFunction\)", "", text))
        kernel, _, arguments = text.partition("<")
        short[name] = kernel, re.sub(r"^(?:Config|Layout)<(.*?)>", r"\1", arguments[:-1].strip().replace("(bool)1", "true").replace("(bool)0", "false")) if arguments else ""
    return short


def resources(cuobjdump, path):
    """{architecture: {mangled name: {registers, stack, shared}}}"""
    found, name, architecture = {}, None, None
    for line in run(cuobjdump, "-res-usage", str(path)).splitlines():
        if line.startswith("arch ="):
            architecture = line.split("=")[1].strip()
        elif match := re.match(r"\s*Function (\S+):", line):
            name = match[1]
        elif name and (match := re.search(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)", line)):
            found.setdefault(architecture, {})[name] = {"registers": int(match[1]), "stack": int(match[2]) + int(match[4]), "shared": max(0, int(match[3]) - RESERVED_SHARED)}
            name = None
    return found


def code(cuobjdump, path):
    """{mangled name: [(address, instruction)]}"""
    found, name = {}, None
    for line in run(cuobjdump, "-arch", ARCHITECTURE, "-sass", str(path)).splitlines():
        if match := re.match(r"\s*Function : (\S+)", line):
            name = found.setdefault(match[1], [])
        elif name is not None and (match := re.match(r"\s*/\*([0-9a-f]{4,})\*/\s+(.*?);", line)):
            name.append((int(match[1], 16), match[2].strip()))
    return found


def without_predicate(instruction):
    return re.sub(r"^@!?U?P\w+\s+", "", instruction)


def kind_of(instruction):
    return next(kind for kind, pattern in KINDS if re.match(pattern, instruction))


def operations_of(instruction):
    return next((count for pattern, count in OPERATIONS if re.match(pattern, instruction)), 0)


def bytes_of(instruction):
    """A warp's bytes read from or written to global memory by it."""
    if not re.match(r"LDG|STG|RED|ATOMG", instruction):
        return 0
    return 32 * next((WIDTHS[part] for part in instruction.split()[0].split(".") if part in WIDTHS), 4)


def streamed_bytes(kernel, arguments):
    """A warp's bytes read from memory in one turn of the inner loop, for the kernels that read everything once; None for others."""
    parts = arguments.split(", ")
    if kernel == "mat_vec_kernel":  # type, tokens, rows, stages: 1024 weights of each row
        return BYTES_OF_1024[parts[0]] * int(parts[2])
    if kernel == "attention_decode_kernel":  # type, head_dim, warps, stages: 16 keys and values
        head_dim = int(parts[1])
        scales = 2 * (2 if head_dim <= 64 else 4 if head_dim <= 128 else 8) if parts[0] == "NarrowQ8" else 0
        return 2 * 16 * (head_dim * (1 if parts[0].startswith("Narrow") else 2) + scales)
    return None


def block_bytes(kernel, arguments, warps, loop):
    """A block's bytes moved from and to global memory in one turn of the inner loop: for kernels with a loop of copies within it, by the
    meaning of the turn; for others, by its instructions."""
    if streamed := streamed_bytes(kernel, arguments):
        return warps * streamed
    if kernel == "attention_prefill_kernel":  # type, head_dim, warps, row tiles, keys, blocks: keys and values of a tile
        _, head_dim, _, _, keys, *_ = arguments.replace(">", "").split(", ")
        return 2 * 2 * int(head_dim) * int(keys)
    return warps * sum(map(bytes_of, loop))


def inner_loop(instructions):
    """The smallest loop that has all of the most important instructions: tensor instructions, else dp4a, else memory's. Returns its
    instructions."""
    loops = []
    for address, text in instructions:
        match = re.search(r"\bBRA(?:\.\w+)* .*?0x([0-9a-f]+)", text)
        if match and int(match[1], 16) < address:
            loops.append((int(match[1], 16), address))
    bodies = [[without_predicate(text) for address, text in instructions if first <= address <= last] for first, last in loops]
    for wanted in ("tensor", "dp4a", "global", "shared"):
        most = max((sum(kind_of(text) == wanted for text in body) for body in bodies), default=0)
        if most:
            return min((body for body in bodies if sum(kind_of(text) == wanted for text in body) == most), key=len)
    return []


def bound(counts):
    """The unit that a turn of the loop keeps busy longest, and its cycles."""
    cycles = {kind: count * COST[kind] for kind, count in counts.items() if kind in COST}
    shared = cycles.pop("shared x4", 0) + cycles.pop("shared", 0)
    cycles["shared memory"] = shared
    cycles["issue"] = float(sum(counts.values()))
    unit = max(cycles, key=cycles.get)
    return unit, round(cycles[unit]), {name: round(value) for name, value in cycles.items() if value}


def occupancy(kernel):
    """Blocks that a multiprocessor holds at once, and the limiting resource."""
    threads, shared = kernel["threads"], kernel["shared"] + kernel["dynamic_shared"]
    warps = -(-threads // 32)
    registers = warps * (-(-kernel["registers"] * 32 // 256) * 256)  # allocated a warp at a time, in units of 256
    limits = {"registers": REGISTERS // registers, "warps": WARPS // warps, "blocks": BLOCKS, "shared memory": SHARED_BYTES // (shared + RESERVED_SHARED)}
    limit = min(limits, key=limits.get)
    return limits[limit], limit, round(100 * limits[limit] * warps / WARPS)


def launches(build):
    """{(kernel, arguments): (threads, dynamic shared bytes)} of the simulated tests."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([build / TESTS, "--gtest_filter=*simulator_1-*Full*", "--gtest_brief=1"], env={**os.environ, "BATON_LAUNCHES": file.name}, check=True, stdout=subprocess.DEVNULL)
        lines = [line.split(" ", 2) for line in pathlib.Path(file.name).read_text(encoding="utf-8").splitlines()]
    names = demangled([name for _, _, name in lines])
    return {names[name]: (int(threads), int(shared)) for threads, shared, name in lines}


def report(build, tests):
    objects = sorted((build / OBJECTS).glob("*.cu.o"))
    if not objects:
        sys.exit(f"kernel_report: no objects in {build / OBJECTS}: cmake --preset cuda && cmake --build --preset cuda --target baton_kernels_cuda")
    cuobjdump = tool()
    seen = launches(tests)
    kernels = []
    for i, path in enumerate(objects):
        print(f"[{i + 1}/{len(objects)}] {path.stem}", file=sys.stderr, flush=True)
        used, instructions = resources(cuobjdump, path), code(cuobjdump, path)
        names = demangled(list(used[ARCHITECTURE]))
        for name, usage in used[ARCHITECTURE].items():
            threads, dynamic = seen.get(names[name], (0, 0))
            loop = inner_loop(instructions.get(name, []))
            counts = dict(collections.Counter(kind_of(text) for text in loop))
            warps = -(-threads // 32)
            kernel = {"file": path.name.removesuffix(".o"), "kernel": names[name][0], "arguments": names[name][1], **usage, "threads": threads, "dynamic_shared": dynamic,
                      "bytes": 16 * len(instructions.get(name, [])), "loop": counts, "loop_bytes": block_bytes(*names[name], warps, loop), "loop_operations": warps * sum(map(operations_of, loop)),
                      "wants_tensor": includes(ROOT / "kernels/cuda" / path.name.removesuffix(".o"), "device/mma.h"),
                      "spilling": sorted(architecture for architecture, of in used.items() if of.get(name, {}).get("stack"))}
            kernel["bound"], kernel["cycles"], kernel["units"] = bound(counts) if counts else ("latency", 0, {})
            streamed = streamed_bytes(*names[name])
            kernel["bytes_a_cycle"] = round(4 * streamed / kernel["cycles"], 1) if streamed and counts else None
            kernel["blocks"], kernel["limit"], kernel["occupancy"] = occupancy(kernel) if threads else (0, "never launched by a test", 0)
            kernels.append(kernel)
    return kernels


def includes(path, wanted, seen=None):
    """Whether a source includes a header of kernels/cuda/, by itself or by another one."""
    seen = set() if seen is None else seen
    for name in re.findall(r'#include [<"](?:baton/kernels/cuda/)?([^>"]+)[>"]', path.read_text(encoding="utf-8")):
        for header in (path.parent / name, ROOT / "kernels/cuda" / name):
            if header.is_file() and header not in seen:
                seen.add(header)
                if header.match(wanted) or includes(header, wanted, seen):
                    return True
    return False


def faults(kernels):
    found = [f"{title(k)}: spills or local arrays for {', '.join(k['spilling'])}" for k in kernels if k["spilling"]]
    found += [f"{title(k)}: a block of the tests fits no multiprocessor of {ARCHITECTURE}: {k['limit']}" for k in kernels if k["threads"] and not k["blocks"]]
    found += [f"{path.name}: {match[1]} has no __launch_bounds__" for path in sorted((ROOT / "kernels/cuda").glob("*.cu"))
              for match in re.finditer(r"__global__ void (?!__launch_bounds__)(\w+)", path.read_text(encoding="utf-8"))]
    found += [f"{title(k)}: no tensor instruction in its loop, although {k['file']} includes mma.h" for k in kernels if k["wants_tensor"] and not k["loop"].get("tensor")]
    found += [f"{title(k)}: no test launches it" for k in kernels if not k["threads"]]
    return found


def title(kernel):
    return f"{kernel['kernel']}<{kernel['arguments']}>" if kernel["arguments"] else kernel["kernel"]


def span(values):
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def summary(kernels):
    lines = ["| file | instantiations | KB of code | registers | shared memory, KB a block | blocks an SM | a turn of the inner loop | KB and thousand operations of a block in a turn | bound | bytes a cycle |", "|" + "---|" * 10]
    for file in dict.fromkeys(kernel["file"] for kernel in kernels):
        mine = [kernel for kernel in kernels if kernel["file"] == file]
        loops = []
        for kind in ("tensor", "dp4a", "shared x4", "shared", "global", "special"):
            counts = [kernel["loop"].get(kind, 0) for kernel in mine]
            if max(counts):
                loops.append(f"{kind} {span(counts)}")
        bounds = list(dict.fromkeys(kernel["bound"] for kernel in mine))
        lines.append(f"| {file} | {len(mine)} | {sum(kernel['bytes'] for kernel in mine) / 1024:.0f} | {span([kernel['registers'] for kernel in mine])} | "
                     f"{span([round((kernel['shared'] + kernel['dynamic_shared']) / 1024) for kernel in mine])} | {span([kernel['blocks'] for kernel in mine])} | {', '.join(loops)} | "
                     f"{span([round(kernel['loop_bytes'] / 1024, 1) for kernel in mine])}; {span([round(kernel['loop_operations'] / 1000) for kernel in mine])} | {', '.join(bounds)} | "
                     f"{span([kernel['bytes_a_cycle'] for kernel in mine]) if mine[0]['bytes_a_cycle'] else ''} |")
    return lines


def details(kernels):
    lines = ["| kernel | registers | shared static + dynamic | threads | blocks an SM (limit) | occupancy | tensor | dp4a | shared x4 | shared | global | special | float | other | bytes of a block | operations of a block | bound, cycles | bytes a cycle |",
             "|" + "---|" * 18]
    for kernel in kernels:
        loop = kernel["loop"]
        lines.append(f"| {title(kernel)} | {kernel['registers']} | {kernel['shared']} + {kernel['dynamic_shared']} | {kernel['threads']} | {kernel['blocks']} ({kernel['limit']}) | {kernel['occupancy']} % | "
                     + " | ".join(str(loop.get(kind, 0)) for kind in ("tensor", "dp4a", "shared x4", "shared", "global", "special", "float", "other")) + f" | {kernel['loop_bytes']} | {kernel['loop_operations']} | {kernel['bound']}, {kernel['cycles']} | {kernel['bytes_a_cycle'] or ''} |")
    return lines


def write(kernels, compiler):
    total = f"{len(kernels)} instantiations, {sum(kernel['bytes'] for kernel in kernels) / 1024:.0f} KB of machine code for {ARCHITECTURE}, {compiler}"
    about = """\
Counts are instructions of a warp in one turn of the inner loop. The bound is the unit that such a turn keeps busy longest, when four warps
run on a multiprocessor and memory is not the limit. Bytes and operations of a block: all that its warps move from and to global memory and
compute in such a turn, floating-point and tensor operations counted (a multiply-add is two). Bytes a cycle: of kernels that read everything
once, the bytes that these warps then read. The memory of an H100 gives a multiprocessor 13 to 14 (3.35 TB/s for 132 of them at 1.8 to
1.98 GHz), so a kernel with fewer is bound by that unit, not by memory. Branches that are seldom taken are counted as if they were taken in
each turn."""
    text = PAGE.read_text(encoding="utf-8")
    first, rest = text.split(BEGIN, 1)
    _, last = rest.split(END, 1)
    PAGE.write_text(first + BEGIN + f"\n{total}; spills: {sum(1 for kernel in kernels if kernel['spilling'])}.\nEach one: [measured/kernel-report.md](measured/kernel-report.md).\n{about}\n\n" + "\n".join(summary(kernels)) + "\n" + END + last,
                    encoding="utf-8")
    DETAILS.write_text(f"# CUDA kernels as built\n\nWritten by `python3 -m tests.check.kernels.report`: {datetime.date.today()}. {total}.\n{about}\n\n" + "\n".join(details(kernels)) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/cuda", help="where baton_kernels_cuda was built (default: build/cuda)")
    parser.add_argument("--tests", type=pathlib.Path, help="where test_kernels_cuda_sim was built, for what is launched (default: --build)")
    parser.add_argument("--json", action="store_true", help="all of it on standard output")
    parser.add_argument("--check", action="store_true", help="write nothing; the exit status says whether there is a fault")
    options = parser.parse_args()
    kernels = report(options.build, options.tests or options.build)
    if options.json:
        print(json.dumps(kernels, indent=1))
    else:
        print("\n".join(summary(kernels)))
    found = faults(kernels)
    for fault in found:
        print(f"kernels.report: {fault}", file=sys.stderr)
    print(f"{len(kernels)} instantiations, {sum(kernel['bytes'] for kernel in kernels) / 1024:.0f} KB, {len(found)} faults", file=sys.stderr)
    if not options.check:
        write(kernels, run(cuda_toolkit.nvcc(), "--version").splitlines()[3].split(",")[1].strip().replace("release", "CUDA"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
