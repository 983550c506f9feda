#!/bin/bash
# Whether a program is as cmake/toolchain.cmake means it to be when it is shipped. Names each protection that it lacks, and fails.
#
#   check-hardening.sh BINARY      (not stripped of its dynamic symbols)
set -euo pipefail
export LC_ALL=C
binary=$1
segments=$(readelf --program-headers --wide "$binary")
dynamic=$(readelf --dynamic --wide "$binary")
symbols=$(readelf --dyn-syms --wide "$binary")
lacks=0

# need WHAT TEXT PATTERN, and need_no WHAT TEXT PATTERN
need() {
  grep -qE "$3" <<<"$2" || {
    echo "$binary: $1" >&2
    lacks=1
  }
}
need_no() {
  ! grep -qE "$3" <<<"$2" || {
    echo "$binary: $1" >&2
    lacks=1
  }
}

need "is no position-independent executable (-pie)" "$dynamic" 'FLAGS_1.* PIE'
need "has no read-only relocations (-z relro)" "$segments" 'GNU_RELRO'
need "binds its symbols late, so that relocations stay writable (-z now)" "$dynamic" 'FLAGS_1.* NOW'
need "does not say that its stack is not executable (-z noexecstack)" "$segments" 'GNU_STACK'
need_no "has an executable stack (-z noexecstack)" "$segments" 'GNU_STACK.* RWE '
need_no "has memory that is writable and executable" "$segments" 'LOAD.* RWE '
need "has no stack protector (-fstack-protector-strong)" "$symbols" '__stack_chk_fail'
need "calls no checked function of libc (-D_FORTIFY_SOURCE=3, -O2)" "$symbols" ' __[a-z]+_chk@'
need_no "looks for libraries in folders of its own (RPATH)" "$dynamic" '\((RPATH|RUNPATH)\)'
exit "$lacks"
