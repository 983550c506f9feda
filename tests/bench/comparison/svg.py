"""Plots as SVG text: bars in groups, and small line plots. Colours are readable on white and on black."""

import math
from html import escape

_COLOURS = ("#8a8f98", "#2f7ed8", "#d97706", "#3a9a5b")
_TEXT = 'font-family="sans-serif" font-size="12" fill="#777"'


def bars(title: str, unit: str, groups: list[str], series: dict[str, list[float]]) -> str:
    """For each group one bar of each series, with its value above it. Every group has a scale of its own, as 3 KB and 1 MB have none in
    common: the first series is drawn in all of them at the same height."""
    bar, gap, height, top, left = 46, 34, 180, 56, 16
    span = len(series) * bar
    width = left + len(groups) * (span + gap)
    most = max((values[group] / max(first, 1e-12)) for values in series.values()
               for group, first in enumerate(next(iter(series.values()))))
    parts = [_label(left, 18, title, size=14), *_legend(list(series), left, 38)]
    for number, group in enumerate(groups):
        x = left + number * (span + gap)
        first = next(iter(series.values()))[number]
        for place, values in enumerate(series.values()):
            tall = height * values[number] / max(first, 1e-12) / most
            y = top + 18 + height - tall
            parts.append(f'<rect x="{x + place * bar + 3}" y="{y:.1f}" width="{bar - 6}" height="{tall:.1f}" fill="{_COLOURS[place]}"/>')
            parts.append(_label(x + place * bar + bar / 2, y - 4, _number(values[number]), anchor="middle", size=11))
        parts.append(_label(x + span / 2, top + height + 36, group, anchor="middle"))
    parts.append(_label(left, top + height + 58, unit, size=11))
    return _document(width, top + height + 68, parts)


def lines(title: str, plots: list[tuple[str, list[float], list[float]]]) -> str:
    """Small plots beside one another: what is on the vertical axis, the values on the horizontal axis (evenly spaced), and the points.
    Vertical axes begin at 0."""
    width, height, gap, left, top = 200, 120, 40, 16, 44
    parts = [_label(left, 18, title, size=14)]
    for number, (name, across, points) in enumerate(plots):
        x0 = left + number * (width + gap)
        most = _round_up(max([*points, 1e-12]))
        step = width / max(1, len(across) - 1)
        places = [(x0 + step * index, top + height * (1 - value / most)) for index, value in enumerate(points)]
        parts.append(_label(x0, top - 8, name, size=11))
        parts.append(f'<path d="M{x0} {top}V{top + height}H{x0 + width}" fill="none" stroke="#999"/>')
        parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" stroke="{_COLOURS[1]}" stroke-width="2"/>')
        for (x, y), value, at in zip(places, points, across, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_COLOURS[1]}"/>')
            below = y - 7 if y > top + 14 else y + 15
            parts.append(_label(x, below, _number(value), anchor="middle", size=10))
            parts.append(_label(x, top + height + 16, f"{at:,g}", anchor="middle", size=10))
    return _document(left + len(plots) * (width + gap), top + height + 30, parts)


def _legend(names: list[str], x: float, y: float) -> list[str]:
    parts = []
    for place, name in enumerate(names):
        parts.append(f'<rect x="{x}" y="{y - 10}" width="11" height="11" fill="{_COLOURS[place]}"/>')
        parts.append(_label(x + 16, y, name))
        x += 32 + 7 * len(name)
    return parts


def _label(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {_TEXT.replace("12", str(size))}>{escape(text)}</text>'


def _number(value: float) -> str:
    """Three digits that count."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _round_up(value: float) -> float:
    """A little above, so that the highest point has room."""
    return value * 1.25


def _document(width: float, height: float, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">'
    return "\n".join([head, *parts, "</svg>", ""])
