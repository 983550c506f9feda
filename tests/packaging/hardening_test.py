#!/usr/bin/env python3
"""scripts/check-hardening.sh takes what cmake/toolchain.cmake makes of a release, and names what a program lacks of it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CHECK = REPOSITORY / "scripts/check-hardening.sh"

# A function with a buffer on its stack, and a checked call whose length no compiler knows.
PROGRAM = """
#include <cstdio>
#include <cstring>
int main(int argc, char** argv) {
  char buffer[64];
  std::memcpy(buffer, argv[0], static_cast<unsigned long>(argc));
  return std::snprintf(buffer, sizeof(buffer), "%s", argv[argc - 1]);
}
"""
FULL = ["-O2", "-fPIE", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=3", "-pie", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]


class HardeningTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        (self.path / "main.cc").write_text(PROGRAM)

    def check(self, binary):
        return subprocess.run([str(CHECK), str(binary)], capture_output=True, text=True)

    def built_with(self, *flags):
        binary = self.path / "program"
        # -U first: some distributions' compilers fortify by themselves.
        subprocess.run(["g++", "-w", "-U_FORTIFY_SOURCE", *flags, "-o", str(binary), str(self.path / "main.cc")], check=True)
        return self.check(binary)

    def assert_lacks(self, checked, words):
        self.assertEqual(checked.returncode, 1, checked.stderr)
        self.assertIn(words, checked.stderr)

    def test_the_toolchain_of_a_release_passes(self):
        (self.path / "CMakeLists.txt").write_text(f"""
cmake_minimum_required(VERSION 3.25)
project(hardening LANGUAGES CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include({REPOSITORY}/cmake/toolchain.cmake)
add_executable(program main.cc)
""")
        for command in (["cmake", "-G", "Ninja", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2",
                         "-DCMAKE_CXX_COMPILER=g++"], ["cmake", "--build", "build"]):
            done = subprocess.run(command, cwd=self.path, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        checked = self.check(self.path / "build/program")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_all_flags_by_hand_pass(self):
        checked = self.built_with(*FULL)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_each_flag_that_lacks_is_named(self):
        for flag, instead, words in (("-pie", "-no-pie", "position-independent"),
                                     ("-Wl,-z,relro", "-Wl,-z,norelro", "read-only relocations"),
                                     ("-Wl,-z,now", "-Wl,-z,lazy", "binds its symbols late"),
                                     ("-Wl,-z,noexecstack", "-Wl,-z,execstack", "executable stack"),
                                     ("-fstack-protector-strong", "-fno-stack-protector", "stack protector"),
                                     ("-D_FORTIFY_SOURCE=3", "-DNOTHING", "checked function"),
                                     ("-O2", "-Wl,-rpath,/tmp -O2", "RPATH")):
            with self.subTest(flag=flag):
                flags = [part for each in FULL for part in (instead.split() if each == flag else [each])]
                self.assert_lacks(self.built_with(*flags), words)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
