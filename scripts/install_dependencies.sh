# Sourced by the scripts of this folder, after `cd` to the checkout: bash functions that get a machine ready to build, and build.
# Nothing is done, and apt is not called, when nothing is missing.

say() { printf '\n== %s\n' "$*"; }
die() { printf 'baton: %s\n' "$*" >&2; exit 1; }

# The build's dependencies besides Boost, by Debian's and Ubuntu's names. docs/dependencies.md says what each is for.
baton_libraries="nlohmann-json3-dev libsqlite3-dev libspdlog-dev libfmt-dev libcli11-dev libtomlplusplus-dev libssl-dev libpcre2-dev zlib1g-dev libutf8proc-dev
  libhowardhinnant-date-dev tzdata ca-certificates libgtest-dev libgmock-dev libbenchmark-dev"
# command:package, for tools that may as well come from elsewhere than a package.
baton_commands="g++:g++ cmake:cmake ninja:ninja-build ccache:ccache pkg-config:pkg-config python3:python3 sqlite3:sqlite3"
baton_ci_commands="clang++:clang clang-format:clang-format clang-tidy:clang-tidy git:git"

package_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
package_known() { apt-cache show "$1" >/dev/null 2>&1; }

# The Boost >= 1.81 of this machine, or else the oldest such one that apt offers (Debian 12: 1.81, Ubuntu 24.04: 1.83).
boost_version() {
  local version
  for version in 1.81 1.83 1.88 1.90; do package_installed "libboost$version-dev" && echo "$version" && return; done
  for version in 1.81 1.83 1.88 1.90; do package_known "libboost$version-dev" && echo "$version" && return; done
  return 1
}

# missing_packages [ci]: one name a line.
missing_packages() {
  local pair commands=$baton_commands package boost
  [ "${1:-}" = ci ] && commands="$commands $baton_ci_commands"
  for pair in $commands; do command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"; done
  python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
  boost=$(boost_version) || boost=1.81
  for package in "libboost$boost-dev" "libboost-url$boost-dev" "libboost-context$boost-dev" $baton_libraries; do
    package_installed "$package" || echo "$package"
  done
  # The environment of the clients that the checks use.
  if [ "${1:-}" = ci ] && ! python3 -c 'import ensurepip' 2>/dev/null; then echo python3-venv; fi
  # libFuzzer and the sanitizers' runtime of clang are in a package of their own, named after clang's major version.
  if [ "${1:-}" = ci ]; then
    local major
    major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\).*/\1/p' | head -n 1)
    package_installed "libclang-rt-${major:-14}-dev" || echo "libclang-rt-${major:-14}-dev"
  fi
}

# install_dependencies [ci]: installs what is missing, with sudo where we are not root. Never removes a package: if apt would, it prints the command and stops.
install_dependencies() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "No apt here: install the packages of docs/dependencies.md yourself; continuing with the installed ones"
    return
  fi
  local missing package root=""
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then say "Dependencies: all installed"; return; fi
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "packages are missing, and installing them needs root. Let an administrator run: apt-get install" $missing
    root="sudo"
  fi
  for package in $missing; do
    if ! package_known "$package"; then
      say "apt does not know $package yet: updating its lists"
      $root apt-get -q update || die "apt-get update failed"
      missing=$(missing_packages "$@")
      break
    fi
  done
  say "Installing:" $missing
  local plan
  plan=$(LC_ALL=C apt-get -s install --no-install-recommends $missing 2>&1) || { printf '%s\n' "$plan" >&2; die "apt cannot install these packages"; }
  if printf '%s\n' "$plan" | grep -q '^Remv '; then
    printf '%s\n' "$plan" | grep '^Remv ' >&2
    die "installing would remove the packages above, so nothing was done. If you want that, run:
  ${root:+sudo }apt-get install --no-install-recommends" $missing
  fi
  $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing || die "apt-get install failed"
}

# One job a core, but no more than memory holds: the largest of our files take about 1.5 GB to compile.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo 2>/dev/null || echo "$cores")
  [ "${memory:-0}" -lt 1 ] && memory=1
  [ "$memory" -lt "$cores" ] && echo "$memory" || echo "$cores"
}

# build_preset PRESET [cmake --build arguments...]
build_preset() {
  local preset=$1 log
  shift
  # A clone elsewhere finds the same objects in ccache.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(build_jobs)}
  log=$(mktemp)
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "cmake could not configure the preset $preset (see above)"; }
  rm -f "$log"
  cmake --build --preset "$preset" "$@" || die "the build of preset $preset failed (see above)"
}
