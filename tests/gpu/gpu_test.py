"""Tests of scripts/gpu.sh with recorded output of programs, without a card: shapes, shares, ratios, targets, stored results, the page, the
verdicts of tests and tools."""
import csv
import json
import pathlib
import subprocess
import tempfile
import time
import types
import unittest
from unittest import mock

from tests.gpu import command as gpu
from tests.gpu import machine as gpu_machine
from tests.gpu import page as gpu_page
from tests.gpu import prove
from tests.gpu import shapes
from tests.gpu import steps
from tests.gpu.process import Lines
from tests.gpu.results import Results, compared, measured, said
from tests.support.suite import Unavailable

ABOUT = {"date": "2026-01-02", "card": "NVIDIA H100 80GB HBM3", "commit": "abc", "driver": "580", "compiler": "nvcc V13.0.88", "multiprocessors": 132, "capability": "9.0", "l2_bytes": 50 << 20,
         "memory_mib": "81559", "power_limit_w": "700.00", "max_clocks_mhz": "1980/2619"}
LARGE = "type=q4_0,n_out=28672,n_in=4096,tokens=1"


class WithResults(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        self.results = Results(self.folder, dict(ABOUT))
        self.log = open(self.folder / "log.txt", "w", encoding="utf-8")

    def tearDown(self):
        self.log.close()
        self.place.cleanup()

    def add(self, step, op, shape, **entry):
        return self.results.add(measured(step, {"op": op, "shape": shape, "unit": "GB/s", "us": 10.0, "spread": 0.01, **entry}, self.results))

    def ceilings(self):
        self.add("ceilings", "copy", "by=memcpy,mib=2048", figure=2900.0)
        self.add("ceilings", "copy", "by=kernel,mib=2048", figure=3000.0)
        self.add("ceilings", "product", "m=8192,n=8192,k=8192,by=own", figure=900.0)
        self.add("ceilings", "product", "m=8192,n=8192,k=8192,by=cublas", figure=800.0)


class Shapes(unittest.TestCase):
    def test_all_are_different_and_go_to_text_and_back(self):
        for wanted in (shapes.prefill(), shapes.decode(), shapes.mat_vec(), shapes.product(), shapes.memory(), shapes.ceilings()):
            self.assertEqual(len(set(wanted)), len(wanted))
            for _, shape in wanted:
                self.assertEqual(shapes.text(**shapes.values(shape)), shape)

    def test_prefill_has_every_length_head_size_and_mask(self):
        found = {(v["n"], v["d"], v["causal"]) for v in (shapes.values(shape) for _, shape in shapes.prefill())}
        self.assertEqual(found, {(n, d, causal) for n in (512, 1024, 2048, 4096, 8192, 16384, 32768) for d in (64, 128) for causal in (0, 1)})

    def test_targets_stand_where_the_issue_has_them(self):
        wanted = [shapes.values(shape) for op, shape in shapes.prefill() if shapes.ratio_target(op, shape, "sdpa_flash")]
        self.assertEqual(sorted(v["n"] for v in wanted), [4096, 8192, 16384])
        self.assertTrue(all(v["d"] == 128 and v["causal"] for v in wanted))
        self.assertIsNone(shapes.ratio_target(*shapes.prefill()[0], "sdpa_cudnn"))
        self.assertEqual(shapes.share_target("mat_vec", LARGE, 66 << 20, 50 << 20), 0.8)
        self.assertIsNone(shapes.share_target("mat_vec", LARGE, 40 << 20, 50 << 20))
        self.assertIsNone(shapes.share_target("mat_vec", LARGE.replace("tokens=1", "tokens=8"), 66 << 20, 50 << 20))


class Rows(WithResults):
    def test_a_share_is_of_the_best_copy_just_measured(self):
        self.ceilings()
        self.assertEqual(self.add("mat_vec", "mat_vec", LARGE, figure=2400.0, bytes=66 << 20)["ok"], True)
        row = self.add("mat_vec", "mat_vec", LARGE, figure=2399.0, bytes=66 << 20)
        self.assertEqual((row["ok"], row["share"], row["target"]), (False, 0.7997, ">= 80% of copy"))
        self.assertEqual(self.add("prefill", "attention_prefill", shapes.prefill()[0][1], figure=400.0)["share"], 0.5)  # of cuBLAS, not of our own product

    def test_without_ceilings_there_is_no_share_and_no_verdict(self):
        row = self.add("mat_vec", "mat_vec", LARGE, figure=1.0, bytes=66 << 20)
        self.assertEqual((row["share"], row["ok"]), (None, None))
        self.assertIn("ceilings", row["note"])

    def test_errors_fail_and_what_is_not_there_is_skipped(self):
        self.assertIs(self.add("product", "product", "m=1", error="differs")["ok"], False)
        row = self.add("product", "product", "m=1", skipped="no cuBLAS")
        self.assertEqual((row["ok"], row["note"], row["figure"]), (None, "no cuBLAS", None))

    def test_a_ratio_is_ours_by_theirs(self):
        op, shape = shapes.prefill()[0]
        ours = {"op": op, "shape": shape, "figure": 380.0, "unit": "TFLOP/s", "us": 1.0, "spread": 0.0}
        self.assertEqual(compared("p", ours, {"op": "sdpa_flash", "figure": 400.0})["ok"], True)
        missed = compared("p", ours, {"op": "sdpa_flash", "figure": 401.0})
        self.assertEqual((missed["ok"], missed["ratio"], missed["target"]), (False, 0.9476, ">= 0.95 x"))
        self.assertEqual(compared("p", ours, {"op": "sdpa_cudnn", "figure": 800.0})["ok"], True)
        self.assertIsNone(compared("p", ours, {"op": "flash_attn", "skipped": "not installed"})["ok"])
        self.assertIs(compared("p", {"op": op, "shape": shape, "error": "differs"}, {"op": "sdpa_flash", "figure": 1.0})["ok"], False)


class Keeping(WithResults):
    def test_rows_and_steps_are_found_again(self):
        self.ceilings()
        self.results.finish("ceilings")
        again = Results(self.folder, {**ABOUT, "date": "2026-01-03"})
        self.assertEqual((again.rows, again.done, again.about["date"]), (self.results.rows, ["ceilings"], "2026-01-02"))
        wanted = [("copy", "by=memcpy,mib=2048"), ("read", "mib=0")]
        self.assertEqual(again.missing("ceilings", wanted), wanted[1:])
        again.forget(["ceilings"])
        self.assertEqual((again.rows, again.done), ([], []))

    def test_other_cards_and_commits_are_not_mixed(self):
        self.results.save()
        for change in ({"card": "NVIDIA H200"}, {"commit": "def"}):
            with self.assertRaisesRegex(ValueError, "--again"):
                Results(self.folder, {**ABOUT, **change})

    def test_steps_run_once_and_one_that_breaks_stops_no_other(self):
        ran = []
        def broken(*_):
            raise RuntimeError("out of order")
        chosen = [("prove", "a", 10, lambda *_: ran.append("a") or True), ("prove", "b", 10, broken), ("prove", "c", 10, lambda *_: ran.append("c"))]
        machine = types.SimpleNamespace(log=self.log)
        left = gpu.run_steps(chosen, machine, self.results, time.monotonic() + 60)
        self.assertEqual([(row["what"], row["ok"]) for row in left], [("b", False), ("c", None)])
        gpu.run_steps(chosen, machine, self.results, time.monotonic() + 60)
        self.assertEqual(ran, ["a", "c", "c"])
        late = gpu.run_steps(chosen, machine, self.results, time.monotonic() + 1)
        self.assertEqual([row["note"] for row in late], ["not begun: no time was left"] * 2)


class Page(WithResults):
    def test_the_csv_has_a_line_for_each_row_and_the_page_only_columns_that_say_something(self):
        self.ceilings()
        self.results.clocks["mat_vec"] = "1980/2619"
        self.add("mat_vec", "mat_vec", LARGE, figure=2400.0, bytes=66 << 20)
        op, shape = shapes.prefill()[0]
        self.results.add(compared("peers_prefill", {"op": op, "shape": shape, "figure": 380.0, "unit": "TFLOP/s", "us": 1.0, "spread": 0.0}, {"op": "sdpa_flash", "figure": 400.0}))
        self.results.add(said("fragments", "fragment maps", 3, "of 4 lines", False, "a | b"))
        page = gpu_page.write(self.folder, self.results)
        self.assertEqual(page.name, "2026-01-02-nvidia-h100-80gb-hbm3.md")
        text = page.read_text(encoding="utf-8")
        for part in ("# NVIDIA H100 80GB HBM3, 2026-01-02", "| 2400 GB/s |", "| 80% |", "1980/2619", "| 0.95 |", "a \\| b", "MISSED", "2026-01-02-nvidia-h100-80gb-hbm3.svg"):
            self.assertIn(part, text)
        self.assertNotIn("ratio", text.split("## Products of a few tokens")[1].split("##")[0])
        with open(page.with_suffix(".csv"), encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), len(self.results.rows))
        self.assertEqual({key: lines[4][key] for key in ("date", "card", "driver", "clocks_mhz", "op", "shape", "figure", "share_of_ceiling", "verdict")},
                         {"date": "2026-01-02", "card": ABOUT["card"], "driver": "580", "clocks_mhz": "1980/2619", "op": "mat_vec", "shape": LARGE, "figure": "2400.0", "share_of_ceiling": "0.8", "verdict": "ok"})
        self.assertIn("4096 tokens, causal", page.with_suffix(".svg").read_text(encoding="utf-8"))


class Memory(WithResults):
    def run_with(self, mebibytes):
        lines = [{"op": op, "shape": shape, "figure": mebibytes(shapes.values(shape)["n"]), "unit": "MiB", "us": 1.0, "spread": 0.0} for op, shape in shapes.memory()]
        with mock.patch.object(steps, "bench_lines", lambda *_: iter(lines)), mock.patch.object(gpu_machine, "clocks", lambda: ""):
            self.assertTrue(steps.memory(None, self.results, time.monotonic() + 60))
        return self.results.rows[-1]

    def test_in_proportion_to_the_length_is_linear(self):
        self.assertTrue(self.run_with(lambda n: n / 32 + 2)["ok"])

    def test_with_its_square_is_not(self):
        self.assertFalse(self.run_with(lambda n: n * n / 4096)["ok"])


class FakeTorch:
    answers = {}

    def __init__(self, _machine):
        pass

    def ask(self, op, shape, _deadline):
        return {"op": op, "shape": shape, **self.answers(op, shape)}

    def stop(self):
        pass


class Peers(WithResults):
    def test_where_attention_written_out_fails_is_said(self):
        fake = type("Fake", (FakeTorch,), {"answers": lambda _self, _op, shape: {"skipped": "out of memory"} if shapes.values(shape)["n"] > 32768 else {"figure": 1.0, "unit": "MiB"}})
        with mock.patch.object(steps, "Torch", fake):
            self.assertTrue(steps.written_out(None, self.results, time.monotonic() + 60))
        self.assertEqual((self.results.rows[-1]["figure"], self.results.rows[-1]["ok"]), (65536, True))

    def test_each_peer_is_asked_once_beside_ours(self):
        wanted, asked = shapes.prefill()[:2], []
        fake = type("Fake", (FakeTorch,), {"answers": lambda _self, op, shape: asked.append((op, shape)) or ({"figure": 100.0} if op == "sdpa_flash" else {"skipped": "no"})})
        def ours(_machine, pairs, _deadline):
            return iter([{"op": pairs[0][0], "shape": pairs[0][1], "figure": 200.0, "unit": "TFLOP/s"}])
        with mock.patch.object(steps, "Torch", fake), mock.patch.object(steps, "bench_lines", ours), mock.patch.object(gpu_machine, "clocks", lambda: ""):
            for _ in range(2):
                self.assertTrue(steps.peers("peers_prefill", wanted)(None, self.results, time.monotonic() + 60))
        self.assertEqual(asked, [(peer, shape) for op, shape in wanted for peer in shapes.peers(op, shape)])
        self.assertEqual([row["ratio"] for row in self.results.rows if row["peer"] == "sdpa_flash"], [2.0, 2.0])

    def test_without_pytorch_its_rows_say_so(self):
        machine = types.SimpleNamespace(log=self.log)
        with mock.patch.object(steps.sys, "executable", "/bin/echo"):  # prints a path instead of "ready"
            torch = steps.Torch(machine)
            for _ in range(2):
                self.assertIn("torch_peer", torch.ask("sdpa_flash", "n=1", time.monotonic() + 20)["skipped"])
            torch.stop()


class Processes(WithResults):
    def test_lines_come_and_the_end_is_seen(self):
        lines = Lines(["sh", "-c", "echo a; echo b; exit 3"], self.log)
        self.assertEqual([lines.next(time.monotonic() + 10) for _ in range(3)], ["a", "b", None])
        self.assertEqual(lines.stop(), 3)

    def test_what_hangs_is_ended_at_its_deadline(self):
        lines = Lines(["sh", "-c", "echo a; sleep 100"], self.log)
        self.assertEqual(lines.next(time.monotonic() + 10), "a")
        with self.assertRaises(TimeoutError):
            lines.next(time.monotonic() + 0.2)
        self.assertNotEqual(lines.stop(), 0)

    def test_a_bench_that_dies_costs_one_shape(self):
        program = self.folder / "bench"
        program.write_text('#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$2" = dies ] && exit 139; echo "{\\"op\\":\\"$1\\",\\"shape\\":\\"$2\\",\\"figure\\":1}"; shift 2; done\n', encoding="utf-8")
        program.chmod(0o755)
        machine = types.SimpleNamespace(programs={"kernels_cuda_bench": program}, log=self.log, environment=None)
        found = list(steps.bench_lines(machine, [("a", "x"), ("a", "dies"), ("a", "y")], time.monotonic() + 20))
        self.assertEqual([entry["shape"] for entry in found], ["x", "dies", "y"])
        self.assertIn("status 139", found[1]["error"])


class Proofs(unittest.TestCase):
    def test_how_tests_ended(self):
        seen = {}
        for line in ["[ RUN      ] Gemm.a/device", "[       OK ] Gemm.a/device (3 ms)", "[  FAILED  ] Gemm.b/device, where GetParam() = device (1 ms)", "[  SKIPPED ] Gemm.c/device (0 ms)",
                     "[  FAILED  ] 1 test, listed below:", "[==========] 3 tests ran."]:
            prove.read_line(line, seen)
        self.assertEqual(seen, {"Gemm.a/device": "OK", "Gemm.b/device": "FAILED", "Gemm.c/device": "SKIPPED"})

    def test_verdicts(self):
        self.assertEqual(prove.verdict(["a", "b"], {"a": "OK", "b": "OK"}, [0], True), (2, True, ""))
        self.assertEqual(prove.verdict(["a", "b"], {"a": "OK", "b": "FAILED"}, [1], True)[1], False)
        self.assertEqual(prove.verdict(["a", "b"], {"a": "OK"}, [-11], True)[:2], (1, False))  # a process died
        self.assertEqual(prove.verdict(["a", "b"], {"a": "OK"}, [-9], False)[:2], (1, None))  # ended at its time
        self.assertEqual(prove.verdict(["a"], {"a": "SKIPPED"}, [0], True)[:2], (0, None))

    def test_findings_of_the_tools(self):
        self.assertEqual(prove.findings(["========= ERROR SUMMARY: 0 errors", "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"]), (0, ""))
        count, first = prove.findings(["========= Invalid __global__ read of size 4 bytes", "========= ERROR SUMMARY: 2 errors", "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"])
        self.assertEqual((count, first), (3, "Invalid __global__ read of size 4 bytes"))

    def test_a_tool_that_refuses_the_device_says_why(self):
        machine = types.SimpleNamespace(programs={"fragment_map_cuda": "x"}, environment=None)
        for status, out, why in [(0, "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors", ""), (1, "========= COMPUTE-SANITIZER\n========= Error: Device not supported. Please refer to", "Device not supported")]:
            with mock.patch.object(prove.subprocess, "run", return_value=subprocess.CompletedProcess([], status, out, "")):
                found = prove.refusal(machine, "compute-sanitizer")
            self.assertIn(why, found)
            self.assertEqual(bool(found), bool(why))
        self.assertIn("not installed", prove.refusal(machine, None))


class Machine(unittest.TestCase):
    def test_without_a_card_it_says_so(self):
        with mock.patch.object(gpu_machine.subprocess, "run", side_effect=FileNotFoundError("nvidia-smi")):
            with self.assertRaisesRegex(Unavailable, "no NVIDIA GPU here"):
                gpu_machine.nvidia_smi("name")
        with mock.patch.object(gpu_machine.subprocess, "run", return_value=subprocess.CompletedProcess([], 9, "NVIDIA-SMI has failed", "")):
            with self.assertRaisesRegex(Unavailable, "NVIDIA-SMI has failed"):
                gpu_machine.nvidia_smi("name")

    def test_fields_of_the_first_card(self):
        with mock.patch.object(gpu_machine.subprocess, "run", return_value=subprocess.CompletedProcess([], 0, "NVIDIA H200, 580.159.04\n", "")):
            self.assertEqual(gpu_machine.nvidia_smi("name", "driver_version"), {"name": "NVIDIA H200", "driver_version": "580.159.04"})


class Command(unittest.TestCase):
    def test_exit_status_and_the_last_line(self):
        for rows, status in [([gpu.suite.row("a", ok=True)], 0), ([gpu.suite.row("a", ok=True), gpu.suite.row("b", ok=False)], 1), ([gpu.suite.skipped("a", "why")], 77)]:
            with mock.patch("builtins.print") as printed:
                self.assertEqual(gpu.finish(types.SimpleNamespace(command="all", json=True), ABOUT, rows), status)
            last = json.loads(printed.call_args.args[0])
            self.assertEqual((last["suite"], last["card"], last["commit"], len(last["rows"])), ("gpu all", ABOUT["card"], "abc", len(rows)))

    def test_all_steps_belong_to_a_command_and_have_a_name_of_their_own(self):
        names = [name for _, name, _, _ in gpu.STEPS]
        self.assertEqual(len(set(names)), len(names))
        self.assertEqual({group for group, _, _, _ in gpu.STEPS}, set(gpu.COMMANDS["all"]))
        known = {gpu_page.UNDER.get(name, name) for name in names}
        self.assertEqual(known, set(gpu_page.TITLES))


if __name__ == "__main__":
    unittest.main()
