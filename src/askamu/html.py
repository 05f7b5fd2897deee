"""Pages that stand alone: no script, nothing fetched, and what comes from a document is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

# Nothing may be fetched or run, whatever a document holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
# Control characters, marks that turn the direction of what follows, and halves of characters (in file names).
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Text of a document as it can stand in a page."""
    return html.escape(_UNFIT.sub("\ufffd", text))


def page(title: str, language: str, parts: Sequence[str], style: str = "") -> str:
    """A whole page.

    Args:
        title: escaped, as are the parts.
        style: rules besides those that all pages share.
    """
    return "\n".join([
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>',
        f"<style>{STYLE}{style}</style>\n</head>",
        f"<body>\n<main>\n<h1>{title}</h1>",
        *parts,
        "</main>\n</body>\n</html>\n",
    ])  # fmt: skip


# Contrast of every pair is at least 4.5 to 1 in both schemes (tests/test_report.py measures it).
STYLE = """
:root{color-scheme:light dark;--ink:#17232b;--soft:#4a5a66;--paper:#ffffff;--line:#8797a3;--link:#1a5166;
  --flag:#7a1c00;--flagged:#ffe9d6;--mark:#e3eaef}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf2;--soft:#a9b8c3;--paper:#10171d;--line:#5c6e7b;--link:#b3d6e0;
  --flag:#ffd2b0;--flagged:#4a2410;--mark:#2a3844}}
body{margin:0;background:var(--paper);color:var(--ink);
  font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:90rem;margin:0 auto;padding:1.25rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0 0 .5rem}
h2{font-size:1.125rem;display:inline;margin:0}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
h4{font-size:1rem;margin:0 0 .25rem}
p{margin:.25rem 0}
ul{margin:.25rem 0;padding-left:1.25rem}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,.wide:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.soft{color:var(--soft)}
.flag{display:inline-block;background:var(--flagged);color:var(--flag);border:1px solid var(--flag);border-radius:3px;
  padding:0 .4em;font-size:.875em;overflow-wrap:normal}
.mark{background:var(--mark);border-radius:3px;padding:0 .4em;font-size:.875em;font-weight:normal}
.wide{overflow-x:auto;margin:1rem 0 1.5rem}
table{border-collapse:collapse;font-size:.875rem;width:100%}
caption{text-align:left;font-weight:bold;font-size:1rem;padding-bottom:.25rem}
th,td{border:1px solid var(--line);padding:.3rem .45rem;text-align:left;vertical-align:top;overflow-wrap:normal}
tbody th{font-weight:normal;overflow-wrap:anywhere;min-width:9rem}
summary{cursor:pointer}
blockquote{margin:.25rem 0;white-space:pre-line}
.quote{white-space:pre-line}
@media print{:root{color-scheme:light;--ink:#000000;--soft:#333333;--paper:#ffffff;--line:#777777;--link:#000000;
  --flag:#7a1c00;--flagged:#ffffff;--mark:#ffffff}
body{font-size:10pt}main{max-width:none;padding:0}.wide{overflow:visible}thead{display:table-header-group}
tr,h4{break-inside:avoid}h2,h3,h4{break-after:avoid}
.mark{border:1px solid #000}details::details-content{content-visibility:visible;display:block;height:auto}}
"""
