#!/bin/bash
# Lays out the root file system of the image: BINARY, the shared objects it loads, the CA bundle, users, the Debian
# package records of what is inside, so that vulnerability scanners see the libraries, and the program's bill of materials.
#
#   image-root.sh BINARY FOLDER
set -euo pipefail
binary=$1 root=$2

mkdir -p "$root"/{usr/bin,etc/ssl/certs,tmp,var/lib/dpkg/status.d}
install -m 0755 -s "$binary" "$root/usr/bin/acr-admission"
chmod 1777 "$root/tmp"
install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' > "$root/etc/passwd"
echo 'nonroot:x:65532:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# What the loader would load, and the loader itself, at the paths where it looks.
mapfile -t objects < <(ldd "$binary" | grep -oE '/[^ ]+' | sort -u)
for object in "${objects[@]}"; do
  install -D -m 0755 "$(realpath "$object")" "$root$object"
done

# One file a package in status.d, as distroless images have it: Trivy, Grype and others read them.
for object in "${objects[@]}"; do
  real=$(realpath "$object")
  # dpkg knows files by the path that the package has, which on a merged /usr may lack the /usr.
  dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || true
done | sed 's/: .*//' | sort -u | while read -r package; do
  dpkg-query --status "$package" > "$root/var/lib/dpkg/status.d/${package%%:*}"
done
dpkg-query --status ca-certificates > "$root/var/lib/dpkg/status.d/ca-certificates"
install -D -m 0644 /etc/os-release "$root/etc/os-release"

# The build writes it beside the program, where it can.
if [[ -e $binary.spdx.json ]]; then
  install -D -m 0644 "$binary.spdx.json" "$root/usr/share/doc/acr-admission/acr-admission.spdx.json"
else
  echo "note: there is no $binary.spdx.json, so the image has no bill of materials: cmake --build --preset release --target sbom" >&2
fi

find "$root" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
