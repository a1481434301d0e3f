"""Charts as SVG text, so that no plotting library is needed."""
import re
from html import escape

ROW, LABEL, WIDTH, TOP = 26, 330, 420, 44


def ratio_bars(title, bars):
    """bars: [(label, ratio)]; a line marks 1.0, the peer."""
    scale = WIDTH / max(1.25, *(ratio for _, ratio in bars))
    height = TOP + ROW * len(bars) + 12
    total = LABEL + WIDTH + 70
    one = LABEL + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{total}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="15">{escape(title)}</text>',
    ]
    for i, (label, ratio) in enumerate(bars):
        y = TOP + ROW * i
        parts.append(f'<text x="{LABEL - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect x="{LABEL}" y="{y + 3}" width="{ratio * scale:.1f}" height="{ROW - 8}" fill="#3b6ea5"/>')
        parts.append(f'<text x="{LABEL + ratio * scale + 6:.1f}" y="{y + 16}">{ratio:.2f}</text>')
    parts.append(f'<line x1="{one:.1f}" y1="{TOP - 8}" x2="{one:.1f}" y2="{height - 8}" stroke="#b03030" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{one:.1f}" y="{TOP - 12}" text-anchor="middle" fill="#b03030">1.0</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


SIDE, MARGIN, CAPTION = 300, 62, 40


def grouped_bars(title, groups, columns, about=""):
    """Shares in percent. groups: [(label, [(share, low, high) or None for each column])]; columns: [(label, colour)]; the thin line is the interval."""
    bar, gap, height = 13, 16, 200
    left, top = 46, 66
    width = left + len(groups) * (len(columns) * bar + gap) + 20
    total_width = max(width, left + sum(34 + 7 * len(label) for label, _ in columns))
    def y(share):
        return top + height * (1 - share / 100)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{top + height + 60}" font-family="sans-serif" font-size="12">',
             f'<rect width="{total_width}" height="{top + height + 60}" fill="white"/>', f'<text x="12" y="22" font-size="15">{escape(title)}</text>']
    x = left
    for label, colour in columns:
        parts += [f'<rect x="{x}" y="36" width="11" height="11" fill="{colour}"/>', f'<text x="{x + 16}" y="46">{escape(label)}</text>']
        x += 34 + 7 * len(label)
    for tick in (0, 25, 50, 75, 100):
        parts += [f'<line x1="{left}" x2="{width}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>', f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick} %</text>']
    for g, (label, cells) in enumerate(groups):
        x = left + gap / 2 + g * (len(columns) * bar + gap)
        for (_, colour), cell in zip(columns, cells):
            if cell:
                share, low, high = cell
                parts += [f'<rect x="{x:.1f}" y="{y(share):.1f}" width="{bar - 2}" height="{max(height * share / 100, 1):.1f}" fill="{colour}"/>',
                          f'<line x1="{x + bar / 2 - 1:.1f}" x2="{x + bar / 2 - 1:.1f}" y1="{y(low):.1f}" y2="{y(high):.1f}" stroke="#555"/>']
            x += bar
        middle = left + gap / 2 + g * (len(columns) * bar + gap) + len(columns) * bar / 2
        for line, word in enumerate(label.split("_", 1)):
            parts.append(f'<text x="{middle:.1f}" y="{top + height + 16 + 13 * line}" text-anchor="middle" font-size="11">{escape(word)}</text>')
    parts += [f'<text x="{left}" y="{top + height + 50}" font-size="11" fill="#555">{escape(about)}</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def stacked(pictures):
    """One picture of several, each below the one before."""
    sizes = [tuple(int(number) for number in re.search(r'width="(\d+)" height="(\d+)"', one).groups()) for one in pictures]
    parts, top = [], 0
    for one, (_, height) in zip(pictures, sizes):
        parts.append(one.replace("<svg ", f'<svg y="{top}" ', 1))
        top += height
    width = max((width for width, _ in sizes), default=0)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}">\n' + "".join(parts) + "</svg>\n"


def line_panels(title, rows):
    """Square panels whose axes go from 0 to 1. rows: of panels, each
    {"title", "x", "y", "lines": [(label, colour, [(x, y)])], "marks": [x], "ticks": [(x, label)], "diagonal": bool}."""
    across = max(map(len, rows))
    width, height = across * (SIDE + MARGIN) + 40, 40 + len(rows) * (SIDE + CAPTION + MARGIN)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>', f'<text x="12" y="24" font-size="15">{escape(title)}</text>']
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            parts += line_panel(panel, MARGIN + j * (SIDE + MARGIN), 40 + CAPTION + i * (SIDE + CAPTION + MARGIN))
    return "\n".join(parts + ["</svg>"]) + "\n"


def line_panel(panel, left, top):
    def at(x, y):
        return f"{left + x * SIDE:.1f},{top + (1 - y) * SIDE:.1f}"
    parts = [f'<rect x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>', f'<text x="{left}" y="{top - 12}" font-size="13">{escape(panel["title"])}</text>',
             f'<text x="{left + SIDE / 2}" y="{top + SIDE + 34}" text-anchor="middle">{escape(panel["x"])}</text>',
             f'<text transform="translate({left - 36},{top + SIDE / 2}) rotate(-90)" text-anchor="middle">{escape(panel["y"])}</text>']
    quarters = [(tick, f"{tick:g}") for tick in (0, 0.25, 0.5, 0.75, 1)]
    for tick, label in panel.get("ticks", quarters):
        x = left + tick * SIDE
        parts += [f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + SIDE}" stroke="#eee"/>', f'<text x="{x:.1f}" y="{top + SIDE + 16}" text-anchor="middle">{label}</text>']
    for tick, label in quarters:
        y = top + (1 - tick) * SIDE
        parts += [f'<line x1="{left}" y1="{y}" x2="{left + SIDE}" y2="{y}" stroke="#eee"/>', f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{label}</text>']
    if panel.get("diagonal"):
        parts.append(f'<polyline points="{at(0, 0)} {at(1, 1)}" fill="none" stroke="#bbb" stroke-dasharray="4 3"/>')
    for x in panel.get("marks", []):
        parts.append(f'<polyline points="{at(x, 0)} {at(x, 1)}" fill="none" stroke="#b03030" stroke-dasharray="4 3"/>')
    for _, colour, points in panel["lines"]:
        parts.append(f'<polyline points="{" ".join(at(x, y) for x, y in points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for i, (label, colour, _) in enumerate(panel["lines"]):
        if label:
            y = top + SIDE - 12 - 16 * (len(panel["lines"]) - 1 - i)
            parts.append(f'<rect x="{left + 6}" y="{y - 13}" width="180" height="18" fill="white" opacity="0.85"/>')
            parts += [f'<line x1="{left + 10}" y1="{y - 4}" x2="{left + 30}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>', f'<text x="{left + 36}" y="{y}">{escape(label)}</text>']
    return parts
