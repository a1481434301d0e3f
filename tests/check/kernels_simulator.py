"""Every CUDA kernel's test under the simulator, and the lines of kernels/cuda/*.cu that they run (gcov)."""
import collections
import json
import pathlib
import subprocess
import tempfile

from suite import ROOT, Unavailable, row, skipped

BUILD = ROOT / "build/release"
FOLDER = BUILD / "tests/kernels/cuda"
COVERAGE = "test_kernels_cuda_coverage"
LEAST = 95  # percent of the lines


def results(program, tests):
    """{suite of tests: [(name, whether it passed)]}"""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([program, f"--gtest_filter={tests}", f"--gtest_output=json:{file.name}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1800, check=False)
        text = pathlib.Path(file.name).read_text(encoding="utf-8")
    if not text:
        raise RuntimeError(f"{program} ended without a result: run it by hand")
    found = collections.defaultdict(list)
    for suite in json.loads(text)["testsuites"]:
        for test in suite["testsuite"]:
            if test["result"] != "SKIPPED":
                found[suite["name"].split("/")[-1]].append((test["name"], "failures" not in test))
    return found


def lines(objects):
    """{source: {line: runs}} of the kernels' own files; a line of a template counts when any of its instances ran."""
    found = collections.defaultdict(dict)
    for data in sorted(objects.rglob("*.gcda")):
        out = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=data.parent, capture_output=True, text=True, check=True).stdout
        for document in out.splitlines():
            for file in json.loads(document)["files"]:
                name = pathlib.Path(file["file"])
                if name.suffix != ".cu" or "kernels/cuda" not in file["file"]:
                    continue
                for line in file["lines"]:
                    counts = found[name.name]
                    counts[line["line_number"]] = max(counts.get(line["line_number"], 0), line["count"])
    return found


def coverage():
    objects = FOLDER / f"CMakeFiles/{COVERAGE}_cuda.dir"
    for data in objects.rglob("*.gcda"):
        data.unlink()
    subprocess.run(["cmake", "--build", BUILD, "--target", COVERAGE], stdout=subprocess.DEVNULL, check=True)
    subprocess.run([FOLDER / COVERAGE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1800, check=True)
    found = lines(objects)
    ran = total = 0
    for name, counts in sorted(found.items()):
        here = sum(count > 0 for count in counts.values())
        ran, total = ran + here, total + len(counts)
        missed = [str(line) for line, count in sorted(counts.items()) if count == 0]
        yield row(f"lines of {name}", round(100 * here / len(counts), 1), "%", ok=True, note=f"not run: {', '.join(missed)}" if missed else f"all {len(counts)}")
    yield row("lines of all .cu files", round(100 * ran / total, 1), "%", target=f">= {LEAST} %", ok=100 * ran / total >= LEAST, note=f"{ran} of {total}")


def rows(_baton, _models_dir, quick):
    program = FOLDER / "test_kernels_cuda_sim"
    if not program.is_file():
        raise Unavailable(f"{program.relative_to(ROOT)} is not built: scripts/test.sh builds it (x86-64 only)")
    for suite, tests in results(program, "*simulator_1-*Full*" if quick else "*").items():
        failed = [name for name, passed in tests if not passed]
        yield row(f"{suite}", len(tests) - len(failed), f"of {len(tests)} passed", target="all", ok=not failed, note=", ".join(failed))
    if quick:
        yield skipped("line coverage", "only without --quick: it builds the kernels once more")
    else:
        yield from coverage()
