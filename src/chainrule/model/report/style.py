"""The style sheet of a report: light and dark, on a telephone, on a wide screen and on paper."""

__all__ = ["STYLE"]

_COLOURS = ("#1f6fb4", "#c24a1e", "#2a7f51", "#8a55b5", "#8d6414", "#56616b")  # distinct for every colour vision
_ON_DARK = ("#5aa9e6", "#f08a5d", "#5cc48d", "#c39be6", "#d9ad4f", "#a3aeb8")


def _series(colours: tuple[str, ...]) -> str:
    return "".join(f"--s{k}:{colour};" for k, colour in enumerate(colours))


_LIGHT = "--page:#fff;--ink:#1d242b;--quiet:#515c66;--edge:#cfd6dc;--wash:#f3f5f7;--link:#155a94;--good:#1f6a42;"
_DARK = "--page:#14181c;--ink:#e6eaee;--quiet:#a9b4be;--edge:#3b444d;--wash:#1e242a;--link:#7cbcf0;--good:#6fd3a0;"

_KINDS = "".join(
    f".line.s{k},.whisker.s{k}{{stroke:var(--s{k})}}.dot.s{k},.bar.s{k}{{fill:var(--s{k})}}" for k in range(6)
)
_SHADES = "".join(
    f".c{k}{{background:color-mix(in srgb,var(--s0) {k * 7}%,transparent)}}"
    f".e{k}{{background:color-mix(in srgb,var(--s1) {k * 7}%,transparent)}}"
    for k in range(1, 6)
)

STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}{_series(_COLOURS)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}{_series(_ON_DARK)}}}}}"
    """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,sans-serif}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
h1,h2,h3{line-height:1.2;overflow-wrap:anywhere}
h1{font-size:1.9rem;margin:0 0 8px}
h2{font-size:1.35rem;margin:44px 0 10px;padding-top:12px;border-top:1px solid var(--edge)}
h3{font-size:1.08rem;margin:26px 0 8px}
p,li,figcaption,dd{overflow-wrap:anywhere}
p{max-width:72ch;margin:8px 0}
a{color:var(--link)}
a:focus-visible,.scroll:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.lead{font-size:1.1rem}
.quiet{color:var(--quiet)}
nav ul{display:flex;flex-wrap:wrap;gap:2px 18px;padding:0;margin:16px 0 0;list-style:none}
nav a{display:inline-block;padding:6px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));gap:10px;margin:18px 0}
.figures div{background:var(--wash);border-radius:8px;padding:10px 14px}
.figures dt{color:var(--quiet);font-size:.86rem}
.figures dd{margin:0;font-size:1.45rem;font-variant-numeric:tabular-nums}
.figures small{display:block;font-size:.8rem;color:var(--quiet)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:22px 28px}
figure{margin:12px 0;max-width:440px}
figure .name{font-size:.95rem;font-weight:600;margin:0 0 4px;overflow-wrap:anywhere}
figcaption{color:var(--quiet);font-size:.88rem}
svg.chart{display:block;width:100%;height:auto}
svg text{font:12px system-ui,"Segoe UI",Roboto,sans-serif;fill:var(--quiet)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line.thin{stroke-width:1;opacity:.22}
.whisker{stroke-width:2}
.whisker.ink{stroke:var(--ink);stroke-width:1.4}
.dot.faint{opacity:.4}
.grid{stroke:var(--edge);stroke-width:1;opacity:.7}
.axis{stroke:var(--quiet);stroke-width:1}
.rule{stroke:var(--quiet);stroke-width:1.2;stroke-dasharray:4 4}
.key{display:flex;flex-wrap:wrap;gap:2px 14px;list-style:none;margin:0 0 2px;padding:0;font-size:.86rem}
.scroll{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding:4px 0;font-size:.88rem}
th,td{padding:5px 12px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
th{font-weight:600}
thead th{color:var(--quiet);font-weight:500;vertical-align:bottom}
td.n,th.n{text-align:right;white-space:nowrap}
td.best{font-weight:700;color:var(--good)}
td.words,th.words{min-width:7em;max-width:34em;overflow-wrap:anywhere}
table.matrix td,table.matrix th{padding:5px 9px}
svg.mini{display:block;width:96px;height:20px}
details{margin:6px 0}
summary{cursor:pointer;color:var(--link);padding:4px 0}
code{font:.9em ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
.note{border-left:4px solid var(--s1);padding:4px 0 4px 12px;margin:10px 0;max-width:72ch}
footer{color:var(--quiet);font-size:.88rem;margin:48px auto 32px}
@media (max-width:500px){h1{font-size:1.5rem}h2{font-size:1.2rem}.figures{grid-template-columns:1fr 1fr}}
"""
    f"{_KINDS}{_SHADES}"
    # paper: ink on white, no scrolling, nothing torn apart
    f"@media print{{:root{{{_LIGHT}{_series(_COLOURS)}}}"
    """@page{margin:14mm}
body{font-size:10pt}
header,main,footer{max-width:none;padding:0}
nav,details{display:none}
.scroll{overflow:visible}
table{font-size:8.5pt;max-width:100%}
th,td{overflow-wrap:anywhere}
figure,tr,.figures div{break-inside:avoid}
h2,h3,.name,caption{break-after:avoid}
.charts{grid-template-columns:1fr 1fr}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
"""
)
