"""A plot of the comparison as SVG: for each work a bar for each server, CPU as a multiple of cdn's."""

from xml.sax.saxutils import escape

COLORS = {
    "cdn": "#0072b2", "nginx": "#009e73", "HAProxy": "#e69f00", "Varnish": "#cc79a7", "Traffic Server": "#56b4e9",
    "Squid": "#d55e00", "Apache": "#999999",
}
BAR, GAP, LEFT, WIDTH, MOST = 13, 14, 300, 620, 5.0


def bars(rows):
    """`rows`: (title, {server: CPU}), lower is better; bars end at five times cdn's, with the figure beside."""
    parts, y = [], 48
    for title, values in rows:
        shown = [(server, value / values["cdn"]) for server, value in values.items() if value]
        middle = y + BAR * len(shown) / 2 + 4
        parts.append(f'<text x="{LEFT - 12}" y="{middle:.0f}" text-anchor="end">{escape(title)}</text>')
        for server, ratio in shown:
            length = min(ratio, MOST) / MOST * WIDTH
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{COLORS[server]}"/>'
                f'<text x="{LEFT + length + 5:.1f}" y="{y + BAR - 3}" class="small">{escape(server)} {ratio:.2f}</text>')
            y += BAR
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 160}" height="{y}" font-family="sans-serif" '
        f'font-size="13"><style>.small {{ font-size: 10px }}</style>'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="12" y="26" font-size="15">CPU time of the server, as a multiple of cdn\'s (shorter is better)</text>'
        + "".join(parts) + "</svg>\n")
