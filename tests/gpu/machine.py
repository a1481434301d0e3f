"""The machine of scripts/gpu.sh: its card, and the programs that were packed for it or are built on it."""
import csv
import datetime
import importlib.util
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys

from tests.support import suite
from tests.support.suite import ROOT, Unavailable

TARGETS = ("test_kernels_cuda", "kernels_cuda_bench", "fragment_map_cuda", "fragment_map_sim")
FOLDERS = {"test_kernels_cuda": "tests/kernels/cuda", "kernels_cuda_bench": "kernels/bench/cuda", "fragment_map_cuda": "tests/kernels/cuda", "fragment_map_sim": "tests/kernels/sim"}
QUERY = ("name", "driver_version", "compute_cap", "memory.total", "power.limit", "clocks.max.sm", "clocks.max.mem")


def nvidia_smi(*fields):
    """The first card's fields as text; Unavailable where there is none."""
    try:
        out = subprocess.run(["nvidia-smi", "-i", "0", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"no NVIDIA GPU here: nvidia-smi could not be run ({error.__class__.__name__})") from None
    line = next(csv.reader(io.StringIO(out.stdout)), [])
    if out.returncode != 0 or len(line) != len(fields):
        raise Unavailable(f"no NVIDIA GPU here: nvidia-smi says: {' '.join((out.stdout + out.stderr).split())[:200]}")
    return dict(zip(fields, (cell.strip() for cell in line)))


def clocks():
    try:
        found = nvidia_smi("clocks.sm", "clocks.mem")
    except Unavailable:
        return ""
    return f"{found['clocks.sm']}/{found['clocks.mem']}"


def pack_folder():
    """The folder that `pack` made: beside the packed sources, or in the checkout. None without one."""
    return next((folder for folder in (ROOT / ".gpu", ROOT.parent) if (folder / "manifest.json").is_file()), None)


def environment():
    """With the folders in which this machine may have cuBLAS."""
    folders = []
    if nvcc := shutil.which("nvcc"):
        home = pathlib.Path(nvcc).resolve().parent.parent
        folders += [home / "lib64", *home.glob("targets/*/lib")]
    if spec := importlib.util.find_spec("nvidia"):  # the wheels beside PyTorch
        for place in spec.submodule_search_locations or []:
            folders += sorted({library.parent for library in pathlib.Path(place).glob("*/lib/libcublas.so*")})
    known = [part for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(known + [str(folder) for folder in folders if folder.is_dir()])}


def device(bench):
    """The report of kernels_cuda_bench about the device; Unavailable if it finds none, OSError if it does not start here."""
    done = subprocess.run([bench, "device", "-"], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        raise Unavailable(f"no NVIDIA GPU here: {done.stderr.strip()}")
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or f"status {done.returncode}")
    return json.loads(done.stdout)


class Machine:
    def __init__(self, log):
        self.card = nvidia_smi(*QUERY)
        self.log, self.environment = log, environment()
        pack = pack_folder()
        manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8")) if pack else {}
        self.commit = manifest.get("commit") or suite.commit()
        self.compiler = manifest.get("compiler", "")
        if self.commit != suite.commit() and not suite.commit().startswith("unknown"):
            print(f"   .gpu/ is of commit {self.commit}, the checkout of {suite.commit()}: scripts/gpu.sh pack makes it anew", file=sys.stderr)
        source = pack / "source" if pack else ROOT
        built = {name: source / "build/gpu" / folder / name for name, folder in FOLDERS.items()}
        packed = {name: pack / "bin" / name for name in TARGETS} if pack else {}
        reasons = []
        for programs in filter(None, (packed, built)):
            if programs["kernels_cuda_bench"].is_file():
                try:
                    self.device = device(programs["kernels_cuda_bench"])
                    self.programs = programs
                    return
                except OSError as error:
                    reasons.append(str(error))
        self.build(source, "; ".join(reasons) or "there is no .gpu/ (scripts/gpu.sh pack makes it)")
        self.device, self.programs = device(built["kernels_cuda_bench"]), built

    def build(self, source, reason):
        print(f"== Building in {source} ({reason})", flush=True)
        capability = self.card["compute_cap"].replace(".", "")
        architecture = "90a-real" if capability == "90" else f"{capability}-real"
        for command in (["cmake", "--preset", "gpu", f"-DCMAKE_CUDA_ARCHITECTURES={architecture}"], ["cmake", "--build", "--preset", "gpu", "-j", str(os.cpu_count()), "--target", *TARGETS]):
            try:
                status = subprocess.run(command, cwd=source, stdout=self.log, stderr=self.log, timeout=420, check=False).returncode
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Unavailable(f"{' '.join(command[:3])} in {source}: {error}") from None
            if status != 0:
                raise Unavailable(f"{' '.join(command[:3])} in {source} failed with status {status}: see {self.log.name}")

    def about(self):
        return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), "card": self.card["name"], "driver": self.card["driver_version"],
                "power_limit_w": self.card["power.limit"], "max_clocks_mhz": f"{self.card['clocks.max.sm']}/{self.card['clocks.max.mem']}", "memory_mib": self.card["memory.total"],
                "l2_bytes": self.device["l2_bytes"], "multiprocessors": self.device["multiprocessors"], "capability": self.device["capability"], "commit": self.commit, "compiler": self.compiler}
