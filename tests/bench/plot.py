"""A bar chart as SVG text, so that no plotting library is needed."""
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
