#!/usr/bin/env bash
# Builds everything and runs the quick tests; --full adds those that take long. Ends with "baton: N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install_dependencies.sh

labels='^quick$'
case "${1:-}" in
  "") ;;
  --full) labels='^(quick|full)$' ;;
  *) die "usage: scripts/test.sh [--full]" ;;
esac

install_dependencies
say "Building build/release"
build_preset release
say "Testing"
results=build/release/test-results.xml
rm -f "$results"
status=0
ctest --test-dir build/release -L "$labels" -j "$(nproc)" --progress --output-on-failure --output-junit "$PWD/$results" || status=$?
python3 tests/support/ctest_counts.py "$results" --prefix "baton: " || status=1
exit "$status"
