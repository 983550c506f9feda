"""What a section of the comparison has to say, and where it goes: Markdown between two comments of docs/performance.md, SVG beside it."""

import dataclasses
import re
from pathlib import Path

from .servers import Failed


@dataclasses.dataclass
class Section:
    """`name` is that of the comments: <!-- compare: NAME --> … <!-- /compare: NAME -->. `plots`: file name to SVG."""
    name: str
    markdown: str
    plots: dict[str, str] = dataclasses.field(default_factory=dict)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Numbers on the right; the first column is words."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def verdict(met: bool) -> str:
    """On a bar."""
    return "met" if met else "**missed**"


def bar(value: float, limit: float, at_most: bool = True) -> str:
    """A ratio and what became of its bar."""
    return f"{value:.2f} ({verdict(value <= limit if at_most else value >= limit)})"


def count(value: float) -> str:
    return f"{value:,.0f}"


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def microseconds(seconds: float) -> str:
    value = seconds * 1e6
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def mebibytes(size: float) -> str:
    return f"{size / (1 << 20):.0f}"


def write(section: Section, document: Path, folder: Path) -> None:
    """Replaces the section in the document, and its plots. All else in the document stays."""
    text = document.read_text()
    begin, end = f"<!-- compare: {section.name} -->", f"<!-- /compare: {section.name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise Failed(f"{document} must have one section between {begin} and {end}")
    document.write_text(pattern.sub(lambda _: f"{begin}\n{section.markdown}{end}", text))
    folder.mkdir(exist_ok=True)
    for name, plot in section.plots.items():
        (folder / name).write_text(plot)
