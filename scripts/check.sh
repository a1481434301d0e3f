#!/usr/bin/env bash
# Proves what Baton computes against programs that we did not write: scripts/check.sh SUITE [--list] [--quick] [--json] [--record] [--regenerate]
exec python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/check/check.py" "$@"
