"""Every CUDA kernel's test under the simulator, and the lines of kernels/cuda/*.cu that they run (gcov)."""
import collections
import json
import pathlib
import subprocess
import tempfile

from tests.support.suite import ROOT, Unavailable, row, skipped

BUILD = ROOT / "build/release"
FOLDER = BUILD / "tests/kernels/cuda"
COVERAGE = "test_kernels_cuda_coverage"
LEAST = 95  # percent of the lines
MOST_ERROR = 2


def results(program, tests):
    """{suite of tests: [(name, OK, FAILED or SKIPPED, {property: value})]}"""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([program, f"--gtest_filter={tests}", f"--gtest_output=json:{file.name}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1800, check=False)
        text = pathlib.Path(file.name).read_text(encoding="utf-8")
    if not text:
        raise RuntimeError(f"{program} ended without a result: run it by hand")
    found = collections.defaultdict(list)
    for suite in json.loads(text)["testsuites"]:
        for test in suite["testsuite"]:
            end = "SKIPPED" if test["result"] == "SKIPPED" else "FAILED" if "failures" in test else "OK"
            found[suite["name"].split("/")[-1]].append((test["name"], end, test))
    return found


def of_suite(suite, tests):
    ran = [(name, end) for name, end, _ in tests if end != "SKIPPED"]
    left = [name for name, end, _ in tests if end == "SKIPPED"]
    if ran:
        failed = [name for name, end in ran if end == "FAILED"]
        yield row(suite, len(ran) - len(failed), f"of {len(ran)} passed", target="all", ok=not failed, note=", ".join(failed))
    if left:
        yield skipped(f"{suite}: skipped", ", ".join(left))


def errors(found):
    """Of attention: its error, as a share of the error of attention in f32 with the same 16-bit operands (attention_prefill_test.cpp,
    attention_decode_test.cpp)."""
    for suite, tests in found.items():
        for name, _, properties in tests:
            for key, value in properties.items():
                if key.startswith("error_ratio_"):
                    what = f"{suite}, {key.removeprefix('error_ratio_')}, {name.split('/')[-1]}: error to that of f32"
                    yield row(what, round(float(value), 2), "x", target=f"<= {MOST_ERROR}", ok=float(value) <= MOST_ERROR)


def lines(objects):
    """{source: {line: runs}} of kernels/cuda/, its device/ included; a line of a template counts when any of its instances ran."""
    found = collections.defaultdict(dict)
    for data in sorted(objects.rglob("*.gcda")):
        out = subprocess.run(["gcov", "--json-format", "--stdout", data.name], cwd=data.parent, capture_output=True, text=True, check=True).stdout
        for document in out.splitlines():
            for file in json.loads(document)["files"]:
                name = pathlib.Path(file["file"])
                if "kernels/cuda/" not in file["file"] or "tests" in name.parts or name.suffix not in (".cu", ".h"):
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
    ran, total = collections.Counter(), collections.Counter()
    for name, counts in sorted(found.items()):
        here = sum(count > 0 for count in counts.values())
        suffix = pathlib.Path(name).suffix
        ran[suffix] += here
        total[suffix] += len(counts)
        missed = [str(line) for line, count in sorted(counts.items()) if count == 0]
        yield row(f"lines of {name}", round(100 * here / len(counts), 1), "%", ok=True, note=f"not run: {', '.join(missed)}" if missed else f"all {len(counts)}")
    for suffix, what in ((".cu", "lines of all .cu files"), (".h", "lines of the headers that they share")):
        share = 100 * ran[suffix] / total[suffix]
        yield row(what, round(share, 1), "%", target=f">= {LEAST} %", ok=share >= LEAST, note=f"{ran[suffix]} of {total[suffix]}")


def rows(_baton, _models_dir, quick):
    program = FOLDER / "test_kernels_cuda_sim"
    if not program.is_file():
        raise Unavailable(f"{program.relative_to(ROOT)} is not built: scripts/test.sh builds it (x86-64 only)")
    found = results(program, "*simulator_1-*Full*" if quick else "*")
    for suite, tests in found.items():
        yield from of_suite(suite, tests)
    yield from errors(found)
    if quick:
        yield skipped("line coverage", "only without --quick: it builds the kernels a second time")
    else:
        yield from coverage()
