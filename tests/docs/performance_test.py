"""docs/performance.md and the command that writes it belong together: every section of tests/bench/compare has its place, and its plots are
there.

Measures nothing. Usage: performance_test.py
"""
import pathlib
import re
import runpy
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "performance.md"
sys.dont_write_bytecode = True
COMPARE = runpy.run_path(str(ROOT / "tests" / "bench" / "compare"))

from comparison import report, svg, workload  # noqa: E402  # compare has told Python where they are
from comparison.servers import Failed  # noqa: E402


class Document(unittest.TestCase):
    def test_has_each_section_once(self):
        text = DOCUMENT.read_text(encoding="utf-8")
        self.assertEqual(sorted(re.findall(r"^<!-- compare: ([a-z-]+) -->$", text, re.MULTILINE)), sorted(COMPARE["SECTIONS"]))
        self.assertEqual(sorted(re.findall(r"^<!-- /compare: ([a-z-]+) -->$", text, re.MULTILINE)), sorted(COMPARE["SECTIONS"]))
        for name in COMPARE["SECTIONS"]:
            self.assertIn(f"(`{name}`)\n", text, "the heading tells what to give to --only")

    def test_shows_plots_that_are_there(self):
        shown = re.findall(r"\]\((performance/[a-z-]+\.svg)\)", DOCUMENT.read_text(encoding="utf-8"))
        self.assertTrue(shown)
        for plot in shown:
            xml.etree.ElementTree.parse(DOCUMENT.parent / plot)
        self.assertEqual(sorted(set(shown)), sorted(f"performance/{path.name}" for path in (DOCUMENT.parent / "performance").iterdir()))


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.document = self.folder / "document.md"

    def test_replaces_its_section_alone(self):
        text = "before\n<!-- compare: a -->\nold\n<!-- /compare: a -->\nbetween\n<!-- compare: b -->\nkept\n<!-- /compare: b -->\n"
        self.document.write_text(text)
        report.write(report.Section("a", "new \\1\n", {"a.svg": "<svg/>"}), self.document, self.folder / "plots")
        self.assertEqual(self.document.read_text(), text.replace("old", "new \\1"))
        self.assertEqual((self.folder / "plots" / "a.svg").read_text(), "<svg/>")

    def test_writes_nothing_where_its_section_is_missing(self):
        self.document.write_text("<!-- compare: b -->\n<!-- /compare: b -->\n")
        with self.assertRaises(Failed):
            report.write(report.Section("a", "new\n", {"a.svg": "<svg/>"}), self.document, self.folder / "plots")
        self.assertFalse((self.folder / "plots").exists())

    def test_a_bar_is_met_at_its_value(self):
        self.assertEqual(report.bar(3.0, 3.0), "3.00 (met)")
        self.assertEqual(report.bar(3.01, 3.0), "3.01 (**missed**)")
        self.assertEqual(report.bar(0.35, 0.35, at_most=False), "0.35 (met)")
        self.assertEqual(report.bar(0.34, 0.35, at_most=False), "0.34 (**missed**)")


class Plot(unittest.TestCase):
    def test_is_as_high_as_what_is_to_be_reached(self):
        drawn = xml.etree.ElementTree.fromstring(svg.bars("a < b", "µs", ["x"], {"one": [10.0], "other": [20.0]}, {"other": 4.0}))
        rectangles = [float(part.get("height")) for part in drawn.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertEqual(rectangles, [11.0, 11.0, 45.0, 90.0])  # the legend's, and bars of a height of 180 for four times the first

    def test_draws_every_point(self):
        drawn = xml.etree.ElementTree.fromstring(svg.lines("by n", [("rate", [1, 10, 100], [0.0, 2.0, 4.0])]))
        self.assertEqual(len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))), 3)


class Bodies(unittest.TestCase):
    def test_are_of_the_sizes_that_are_told(self):
        for size, least, most in (("3k", 3_000, 4_000), ("12k", 11_500, 13_000), ("1m", (1 << 20) - 200, (1 << 20) + 200)):
            self.assertTrue(least <= len(workload.review(size)) <= most, f"{size}: {len(workload.review(size))}")


if __name__ == "__main__":
    unittest.main()
