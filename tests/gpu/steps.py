"""The measuring steps of scripts/gpu.sh: each makes the missing rows, until its time is over. Returns True if none is missing now."""
import json
import subprocess
import sys
import time

from tests.gpu import machine as gpu_machine
from tests.gpu import shapes as gpu_shapes
from tests.gpu.process import Lines, seconds_left
from tests.gpu.results import compared, measured, said

ONE_SHAPE_SECONDS = 40  # more than any shape takes: a longer run hangs
LINEAR = 0.03  # of memory against length, from 16k on: allocations are rounded up


def bench_lines(machine, wanted, deadline):
    """kernels_cuda_bench's line for each (op, shape). A crash or hang of a process costs that shape alone."""
    pending = list(wanted)
    while pending and seconds_left(deadline) > 2:
        lines = Lines([machine.programs["kernels_cuda_bench"], *(word for pair in pending for word in pair)], machine.log, machine.environment)
        answered, why = 0, ""
        try:
            while (line := lines.next(min(deadline, time.monotonic() + ONE_SHAPE_SECONDS))) is not None:
                answered += 1
                machine.log.write(line + "\n")
                yield json.loads(line)
        except TimeoutError:
            if seconds_left(deadline) <= 0:
                return
            why = f"no answer within {ONE_SHAPE_SECONDS} s"
        finally:
            status = lines.stop()
        pending = pending[answered:]
        if pending and (why or answered == 0):
            yield {"op": pending[0][0], "shape": pending[0][1], "error": why or f"kernels_cuda_bench ended with status {status}"}
            pending = pending[1:]


def bench(step, wanted):
    def run(machine, results, deadline):
        for entry in bench_lines(machine, results.missing(step, wanted), deadline):
            show(results.add(measured(step, entry, results)))
            results.clocks.setdefault(step, gpu_machine.clocks())
        return not results.missing(step, wanted)
    return run


def memory(machine, results, deadline):
    """The memory of our attention, by length; and whether it grows with it."""
    whole = bench("memory", gpu_shapes.memory())(machine, results, deadline)
    by_length = {gpu_shapes.values(row["shape"])["n"]: row["figure"] for row in results.of("memory") if row["figure"]}
    if whole and len(by_length) > 1:
        each = {n: figure / n for n, figure in by_length.items() if n >= 16384}
        off = max(each.values()) / min(each.values()) - 1 if each else 1.0
        note = ", ".join(f"{n}: {figure:.0f} MiB" for n, figure in sorted(by_length.items()))
        show(results.add(said("memory", "memory grows with the length", round(100 * off, 2), "% off a line from 16k on", off <= LINEAR, note, target=f"<= {LINEAR:.0%}")))
    return whole


class Torch:
    """torch_peer.py, kept running: PyTorch takes seconds to start. It is restarted after a crash."""

    def __init__(self, machine):
        self.machine, self.lines, self.unavailable = machine, None, ""

    def ask(self, op, shape, deadline):
        if self.unavailable:
            return {"op": op, "shape": shape, "skipped": self.unavailable}
        until = min(deadline, time.monotonic() + ONE_SHAPE_SECONDS)
        try:
            if not self.lines:
                self.lines = Lines([sys.executable, "-m", "tests.gpu.torch_peer"], self.machine.log, stdin=subprocess.PIPE, folder=gpu_machine.ROOT)
                hello = self.lines.next(min(deadline, time.monotonic() + 90))
                if not hello or not hello.startswith("ready"):
                    self.unavailable = hello or "torch_peer.py ended at its start: see the log"
                    self.stop()
                    return {"op": op, "shape": shape, "skipped": self.unavailable}
                print(f"   {hello}", file=sys.stderr)
                until = min(deadline, time.monotonic() + ONE_SHAPE_SECONDS)
            self.lines.process.stdin.write(f"{op} {shape}\n")
            self.lines.process.stdin.flush()
            while (line := self.lines.next(until)) is not None and not line.startswith("{"):
                self.machine.log.write(line + "\n")  # output of libraries
        except BrokenPipeError:
            line = None
        except TimeoutError:
            self.stop()
            if seconds_left(deadline) <= 0:
                raise
            return {"op": op, "shape": shape, "skipped": f"no answer within {ONE_SHAPE_SECONDS} s"}
        if line is None:
            self.stop()
            return {"op": op, "shape": shape, "skipped": "PyTorch's process ended: see the log"}
        self.machine.log.write(line + "\n")
        entry = json.loads(line)
        if "CUDA error" in entry.get("skipped", ""):  # stays with the process
            self.stop()
        return entry

    def stop(self):
        if self.lines:
            self.lines.stop()
        self.lines = None


def peers(step, wanted):
    """Ours and then each peer, shape by shape, so that both run at the same clocks."""
    def run(machine, results, deadline):
        torch = Torch(machine)
        try:
            have = {(row["op"], row["shape"], row["peer"]) for row in results.of(step)}
            for op, shape in wanted:
                missing = [peer for peer in gpu_shapes.peers(op, shape) if (op, shape, peer) not in have]
                if not missing:
                    continue
                lines = list(bench_lines(machine, [(op, shape)], deadline))  # and its process has ended
                if not lines:
                    return False
                for peer in missing:
                    show(results.add(compared(step, lines[0], torch.ask(peer, shape, deadline))))
                results.clocks.setdefault(step, gpu_machine.clocks())
            return True
        except TimeoutError:
            return False
        finally:
            torch.stop()
    return run


def int8_product(machine, results, deadline):
    """cuBLAS's int8 peak, through PyTorch."""
    torch = Torch(machine)
    try:
        entry = torch.ask("torch_int8", gpu_shapes.text(m=8192, n=8192, k=8192), deadline)
    except TimeoutError:
        return False
    finally:
        torch.stop()
    show(results.add(measured("ceilings_int8", entry, results)))
    return True


def written_out(machine, results, deadline):
    """Attention with its matrix of scores, the method before FlashAttention: time and memory, and the length at which it fails."""
    torch = Torch(machine)
    try:
        for _, shape in gpu_shapes.memory():
            if ("written_out", shape) not in results.missing("written_out", [("written_out", shape)]):
                continue
            entry = torch.ask("written_out", shape, deadline)
            row = results.add(measured("written_out", entry, results))
            show(row)
            if row["figure"] is None:
                n = gpu_shapes.values(shape)["n"]
                ran_out = "out of memory" in row["note"]
                show(results.add(said("written_out", "attention written out fails at", n if ran_out else None, "tokens", True if ran_out else None, row["note"])))
                break
        return True
    except TimeoutError:
        return False
    finally:
        torch.stop()


def show(row):
    parts = [row["op"], row["shape"], f"{row['figure']:.4g} {row['unit']}" if row["figure"] is not None else ""]
    parts += [f"{row['share']:.0%} of the ceiling" if row["share"] is not None else "", f"{row['ratio']:.2f} x {row['peer']}" if row["ratio"] is not None else row["peer"] or ""]
    parts += [{True: "", False: "MISSED", None: "SKIPPED"}[row["ok"]], row["note"] if row["ok"] is not True else ""]
    print("   " + "  ".join(part for part in parts if part), file=sys.stderr, flush=True)
