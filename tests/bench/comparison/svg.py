"""Plots as SVG text: bars in groups, and small line plots. Colours are readable on white and on black."""

import math
from html import escape

_COLOURS = ("#8a8f98", "#2f7ed8", "#d97706", "#3a9a5b")
_LIMIT = "#d03030"
_TINY = 1e-12
_TEXT = 'font-family="sans-serif" font-size="12" fill="#777"'


def bars(title: str, unit: str, groups: list[str], series: dict[str, list[float]], limits: dict[str, float]) -> str:
    """For each group one bar of each series, with its value above it. Every group has a scale of its own, as 3 KB and 1 MB have none in
    common: the first series is drawn in all of them at the same height. `limits`: for a series, how many times the first it may or must
    be; a dashed line across its bars."""
    bar, gap, height, top, left = 40, 30, 180, 56, 16
    span = len(series) * bar
    width = left + len(groups) * (span + gap)
    first = next(iter(series.values()))
    ratios = [value / max(base, _TINY) for values in series.values() for value, base in zip(values, first, strict=True)]
    highest = max([*limits.values(), *ratios])
    ground = top + 18 + height
    parts = [_label(left, 18, title, size=14), *_legend(list(series), left, 38)]
    for number, group in enumerate(groups):
        x = left + number * (span + gap)
        for place, (name, values) in enumerate(series.items()):
            tall = height * values[number] / max(first[number], _TINY) / highest
            at = x + place * bar
            parts.append(f'<rect x="{at + 3}" y="{ground - tall:.1f}" width="{bar - 6}" height="{tall:.1f}" fill="{_COLOURS[place]}"/>')
            parts.append(_label(at + bar / 2, ground - tall - 4, _number(values[number]), anchor="middle", size=11))
            if name in limits:
                line = ground - height * limits[name] / highest
                parts.append(f'<path d="M{at} {line:.1f}h{bar}" stroke="{_LIMIT}" stroke-width="1.5" stroke-dasharray="4 3"/>')
        parts.append(_label(x + span / 2, ground + 18, group, anchor="middle"))
    parts.append(_label(left, ground + 40, unit, size=11))
    return _document(width, ground + 50, parts)


def lines(title: str, plots: list[tuple[str, list[float], list[float]]]) -> str:
    """Small plots beside one another: what is on the vertical axis, the values on the horizontal axis (evenly spaced), and the points.
    Vertical axes begin at 0."""
    width, height, inside, gap, left, top = 240, 120, 24, 30, 16, 44
    parts = [_label(left, 18, title, size=14)]
    for number, (name, across, points) in enumerate(plots):
        x0 = left + number * (width + gap)
        most = max([*points, _TINY]) * 1.25  # the highest point has room for its number
        step = (width - 2 * inside) / max(1, len(across) - 1)
        places = [(x0 + inside + step * index, top + height * (1 - value / most)) for index, value in enumerate(points)]
        parts.append(_label(x0, top - 8, name, size=11))
        parts.append(f'<path d="M{x0} {top}V{top + height}H{x0 + width}" fill="none" stroke="#999"/>')
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[1]}" stroke-width="2"/>')
        for (x, y), value, at in zip(places, points, across, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_COLOURS[1]}"/>')
            parts.append(_label(x, y - 7, _number(value), anchor="middle", size=10))
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


def _document(width: float, height: float, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">'
    return "\n".join([head, *parts, "</svg>", ""])
