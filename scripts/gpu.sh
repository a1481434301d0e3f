#!/usr/bin/env bash
# Proves and measures the CUDA kernels on a machine with an NVIDIA GPU: scripts/gpu.sh pack | prove | ceilings | kernels | peers | all [--out DIR] [--json] [--again]
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec python3 -m tests.gpu "$@"
