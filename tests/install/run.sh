#!/usr/bin/env bash
# tests/install/run.sh BUILD_FOLDER: installs that build to a prefix of its own, and builds and runs programs against it.
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
# configure_and_build SOURCES BUILD
configure_and_build() {
  cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  cmake --build "$2"
}

configure_and_build "$here" "$work/build"
ctest --test-dir "$work/build" --output-on-failure --no-tests=error
# A line of `-t deps` that is not indented names a target, and the indented ones after it are the files that it includes.
unwanted=$(ninja -C "$work/build" -t deps | awk '/^[^ ]/ { target = $1 }
  target ~ /headers_alone/ && /^ / && /\/boost\/(asio|beast)\/|\/sqlite3|\/spdlog\/|\/cuda/ { print target $0 }')
if [ -n "$unwanted" ]; then
  echo "a public header includes what programs outside should not need:"
  echo "$unwanted"
  exit 1
fi

# The CMakeLists.txt of the README, word for word.
mkdir "$work/readme"
sed -n '/^    cmake_minimum_required/,/^$/s/^    //p' "$here/../../README.md" >"$work/readme/CMakeLists.txt"
cp "$here/../../examples/custom_tool.cpp" "$work/readme/"
configure_and_build "$work/readme" "$work/readme/build"
"$work/readme/build/my_daemon" --help >/dev/null

"$work/prefix/bin/baton" --version
