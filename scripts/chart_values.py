#!/usr/bin/env python3
"""The table of the chart's values in its README, made from the comments in values.yaml.

    scripts/chart_values.py           writes it anew between the two markers in charts/acr-admission/README.md

A value is what has a comment that begins with `# --`; comment lines that follow go on with it.
"""
import json
import pathlib
import re

import yaml

CHART = pathlib.Path(__file__).resolve().parent.parent / "charts" / "acr-admission"
BEGIN = "<!-- values: written by scripts/chart_values.py -->\n"
END = "<!-- end of values -->\n"


def described(text):
    """{dotted path: description} of a values.yaml, in its order."""
    values, parents, comment = {}, [], None
    for line in text.splitlines():
        begun = re.match(r"\s*# -- (.*)", line)
        more = re.match(r"\s*# (.*)", line)
        key = re.match(r"( *)([A-Za-z][A-Za-z0-9]*):(?:\s|$)", line)
        if begun:
            comment = begun.group(1)
        elif more and comment is not None:
            comment += " " + more.group(1)
        elif key:
            depth = len(key.group(1)) // 2
            parents[depth:] = [key.group(2)]
            if comment is not None:
                values[".".join(parents)] = comment
            comment = None
        else:
            comment = None
    return values


def value_at(values, path):
    for key in path.split("."):
        values = values[key]
    return values


def table(text):
    """The Markdown table of a values.yaml."""
    defaults = yaml.safe_load(text)
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for path, meaning in described(text).items():
        default = json.dumps(value_at(defaults, path), ensure_ascii=False)
        if len(default) > 70:
            default = "see values.yaml"
        else:
            default = f"`{default}`"
        lines.append(f"| `{path}` | {default} | {meaning} |")
    return "\n".join(lines).replace("\\|", "|") + "\n"


def with_table(readme, text):
    """The README with the table of this values.yaml between its markers."""
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table(text) + END + rest.split(END)[1]


if __name__ == "__main__":
    readme = CHART / "README.md"
    readme.write_text(with_table(readme.read_text(), (CHART / "values.yaml").read_text()))
