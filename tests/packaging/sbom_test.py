#!/usr/bin/env python3
"""scripts/sbom.py lists what the program is made of: what the loader loads, and what was read while it was compiled.

  sbom_test.py BUILD_FOLDER BINARY [--header=FILE]..."""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD, BINARY, *HEADERS = sys.argv[1:]
PROGRAM = "SPDXRef-Package-acr-admission"
ROOMS = ("base", "policy", "state", "http", "azure", "kube", "audit", "certs", "webhook", "scan", "cli")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write(binary=BINARY, headers=None, epoch="1700000000"):
    command = [str(REPOSITORY / "scripts/sbom.py"), "--version=1.2.3", *(HEADERS if headers is None else headers), binary]
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})


def packages_of(paths):
    """Of many files at once: binary package by path, as dpkg's own lists have it. Files that are of no package are left out."""
    found = {}
    candidates = {candidate: path for path in paths for candidate in (path, path.removeprefix("/usr"))}
    for files in pathlib.Path("/var/lib/dpkg/info").glob("*.list"):
        for line in files.read_text().splitlines():
            if line in candidates:
                found[candidates[line]] = files.stem.split(":")[0]
    return found


def sources_of(packages):
    listed = output("dpkg-query", "--show", "--showformat=${Package} ${source:Package}\n", *packages)
    return dict(line.split() for line in listed.splitlines())


class SbomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        written = write()
        if written.returncode != 0:
            raise AssertionError(written.stderr)
        cls.text = written.stdout
        cls.document = json.loads(cls.text)
        cls.packages = {package["SPDXID"]: package for package in cls.document["packages"]}
        cls.related = collections.defaultdict(set)
        for relationship in cls.document["relationships"]:
            cls.related[relationship["spdxElementId"], relationship["relationshipType"]].add(relationship["relatedSpdxElement"])

    def names(self, ids):
        return {self.packages[each]["name"] for each in ids}

    def test_is_an_spdx_document(self):
        document = self.document
        self.assertEqual(document["spdxVersion"], "SPDX-2.3")
        self.assertEqual(document["dataLicense"], "CC0-1.0")
        self.assertEqual(document["SPDXID"], "SPDXRef-DOCUMENT")
        self.assertEqual(document["creationInfo"]["created"], "2023-11-14T22:13:20Z")
        self.assertRegex(document["creationInfo"]["creators"][0], r"^Tool: ")
        self.assertRegex(document["documentNamespace"], r"^https://[^#\s]+$")
        self.assertEqual(self.related["SPDXRef-DOCUMENT", "DESCRIBES"], {PROGRAM})
        self.assertEqual(len(self.packages), len(document["packages"]), "ids are unique")
        for package in document["packages"]:
            self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertEqual((package["filesAnalyzed"], package["downloadLocation"]), (False, "NOASSERTION"))
            self.assertRegex(package["supplier"], r"^(Organization: .+|NOASSERTION)$")
            for license in (package["licenseDeclared"], package["licenseConcluded"]):
                for word in re.split(r" (?:AND|OR) ", license):
                    self.assertRegex(word, r"^(NOASSERTION|[A-Za-z0-9.-]+)$")
        for (element, _), others in self.related.items():
            for each in {element, *others} - {"SPDXRef-DOCUMENT"}:
                self.assertIn(each, self.packages)

    def test_the_program_is_named_with_version_and_licence(self):
        program = self.packages[PROGRAM]
        self.assertEqual((program["versionInfo"], program["licenseDeclared"]), ("1.2.3", "MIT"))
        self.assertTrue((REPOSITORY / "LICENSE").read_text().startswith("MIT License"))
        self.assertIn(re.search(r"Build ID: (\w+)", output("readelf", "-n", BINARY))[1], program["comment"])

    def test_packages_are_those_that_dpkg_knows(self):
        for package in self.packages.values():
            if package["SPDXID"] == PROGRAM:
                continue
            self.assertEqual(package["versionInfo"], output("dpkg-query", "-W", "-f${Version}\n", package["name"]).splitlines()[0])
            (purl,) = package["externalRefs"]
            self.assertEqual(purl["referenceType"], "purl")
            self.assertTrue(purl["referenceLocator"].startswith(f"pkg:deb/debian/{package['name']}@"), purl)

    def test_what_the_loader_loads_is_there(self):
        loaded = [os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", output("ldd", BINARY))]
        self.assertGreater(len(loaded), 10)
        wanted = packages_of(loaded)
        self.assertEqual(set(wanted), set(loaded))
        compiled_in = self.related[PROGRAM, "STATIC_LINK"]
        reached, waiting = set(), [PROGRAM]
        while waiting:
            for other in self.related[waiting.pop(), "DYNAMIC_LINK"] - reached:
                reached.add(other)
                waiting.append(other)
        self.assertEqual(self.names(reached), set(wanted.values()), "by way of what needs it")
        self.assertEqual(reached | compiled_in | {PROGRAM}, set(self.packages), "and nothing else")

    def test_what_was_compiled_in_is_there(self):
        """Of every header that the compiler read for the program, its source package is listed: with a library, or by itself."""
        if not os.path.exists(os.path.join(BUILD, ".ninja_deps")):
            self.skipTest("not built by ninja")
        headers, counts = set(), False
        for line in output("ninja", "-C", BUILD, "-t", "deps").splitlines():
            if not line.startswith(" "):
                counts = line.startswith(ROOMS)
            elif counts and line.strip().startswith("/usr/"):
                headers.add(os.path.realpath(line.strip()))
        self.assertGreater(len(headers), 100)
        read = set(sources_of(set(packages_of(sorted(headers)).values())).values())
        listed = set(sources_of({package["name"] for each, package in self.packages.items() if each != PROGRAM}).values())
        # The kernel's interface is declarations alone.
        self.assertEqual(read - listed - {"linux"}, set())

    def test_is_the_same_each_time(self):
        self.assertEqual(write().stdout, self.text)
        other = json.loads(write(epoch="1").stdout)
        self.assertEqual(other["creationInfo"]["created"], "1970-01-01T00:00:01Z")
        self.assertNotEqual(other["documentNamespace"], self.document["documentNamespace"])

    def test_a_header_of_no_package_is_refused(self):
        refused = write(headers=["--header=" + str(REPOSITORY / "base/text.h")])
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("base/text.h is of no Debian package", refused.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
