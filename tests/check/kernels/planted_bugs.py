"""Kernels with a bug compiled in, run by the simulator of CUDA devices: each must be found, and the same kernel without it must pass.

Found by: a report of the simulator, a wrong result under some order of threads, ThreadSanitizer, or MemorySanitizer (where clang++ was
found). The registers and threads of a launch come from ptxas and are compared with the launches that the simulator saw.
"""
import os
import pathlib
import re
import subprocess
import tempfile

from tests.support import cuda_toolkit
from tests.support import suite

FOLDER = suite.ROOT / "build/release/tests/kernels/sim"
SOURCES = suite.ROOT / "tests/kernels/sim/planted"
INCLUDES = [suite.ROOT / "build/release/include" / name for name in ("kernels", "kernels_cuda_device")]
# Only some orders of threads show a wrong result.
PROGRAMS = [("planted_bugs", "", 8), ("planted_bugs_tsan", "ThreadSanitizer", 2), ("planted_bugs_msan", "MemorySanitizer", 2)]
SANITIZER_STATUS = (66, 67)
REGISTERS_OF_A_BLOCK = 65536
REGISTER_UNIT = 256  # a warp's registers are allocated in units of this many
FROM_PTXAS = ("too_many_registers", "launch_bounds")  # bugs that no run shows


def caught_by(program, sanitizer, kind, name, seeds):
    """The check that found it: a text, or None if every run gave the right result. One process for all seeds, because starting it takes
    longest."""
    done = subprocess.run([FOLDER / program, kind, name, str(seeds)], capture_output=True, text=True, errors="replace", timeout=120, check=False)
    report = re.search(r"^simulator: (.*)", done.stderr, re.MULTILINE)
    if done.returncode == 0:
        return None
    if done.returncode in SANITIZER_STATUS:
        return sanitizer
    if done.returncode == 1:
        return "a wrong result"
    if report:
        return "the simulator: " + re.sub(r"\S*/(\S+\.cu:\d+)", r"\1", report.group(1))
    raise RuntimeError(f"{program} {kind} {name} ended with {done.returncode}: {done.stderr[-500:]}")


def without_file(mangled):
    """The name with nvcc's name of an anonymous namespace, which contains the file's, replaced by the one of g++ and clang."""
    found = re.search(r"(\d+)_GLOBAL__N_", mangled)
    if not found:
        return mangled
    return mangled[:found.start()] + "12_GLOBAL__N_1" + mangled[found.end(1) + int(found.group(1)):]


def kernels_of(source, compiler):
    """{mangled name: (registers of a thread, most threads that __launch_bounds__ allows or None)}"""
    with tempfile.TemporaryDirectory() as folder:
        ptx = pathlib.Path(folder, "kernels.ptx")
        options = ["-std=c++20", "-arch=sm_90a", *[f"-I{path}" for path in INCLUDES]]
        subprocess.run([compiler, *options, "-ptx", "-o", ptx, source], check=True, capture_output=True, timeout=300)
        assembler = pathlib.Path(compiler).with_name("ptxas")
        out = subprocess.run([assembler, "-v", "-arch=sm_90a", ptx, "-o", os.devnull], check=True, capture_output=True, text=True, timeout=300).stderr
        bounds = {name: int(n) for name, n in re.findall(r"\.entry (\w+)\([^)]*\)\s*\.maxntid (\d+)", ptx.read_text(encoding="utf-8"))}
    found = re.findall(r"Compiling entry function '(\w+)'.*?Used (\d+) registers", out, re.DOTALL)
    return {without_file(name): (int(registers), bounds.get(name)) for name, registers in found}


def cannot_launch(kind, name, kernels):
    """The reason why a device would refuse a launch of this bug's, or None."""
    out = subprocess.run([FOLDER / "planted_bugs", "launches", kind, name], capture_output=True, text=True, timeout=60, check=True).stdout
    for line in out.splitlines():
        kernel, threads, _shared = line.split()
        registers, bound = kernels[kernel]
        warps = (int(threads) + 31) // 32
        needed = warps * -(-registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
        if bound is not None and int(threads) > bound:
            return f"ptxas: {threads} threads, __launch_bounds__ allows {bound}"
        if needed > REGISTERS_OF_A_BLOCK:
            return f"ptxas: {threads} threads with {registers} registers are {needed}, a block has {REGISTERS_OF_A_BLOCK}"
    return None


def rows(_baton, _models_dir, _quick):
    if not (FOLDER / "planted_bugs").exists():
        raise suite.Unavailable("planted_bugs is not built: cmake --build build/release")
    programs = [program for program in PROGRAMS if (FOLDER / program[0]).exists()]
    for program, sanitizer, _seeds in PROGRAMS:
        if not (FOLDER / program).exists():
            yield suite.skipped(sanitizer, f"{program} is not built")
    compiler = cuda_toolkit.nvcc()
    kernels = kernels_of(SOURCES / "launches.cu", compiler) if compiler else None
    listed = subprocess.run([FOLDER / "planted_bugs", "list"], capture_output=True, text=True, timeout=60, check=True).stdout
    # Without bugs, all in one process: only if that reports something, each is checked by itself.
    alarming = [program for program in programs if caught_by(program[0], program[1], "fixed", "all", program[2])]
    for line in listed.splitlines():
        name, what = line.split("\t")
        if name in FROM_PTXAS and not kernels:
            yield suite.skipped(what, "registers and bounds need nvcc, which is not installed")
            continue
        found = [caught_by(program, sanitizer, "bug", name, seeds) for program, sanitizer, seeds in programs]
        alarms = [caught_by(program, sanitizer, "fixed", name, seeds) for program, sanitizer, seeds in alarming]
        if name in FROM_PTXAS:
            found.append(cannot_launch("bug", name, kernels))
            alarms.append(cannot_launch("fixed", name, kernels))
        ways = {}
        for way in filter(None, found):
            ways.setdefault(way.split(":")[0], way)  # of the simulator's reports, the first: it is most detailed in the plain program
        alarm = next(filter(None, alarms), None)
        note = f"FALSE ALARM without the bug: {alarm}" if alarm else "; ".join(ways.values())
        yield suite.row(what, "caught" if ways else "not caught", target="caught", ok=bool(ways) and not alarm, note=note)
