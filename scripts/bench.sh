#!/usr/bin/env bash
# Measures Baton beside its peers: scripts/bench.sh SUITE [--list] [--quick] [--json] [--record]
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec python3 -m tests.bench "$@"
