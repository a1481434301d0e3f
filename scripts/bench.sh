#!/usr/bin/env bash
# Measures Baton beside its peers: scripts/bench.sh SUITE [--list] [--quick] [--json] [--record]
exec python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/bench/bench.py" "$@"
