"""scripts/gpu.sh: proves and measures the CUDA kernels on a machine with an NVIDIA GPU, no network, and little else. docs/gpu/README.md has
the instructions."""
import argparse
import json
import pathlib
import sys
import time

from tests.gpu import machine as gpu_machine
from tests.gpu import pack as gpu_pack
from tests.gpu import page as gpu_page
from tests.gpu import prove as gpu_prove
from tests.gpu import shapes
from tests.gpu import steps
from tests.gpu.results import Results
from tests.support import suite

# (sub-command, step, its seconds at most, description), in the order of `all`: the steps that others are compared with first, those that
# may be refused last.
STEPS = [
    ("prove", "fragments", 20, gpu_prove.fragments),
    ("ceilings", "ceilings", 45, steps.bench("ceilings", shapes.ceilings())),
    ("ceilings", "ceilings_int8", 45, steps.int8_product),
    ("prove", "tests", 120, gpu_prove.tests),
    ("kernels", "prefill", 75, steps.bench("prefill", shapes.prefill())),
    ("kernels", "decode", 45, steps.bench("decode", shapes.decode())),
    ("kernels", "mat_vec", 45, steps.bench("mat_vec", shapes.mat_vec())),
    ("kernels", "product", 30, steps.bench("product", shapes.product())),
    ("kernels", "memory", 40, steps.memory),
    ("peers", "peers_prefill", 150, steps.peers("peers_prefill", shapes.prefill())),
    ("peers", "peers_decode", 45, steps.peers("peers_decode", shapes.decode())),
    ("peers", "peers_products", 45, steps.peers("peers_products", shapes.product() + shapes.mat_vec())),
    ("peers", "written_out", 40, steps.written_out),
    *[("prove", f"sanitize_{tool}", 60, gpu_prove.sanitize(tool)) for tool in gpu_prove.TOOLS],
]
ALL_SECONDS = 9 * 60
COMMANDS = {"prove": ("prove",), "ceilings": ("ceilings",), "kernels": ("ceilings", "kernels"), "peers": ("peers",), "all": ("prove", "ceilings", "kernels", "peers")}


def run_steps(chosen, machine, results, deadline):
    """The steps that are not done yet; and the rows of those that failed to finish."""
    left = []
    for _, name, seconds, step in chosen:
        if name in results.done:
            continue
        remaining = deadline - time.monotonic()
        if remaining < 5:
            left.append(suite.skipped(name, "not begun: no time was left"))
            continue
        print(f"== {name} ({min(seconds, remaining):.0f} s at most)", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            whole = step(machine, results, began + min(seconds, remaining))
        except Exception as error:  # the other steps still run, and this one counts as failed
            machine.log.write(f"{name}: {error!r}\n")
            left.append(suite.row(name, ok=False, note=f"{type(error).__name__}: {error}"))
            continue
        print(f"   {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if whole:
            results.finish(name)
        else:
            left.append(suite.skipped(name, "not done within its time; run it again"))
    return left


def suite_row(row):
    return suite.row(" ".join(filter(None, [row["op"], row["shape"], f"/ {row['peer']}" if row["peer"] else ""])), row["figure"], row["unit"], peer=row["peer_figure"], ratio=row["ratio"],
                     target=row["target"], ok=row["ok"], note=row["note"] or (f"{row['share']:.0%} of the ceiling" if row["share"] is not None else ""))


def finish(options, about, rows):
    counts = {key: sum(row["ok"] is verdict for row in rows) for key, verdict in (("passed", True), ("failed", False), ("skipped", None))}
    for row in rows:
        if row["ok"] is not True:
            print("  ".join(filter(None, suite.cells(row))))
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    if options.json:
        print(json.dumps({"suite": f"gpu {options.command}", "cpu": suite.cpu(), "card": about.get("card"), "commit": about.get("commit") or suite.commit(), "rows": rows, **counts}, allow_nan=False))
    if counts["failed"]:
        return 1
    return 0 if counts["passed"] else suite.NOTHING_RAN


def prove_and_measure(options):
    deadline = time.monotonic() + ALL_SECONDS
    chosen = [step for step in STEPS if step[0] in COMMANDS[options.command]]
    if options.command != "all":
        deadline = time.monotonic() + sum(seconds for _, _, seconds, _ in chosen)
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "log.txt", "a", encoding="utf-8", buffering=1) as log:
        machine = gpu_machine.Machine(log)
        if options.again:
            (options.out / "results.json").unlink(missing_ok=True)
        results = Results(options.out, machine.about())
        left = run_steps(chosen, machine, results, deadline)
    wanted = {name for _, name, _, _ in chosen}
    page = gpu_page.write(options.out, results)
    print(f"written: {page} and its .csv")
    return finish(options, results.about, [suite_row(row) for row in results.rows if row["step"] in wanted] + left)


def main():
    parser = argparse.ArgumentParser(prog="scripts/gpu.sh", description=__doc__)
    parser.add_argument("command", choices=["pack", *COMMANDS], help="pack: make .gpu/ here, for a machine with a GPU; the others run there")
    parser.add_argument("--out", type=pathlib.Path, default=suite.ROOT / "build/gpu-results", help="folder of the results; a second call continues where the first one stopped (default: build/gpu-results)")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--again", action="store_true", help="discard earlier results")
    options = parser.parse_args()
    try:
        if options.command == "pack":
            return finish(options, {}, gpu_pack.pack())
        return prove_and_measure(options)
    except suite.Unavailable as reason:
        print(f"gpu.sh {options.command}: {reason}", file=sys.stderr)
        return finish(options, {}, [suite.skipped(options.command, str(reason))]) if options.json else suite.NOTHING_RAN
    except (RuntimeError, ValueError) as error:
        print(f"gpu.sh {options.command}: {error}", file=sys.stderr)
        return 1
