#!/usr/bin/env python3
"""Reports on the CUDA kernels' machine code: registers, spills, shared memory, occupancy, the inner loop, and the bound that follows."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "tests" / folder) for folder in ("check", "support")]
import kernel_report  # noqa: E402

if __name__ == "__main__":
    sys.exit(kernel_report.main())
