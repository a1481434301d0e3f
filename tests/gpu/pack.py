"""scripts/gpu.sh pack: .gpu/, which has everything that a machine with a GPU needs: programs, and the sources for building them there."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

from tests.gpu import machine as gpu_machine
from tests.support import cuda_toolkit
from tests.support import suite
from tests.support.suite import ROOT, Unavailable

MOST_BYTES = 60 << 20
PACK = ROOT / ".gpu"
# The sources that are built with BATON_KERNELS_ONLY, and this script itself.
SOURCES = ("CMakeLists.txt", "CMakePresets.json", ".cmake", "kernels", "scripts/gpu.sh", "tests/CMakeLists.txt", "tests/kernels/levels.h", "tests/kernels/cuda", "tests/kernels/sim", "tests/support", "tests/__init__.py", "tests/gpu")
GOOGLETEST = pathlib.Path("/usr/src/googletest")  # of Debian's and Ubuntu's libgtest-dev


def run(*command, **options):
    print("== " + " ".join(str(part) for part in command), file=sys.stderr, flush=True)
    done = subprocess.run(command, check=False, cwd=ROOT, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(part) for part in command[:4])} failed with status {done.returncode} (see above)")
    return done


def copy_sources(to):
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    if not GOOGLETEST.is_dir():
        raise RuntimeError(f"GoogleTest's sources are not in {GOOGLETEST}: install libgtest-dev and libgmock-dev")
    for name in ("CMakeLists.txt", *(f"{part}/{name}" for part in ("googletest", "googlemock") for name in ("CMakeLists.txt", "cmake", "include", "src"))):
        from_path, to_path = GOOGLETEST / name, to / "googletest" / name
        if from_path.is_dir():
            shutil.copytree(from_path, to_path)
        else:
            to_path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(from_path, to_path)


def pack():
    nvcc = cuda_toolkit.nvcc()
    if not nvcc:
        raise Unavailable("no nvcc in PATH, in CUDA_HOME or in /usr/local/cuda: packing needs a CUDA toolkit >= 12.8 (no GPU)")
    build = ROOT / "build/cuda"
    run("cmake", "--preset", "cuda", stdout=subprocess.DEVNULL)
    run("cmake", "--build", "--preset", "cuda", "--target", *gpu_machine.TARGETS, stdout=sys.stderr)
    shutil.rmtree(PACK, ignore_errors=True)
    (PACK / "bin").mkdir(parents=True)
    for name, folder in gpu_machine.FOLDERS.items():
        run("strip", "-o", PACK / "bin" / name, build / folder / name)
    copy_sources(PACK / "source")
    compiler = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[-2].split(",")[-1].strip()
    (PACK / "manifest.json").write_text(json.dumps({"commit": suite.commit(), "compiler": f"nvcc {compiler}"}, indent=1) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in PACK.rglob("*") if path.is_file())
    for name in gpu_machine.TARGETS:
        print(f"   {os.path.getsize(PACK / 'bin' / name) / 2**20:6.1f} MiB  {name}", file=sys.stderr)
    return [suite.row("the size of .gpu/", round(size / 2**20, 1), "MiB", target=f"<= {MOST_BYTES >> 20} MiB", ok=size <= MOST_BYTES)]
