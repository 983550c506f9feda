#!/usr/bin/env python3
"""Writes a bill of materials of a built program: SPDX 2.3, JSON.

  sbom.py --version VERSION [--header FILE]... [--output FILE] BINARY

What is in it is what is there: the shared objects that the loader finds for BINARY and, of each, those that it needs in turn, and the
packages of the headers that are compiled into it. Each is a Debian package as dpkg knows it; one that dpkg does not know is an error.
A licence is what Debian's copyright file declares for `Files: *`, where SPDX has a name for it; files of a package may have another,
and all that are named stand in the comment.
The same binary and packages give the same bytes; the time in it is SOURCE_DATE_EPOCH, or the beginning of 1970."""

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

NAME = "acr-admission"
LICENSE = "MIT"
COPYRIGHTS = "/usr/share/doc"

# Debian's short names (the machine-readable format of debian/copyright) that SPDX calls otherwise, in lower case.
# https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name
SPDX_NAMES = {
    "apache-2.0": "Apache-2.0", "0bsd": "0BSD", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "bsl-1.0": "BSL-1.0",
    "boost-1.0": "BSL-1.0", "cc0-1.0": "CC0-1.0", "expat": "MIT", "mit": "MIT", "isc": "ISC", "postgresql": "PostgreSQL", "zlib": "Zlib",
    "x11": "X11", "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later",
    "gpl-2.0+": "GPL-2.0-or-later", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later",
}


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if result.returncode != 0:
        raise SystemExit(f"sbom.py: {' '.join(command)}: {result.stderr.strip()}")
    return result.stdout


def loaded_objects(binary):
    """Of each shared object that the loader finds for the binary: its name, and where it is."""
    objects = {}
    for line in run("ldd", binary).splitlines():
        found = re.match(r"\s*(\S+)(?: => (\S+))? \(0x", line)
        if "not found" in line:
            raise SystemExit(f"sbom.py: {binary}: {line.strip()}")
        if found and (path := found[2] or found[1]).startswith("/"):
            objects[os.path.basename(found[1])] = path
    return objects


def needed(path):
    """The names of the shared objects that a file asks for itself."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", "--wide", path))


def packages_of(paths):
    """The binary package of each file. On a merged /usr dpkg may know it without the /usr."""
    real = {path: os.path.realpath(path) for path in paths}
    candidates = sorted({name for path in real.values() for name in (path, path.removeprefix("/usr"))})
    # It fails when one is not found, as of the two names one never is.
    found = subprocess.run(["dpkg", "--search", *candidates], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    owners = {}
    for line in found.stdout.splitlines():
        packages, _, file = line.partition(": ")
        owners[file] = packages.split(",")[0]
    known = {path: owners.get(file) or owners.get(file.removeprefix("/usr")) for path, file in real.items()}
    for path, package in known.items():
        if package is None:
            raise SystemExit(f"sbom.py: {path} is of no Debian package")
    return known


def spdx_expression(short):
    """Debian's license of a paragraph as an SPDX expression; nothing where a part of it has no name there."""
    words = re.split(r"\s+(and|or|AND|OR)\s+", short.replace(",", "").strip())
    names = [word.upper() if i % 2 else SPDX_NAMES.get(word.lower()) for i, word in enumerate(words)]
    return " ".join(names) if all(names) else None


def licenses(package):
    """What the copyright file says of the package as a whole (`Files: *`), and all that it names; nothing where it is prose."""
    try:
        with open(f"{COPYRIGHTS}/{package.split(':')[0]}/copyright", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None, []
    if not re.match(r"Format(-Specification)?:", text):
        return None, []
    whole, every = None, set()
    for paragraph in re.split(r"\n\s*\n", text):
        short = re.search(r"^License:[ \t]*(\S.*)$", paragraph, re.MULTILINE)
        if not short:
            continue
        every.add(short[1].strip())
        if re.search(r"^Files:\s*\*\s*$", paragraph, re.MULTILINE):
            whole = spdx_expression(short[1])
    return whole, sorted(every)


def os_release():
    with open("/etc/os-release", encoding="utf-8") as file:
        values = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    return {key: value.strip('"') for key, value in values.items()}


def describe(package, system):
    version, source, architecture = run(
        "dpkg-query", "--show", "--showformat=${Version}\n${source:Package} ${source:Version}\n${Architecture}", package).split("\n")
    name = package.split(":")[0]
    declared, named = licenses(package)
    described = {
        "SPDXID": "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name),
        "name": name,
        "versionInfo": version,
        "supplier": "Organization: Debian" if system.get("ID") == "debian" else "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "sourceInfo": "built from the source package " + source,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": declared or "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/{system.get('ID', 'debian')}/{name}@{version.replace(':', '%3A').replace('+', '%2B')}"
                                f"?arch={architecture}&distro={system.get('ID', 'debian')}-{system.get('VERSION_ID', '')}",
        }],
    }
    if named:
        described["licenseComments"] = "Named in Debian's copyright file, each of some files or all: " + "; ".join(named)
    return described


def document(binary, version, headers):
    system = os_release()
    objects = loaded_objects(binary)
    owner_of = packages_of([*objects.values(), *headers])
    owners = {name: owner_of[path] for name, path in objects.items()}
    compiled_in = sorted({owner_of[header] for header in headers})
    packages = {package: describe(package, system) for package in sorted({*owners.values(), *compiled_in})}
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "--notes", "--wide", binary))
    if not build_id:
        raise SystemExit(f"sbom.py: {binary} has no build ID")
    program = {
        "SPDXID": "SPDXRef-Package-" + NAME,
        "name": NAME,
        "versionInfo": version,
        "packageFileName": os.path.basename(binary),
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": LICENSE,
        "licenseDeclared": LICENSE,
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
        "comment": "GNU build ID " + build_id[1],  # which stripping leaves as it is, unlike a checksum
    }

    relationships = {("SPDXRef-DOCUMENT", "DESCRIBES", program["SPDXID"])}
    for package in compiled_in:
        relationships.add((program["SPDXID"], "STATIC_LINK", packages[package]["SPDXID"]))
    for name in needed(binary):
        relationships.add((program["SPDXID"], "DYNAMIC_LINK", packages[owners[name]]["SPDXID"]))
    for name, path in objects.items():
        for other in needed(path):
            if other in owners and owners[other] != owners[name]:
                relationships.add((packages[owners[name]]["SPDXID"], "DYNAMIC_LINK", packages[owners[other]]["SPDXID"]))

    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), datetime.timezone.utc)
    content = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{NAME}-{version}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: acr-admission-sbom"]},
        "packages": [program, *packages.values()],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in sorted(relationships)],
    }
    # Another document is another name; the same one the same.
    identity = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    content["documentNamespace"] = f"https://spdx.org/spdxdocs/{NAME}-{version}-{identity}"
    return content


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", required=True)
    parser.add_argument("--header", action="append", default=[], help="a header of a package whose code is compiled in")
    parser.add_argument("--output", help="a file; else standard output")
    parser.add_argument("binary")
    arguments = parser.parse_args()
    text = json.dumps(document(arguments.binary, arguments.version, arguments.header), indent=2) + "\n"
    if not arguments.output:
        sys.stdout.write(text)
        return
    with open(arguments.output, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
