"""The proving steps of scripts/gpu.sh: every kernel's test on the card, fragment maps against the simulator's, compute-sanitizer."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from tests.gpu.process import Lines, seconds_left
from tests.gpu.results import said
from tests.gpu.steps import show
from tests.support import cuda_toolkit

SHARDS = min(8, os.cpu_count() or 1)
TESTS = "*/device:CublasTest.*"
# Without tests that launch thousands of blocks or compare for long on the host: the tools slow a kernel down by a factor of ten to a
# hundred.
SMALL = TESTS + "-*Full*:*chi_square*:*largest_vocabulary*:*twice_as_far_off*:*cublas*:CublasTest.*:*far_away*"
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
FOUND = 99  # compute-sanitizer's exit status when it has something to report


def read_line(line, seen):
    """Adds a test's result to {name: OK, FAILED or SKIPPED}, in GoogleTest's format."""
    if match := re.match(r"\[ +(OK|FAILED|SKIPPED) +\] ([\w./]+)", line):
        if "." in match[2]:
            seen[match[2]] = match[1]


def listed(program, tests, environment):
    """Names of the tests."""
    out = subprocess.run([program, f"--gtest_filter={tests}", "--gtest_list_tests"], capture_output=True, text=True, timeout=60, check=True, env=environment).stdout
    names, suite = [], ""
    for line in out.splitlines():
        if line.startswith("  "):
            names.append(suite + line.split()[0])
        elif line.endswith("."):
            suite = line
    return names


def run_tests(machine, tests, deadline, before=()):
    """Runs the tests in several processes at once: ({name: OK, FAILED or SKIPPED}, exit statuses, lines of compute-sanitizer, whether all processes ended by themselves)."""
    command = [*before, machine.programs["test_kernels_cuda"], f"--gtest_filter={tests}"]
    shards = [Lines(command, machine.log, {**machine.environment, "GTEST_TOTAL_SHARDS": str(SHARDS), "GTEST_SHARD_INDEX": str(i)}, stderr=subprocess.STDOUT) for i in range(SHARDS)]
    seen, reports, statuses, whole = {}, [], [], True
    for shard in shards:
        try:
            while (line := shard.next(deadline)) is not None:
                read_line(line, seen)
                machine.log.write(line + "\n")
                if line.startswith("========="):
                    reports.append(line)
        except TimeoutError:
            whole = False
        statuses.append(shard.stop())
    return seen, statuses, reports, whole


def verdict(names, seen, statuses, whole):
    """(number of passed tests, True, False or None, in words)"""
    passed = [name for name in names if seen.get(name) == "OK"]
    failed = [name for name in names if seen.get(name) == "FAILED"]
    skipped = [name for name in names if seen.get(name) == "SKIPPED"]
    rest = [name for name in names if name not in seen]
    if failed:
        return len(passed), False, "failed: " + ", ".join(failed)
    if whole and (rest or any(statuses)):
        return len(passed), False, f"a process ended with status {next((s for s in statuses if s), 0)}, without a result of: " + ", ".join(rest or ["nothing"])
    words = ["skipped: " + ", ".join(skipped)] if skipped else []
    words += [f"not within the time: {', '.join(rest)}"] if rest else []
    return len(passed), None if rest or not passed else True, "; ".join(words)


def tests(machine, results, deadline):
    names = listed(machine.programs["test_kernels_cuda"], TESTS, machine.environment)
    seen, statuses, _, whole = run_tests(machine, TESTS, deadline)
    results.forget(["tests"])
    for suite in dict.fromkeys(name.split(".")[0] for name in names):
        mine = [name for name in names if name.startswith(suite + ".")]
        passed, ok, words = verdict(mine, seen, statuses if any(name not in seen for name in mine) else [], whole)
        show(results.add(said("tests", f"tests {suite}", passed, f"of {len(mine)} passed", ok, words, target="all")))
    return whole


def fragments(machine, results, _deadline):
    """The same program, built for the simulator and for the card."""
    results.forget(["fragments"])
    card = subprocess.run([machine.programs["fragment_map_cuda"]], capture_output=True, text=True, timeout=60, check=False)
    simulator = subprocess.run([machine.programs["fragment_map_sim"]], capture_output=True, text=True, timeout=60, check=False)
    if card.returncode or simulator.returncode:
        row = said("fragments", "fragment maps", None, "", False, f"a program failed: {(card.stderr + simulator.stderr).strip()}")
    else:
        mine, theirs = card.stdout.splitlines(), simulator.stdout.splitlines()
        other = [a for a, b in zip(mine, theirs) if a != b] + mine[len(theirs):] + theirs[len(mine):]
        row = said("fragments", "fragment maps", len(theirs) - len(other), f"of {len(theirs)} lines as the simulator's", not other and bool(theirs),
                   f"the first that differs on the card: {other[0]}" if other else "", target="all, bit for bit")
    show(results.add(row))
    return True


def sanitizer_program():
    found = shutil.which("compute-sanitizer")
    if not found and (nvcc := cuda_toolkit.nvcc()):
        beside = pathlib.Path(nvcc).resolve().parent.parent / "compute-sanitizer" / "compute-sanitizer"
        found = str(beside) if beside.is_file() else None
    return found


def refusal(machine, program):
    """The reason why compute-sanitizer does not work on this machine; empty if it does."""
    if not program:
        return "compute-sanitizer is not installed"
    try:
        done = subprocess.run([program, "--tool", "memcheck", machine.programs["fragment_map_cuda"]], capture_output=True, text=True, timeout=60, check=False, env=machine.environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"compute-sanitizer does not run here: {error.__class__.__name__}"
    text = done.stdout + done.stderr
    if done.returncode == 0 and "ERROR SUMMARY: 0 errors" in text:
        return ""
    said_why = [line.lstrip("= ") for line in text.splitlines() if line.startswith("=========") and re.search(r"error|not supported|fail", line, re.I)]
    return f"compute-sanitizer refuses a program without a fault: {(said_why or [f'status {done.returncode}'])[0]}"


def findings(reports):
    """Errors that the summaries of all processes count, and the first report."""
    counts = [int(match[1]) for line in reports if (match := re.search(r"SUMMARY: (\d+) (?:error|hazard)", line))]
    first = next((line.lstrip("= ") for line in reports if re.search(r"Invalid|Uninitialized|hazard detected|Barrier error|Error:|Program hit", line)), "")
    return sum(counts), first


def sanitize(tool):
    def run(machine, results, deadline):
        step = f"sanitize_{tool}"
        results.forget([step])
        program = sanitizer_program()
        if why := refusal(machine, program):
            show(results.add(said(step, f"compute-sanitizer {tool}", None, "", None, why)))
            return True
        names = listed(machine.programs["test_kernels_cuda"], SMALL, machine.environment)
        began = time.monotonic()
        seen, statuses, reports, whole = run_tests(machine, SMALL, deadline, [program, "--tool", tool, "--error-exitcode", str(FOUND)])
        n_found, first = findings(reports)
        passed, ok, words = verdict(names, seen, statuses, whole)
        if n_found or FOUND in statuses:
            ok, words = False, f"{n_found} findings, first: {first or 'see the log'}"
        print(f"   {tool}: {time.monotonic() - began:.0f} s, {seconds_left(deadline):.0f} s left", file=sys.stderr)
        show(results.add(said(step, f"compute-sanitizer {tool}", passed, f"of {len(names)} tests without a finding", ok, words, target="all")))
        return whole
    return run
