#!/usr/bin/env bash
# Proves what Baton computes against programs that we did not write: scripts/check.sh SUITE [--list] [--quick] [--json] [--record] [--regenerate]
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec python3 -m tests.check "$@"
