"""Charts as SVG, made here: no script draws them, and each is told as a table too."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from review.quality import BandShare

WIDTH, HEIGHT, LEFT, BOTTOM = 320, 132, 30, 22


def precision_by_band(bands: Sequence[BandShare], *, floor: float, label: str) -> Markup:
    """Return precision over ten bands of score: dots with their intervals, and the floor as a line."""
    parts = [_axis(), _line(LEFT, _up(floor), WIDTH, _up(floor), "floor")]
    step = (WIDTH - LEFT) / 10
    for one in bands:
        centre = LEFT + (one.low * 10 + 0.5) * step
        parts.append(_line(centre, _up(one.precision.low), centre, _up(one.precision.high), "interval"))
        parts.append(f'<circle class="dot" cx="{centre:.1f}" cy="{_up(one.precision.value):.1f}" r="4"/>')
    parts += [_text(LEFT + at * step, HEIGHT - 6, f"{at / 10:.1f}", "middle") for at in (0, 5)]
    parts.append(_text(WIDTH, HEIGHT - 6, "score 1.0", "end"))
    return _svg(parts, label)


def bars(values: Sequence[tuple[str, int]], *, label: str) -> Markup:
    """Return counts as bars, the names of the first and last below."""
    most = max((count for _, count in values), default=0) or 1
    step = (WIDTH - LEFT) / max(1, len(values))
    parts = [_text(LEFT - 6, 14, f"{most:,}", "end"), _text(LEFT - 6, HEIGHT - BOTTOM, "0", "end")]
    for at, (_, count) in enumerate(values):
        tall = (HEIGHT - BOTTOM - 8) * count / most
        place = f'x="{LEFT + at * step + 2:.1f}" y="{HEIGHT - BOTTOM - tall:.1f}"'
        parts.append(f'<rect class="bar" {place} width="{min(28, step - 4):.1f}" height="{tall:.1f}" rx="2"/>')
    if values:
        parts.append(_text(LEFT, HEIGHT - 6, values[0][0], "start"))
    if len(values) > 1:
        parts.append(_text(WIDTH, HEIGHT - 6, values[-1][0], "end"))
    return _svg(parts, label)


def _axis() -> str:
    lines = [_line(LEFT, _up(at), WIDTH, _up(at), "grid") for at in (0.0, 0.5, 1.0)]
    return "".join(lines) + "".join(_text(LEFT - 6, _up(at) + 4, f"{at:.1f}", "end") for at in (0.0, 0.5, 1.0))


def _up(share: float) -> float:
    return 8 + (1 - share) * (HEIGHT - BOTTOM - 8)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, told: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(told)}</text>'


def _svg(parts: Sequence[str], label: str) -> Markup:
    head = f'<svg class="chart" viewBox="0 0 {WIDTH + 4} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(head + "".join(parts) + "</svg>")  # noqa: S704 - all that came from outside is escaped above
