"""The steps of scripts/gpu.sh over programs built for the simulator, on tiny shapes: their computations, comparisons, output and stored
results, not their speed. program_test.py FRAGMENT_MAP TESTS BENCH"""
import os
import pathlib
import sys
import tempfile
import time
import types
import unittest

from tests.gpu import machine as gpu_machine
from tests.gpu import page as gpu_page
from tests.gpu import prove as gpu_prove
from tests.gpu import steps as gpu_steps
from tests.gpu.results import Results

BENCH, TESTS, FRAGMENTS = sys.argv.pop(), sys.argv.pop(), sys.argv.pop()

CEILINGS = [("copy", "by=memcpy,mib=1"), ("copy", "by=kernel,mib=1"), ("read", "mib=1"), ("read", "mib=0"), ("product", "m=40,n=24,k=16,by=own"), ("mma", "type=bf16,products=3"), ("mma", "type=s8,products=3")]
ATTENTION = [("attention_prefill", "batch=2,n=70,heads=4,kv_heads=2,d=64,causal=1"), ("attention_prefill", "batch=1,n=65,heads=1,kv_heads=1,d=128,causal=0")]
ATTENTION += [("attention_decode", f"type={kind},batch=2,context=130,heads=4,kv_heads=2,d=64") for kind in ("bf16", "f16", "q8_0", "fp8")]
PRODUCTS = [("mat_vec", f"type={kind},n_out=20,n_in=256,tokens={tokens}") for kind, tokens in (("q4_0", 1), ("q4_k", 3), ("q6_k", 8), ("q8_0", 16), ("bf16", 1), ("f32", 2))]
WRONG = [("mat_vec", "type=q9,n_out=20,n_in=256,tokens=1"), ("mat_vec", "type=q4_0,n_out=many,n_in=256,tokens=1"), ("attention_prefill", "batch=2"), ("read", "mib")]


class Steps(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log = open(pathlib.Path(self.folder.name) / "log.txt", "w", encoding="utf-8")
        self.machine = types.SimpleNamespace(programs={"kernels_cuda_bench": BENCH, "test_kernels_cuda": TESTS, "fragment_map_cuda": FRAGMENTS, "fragment_map_sim": FRAGMENTS}, log=self.log, environment=dict(os.environ))
        gpu_machine.clocks = lambda: "1/2"
        about = {"date": "2026-01-02", "card": "a card", "commit": "c", "driver": "1", "compiler": "", "multiprocessors": 4, "capability": "9.0", "l2_bytes": 1 << 20, "memory_mib": "1",
                 "power_limit_w": "1", "max_clocks_mhz": "1/1"}
        self.results = Results(pathlib.Path(self.folder.name), about)
        self.deadline = time.monotonic() + 60

    def tearDown(self):
        self.log.close()
        self.folder.cleanup()

    def rows(self, step, wanted):
        self.assertTrue(gpu_steps.bench(step, wanted)(self.machine, self.results, self.deadline))
        return self.results.of(step)

    def test_every_bench_is_right_and_leaves_a_figure_and_a_page(self):
        self.rows("ceilings", CEILINGS)
        for step, wanted in (("prefill", ATTENTION), ("mat_vec", PRODUCTS)):
            rows = self.rows(step, wanted)
            self.assertEqual([(row["op"], row["shape"]) for row in rows], wanted)
            for row in rows:
                self.assertTrue(row["ok"], row)
                self.assertGreater(row["figure"], 0, row)
        self.assertEqual(self.results.clocks["prefill"], "1/2")
        decode = next(row for row in self.results.rows if row["op"] == "attention_decode")
        self.assertIsNotNone(decode["share"])
        self.assertIn("attention_decode", gpu_page.write(pathlib.Path(self.folder.name), self.results).read_text(encoding="utf-8"))

    def test_a_shape_that_is_none_is_an_error_of_that_row_alone(self):
        rows = self.rows("mat_vec", [*WRONG, PRODUCTS[0]])
        self.assertEqual([row["ok"] for row in rows], [False] * len(WRONG) + [True])
        for row, word in zip(rows, ("q9", "n_out", "lacks n=", "key=value")):
            self.assertIn(word, row["note"])

    def test_a_bench_that_is_none_costs_no_other_row(self):
        rows = self.rows("mat_vec", [PRODUCTS[0], ("no_such_bench", "n=1"), PRODUCTS[1]])
        self.assertEqual({row["op"]: row["ok"] for row in rows}, {"mat_vec": True, "no_such_bench": False})
        self.assertEqual(len(rows), 3)

    def test_a_step_goes_on_where_it_stopped(self):
        self.assertFalse(gpu_steps.bench("mat_vec", PRODUCTS[:2])(self.machine, self.results, time.monotonic() + 1))  # too little time to begin
        self.rows("mat_vec", PRODUCTS[:1])
        first = self.results.rows[0]
        self.assertEqual([row["shape"] for row in self.rows("mat_vec", PRODUCTS[:2])], [shape for _, shape in PRODUCTS[:2]])
        self.assertIs(self.results.rows[0], first)

    def test_fragments_are_compared_line_by_line(self):
        gpu_prove.fragments(self.machine, self.results, self.deadline)
        self.assertTrue(self.results.rows[-1]["ok"])
        self.assertGreater(self.results.rows[-1]["figure"], 200)
        other = pathlib.Path(self.folder.name) / "other"
        other.write_text(f"#!/bin/sh\n{FRAGMENTS} | sed 's/^ldmatrix x2, lane 3: 00/ldmatrix x2, lane 3: 01/'\n", encoding="utf-8")
        other.chmod(0o755)
        self.machine.programs["fragment_map_cuda"] = other
        gpu_prove.fragments(self.machine, self.results, self.deadline)
        self.assertIs(self.results.rows[-1]["ok"], False)
        self.assertIn("ldmatrix x2, lane 3: 01", self.results.rows[-1]["note"])

    def test_tests_are_counted_by_suite(self):
        gpu_prove.TESTS = "Glu*simulator_1:CublasTest.*"
        self.assertTrue(gpu_prove.tests(self.machine, self.results, self.deadline))
        rows = {row["op"]: row for row in self.results.of("tests")}
        self.assertEqual(set(rows), {"tests Glu", "tests GluOnDevice", "tests CublasTest"})
        for row in rows.values():
            self.assertTrue(row["ok"], row)
            self.assertEqual(row["unit"], f"of {row['figure']} passed")


if __name__ == "__main__":
    unittest.main()
