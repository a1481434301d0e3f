#!/usr/bin/env bash
# Proves and measures the CUDA kernels on a machine with an NVIDIA GPU: scripts/gpu.sh pack | prove | ceilings | kernels | peers | all [--out DIR] [--json] [--again]
exec python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/bench/gpu.py" "$@"
