"""Answers of models of forty-two conventions, cut at every byte: the parser of calls must give the same items as for the whole."""
import re
import subprocess

from tests.support import suite

NEEDED = 500


def rows(_baton, _models_dir, _quick):
    program = suite.ROOT / "build/release/tests/test_llm_syntax_derivation"
    if not program.exists():
        return [suite.skipped("outputs cut at every byte", f"{program.relative_to(suite.ROOT)} is not built")]
    done = subprocess.run([program, "--gtest_filter=*cut_at_any_byte*"], capture_output=True, text=True, timeout=600, check=False)
    counts = [(int(n), int(alike)) for n, alike in re.findall(r"outputs (\d+) alike (\d+)", done.stdout)]
    outputs, alike = sum(n for n, _ in counts), sum(a for _, a in counts)
    return [suite.row("outputs cut at every byte, parsed alike", alike, unit=f"of {outputs}", target=f"all, of at least {NEEDED}",
                      ok=done.returncode == 0 and alike == outputs >= NEEDED, note=f"{len(counts)} conventions")]
