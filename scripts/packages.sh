# Debian packages, for quickstart, run-tests and CI. Sourced; defines lists and install_packages.
# shellcheck shell=bash disable=SC2034  # the lists are read by who sources this

# What the program is built from.
build_packages=(
  g++ cmake ninja-build pkg-config
  libboost1.81-dev libssl-dev nlohmann-json3-dev libsimdjson-dev libyaml-cpp-dev libspdlog-dev libfmt-dev
  libsqlite3-dev libpq-dev libzstd-dev prometheus-cpp-dev libcli11-dev libexpected-dev
)
# What writes its bill of materials; a build without goes without.
sbom_packages=(python3)
# What its tests need beside that.
# Of postgresql-15 the programs alone: tests start servers of their own.
test_packages=(libgtest-dev libgmock-dev libcpp-httplib-dev postgresql-15 openssl python3 python3-yaml jq)
# What the benchmarks need beside what the program is built from; nginx is what the server is compared with.
bench_packages=(libbenchmark-dev nginx-light wrk linux-perf openssl)
# What quickstart runs.
quickstart_packages=(openssl curl jq ca-certificates)
# Fuzzers and static analysis.
clang_packages=(clang-19 clang-tidy-19 libclang-rt-19-dev)
# Static analysis beside clang's.
analysis_packages=(cppcheck)

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs what is missing of the packages given. Nothing that is installed is ever removed.
install_packages() {
  local package missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    return 0
  fi
  echo "Missing Debian packages: ${missing[*]}"
  if ((EUID != 0)); then
    echo "Install them as root, then run this again:" >&2
    echo "  apt-get install -y --no-install-recommends --no-remove ${missing[*]}" >&2
    return 1
  fi
  if ! grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
    echo "note: these are the package names of Debian 12 (bookworm); this is another system" >&2
  fi
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing them with apt-get"
  apt-get update -qq || echo "note: the package lists could not be updated; trying with what is there" >&2
  if ! apt-get install -qq -y --no-install-recommends --no-remove "${missing[@]}" >/dev/null; then
    echo >&2
    echo "apt-get could not install them without removing something else. What stands in the way:" >&2
    apt-get install -s --no-install-recommends "${missing[@]}" 2>&1 | grep -E '^(Remv|E:|The following packages)|Conflicts|Depends|Unable' >&2 || true
    echo "libboost1.81-dev, for one, excludes libboost1.74-dev: remove that, or build in a container (see Dockerfile)." >&2
    return 1
  fi
}
