#!/usr/bin/env bash
# tests/install/run.sh BUILD_FOLDER: installs that build to a prefix of its own and builds and runs the examples against it.
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
cmake --build "$work/build"
ctest --test-dir "$work/build" --output-on-failure --no-tests=error
"$work/prefix/bin/baton" --version
