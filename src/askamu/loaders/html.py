"""A saved portal page -> the text of its main part."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from askamu.errors import NoTextFound
from askamu.loaders.blocks import blocks, parse_html, render
from askamu.loaders.loaded import Budget, Loaded
from askamu.loaders.text import one_line

MAIN = ("main", "[role=main]", "#main-content", "#maincontent", "#main", "#content", ".main-content")
MAIN_SHARE = 0.4  # of the page's text; a <main> with less is not where the minutes stand
MENU_LINKS = 0.5  # share of an element's text that is links, from which a »menu« is one

_NEVER = (
    "script, style, noscript, template, svg, iframe, object, nav, footer, aside, dialog, .modal, [role=dialog],"
    " [role=alertdialog], [role=navigation], [role=search], [role=contentinfo], [role=menu], [role=banner]"
)
_COOKIES = re.compile(r"cookie|consent|gdpr|skip-?link|skip-?to|visually-?hidden-focusable", re.IGNORECASE)
_MENUS = re.compile(r"menu|navig|navbar|breadcrumb|sidebar|social|share|toolbar|header|footer|dropdown", re.IGNORECASE)
_MAX_BANNER = 5_000  # characters


def read_html(markup: str, budget: Budget) -> Loaded:
    """The main content of a page, and its outline where it is FirstAgenda's.

    Headings stand on lines of their own, list entries behind »• «, table rows on one line with tabs between the
    cells, paragraphs between blank lines.

    Raises:
        DamagedFile, NoTextFound, TooLongToRead, TooMuchText.
    """
    from askamu.loaders.firstagenda import read_page

    page = parse_html(markup, budget)
    address = _address(page)
    meeting = read_page(page, address, budget)
    if meeting is not None:
        return meeting
    root = page.body or page.root
    if root is None:
        raise NoTextFound(budget.name, 1)
    _prune(root, budget)
    found = [block for block in blocks(_main(root), budget) if block.text]
    text = "".join(gap + block.text for block, gap in render(found))
    if not text:
        raise NoTextFound(budget.name, 1)
    return Loaded(text, address=address)


def _address(page: LexborHTMLParser) -> str | None:
    """Where the page says that it is published."""
    for selector, attribute in (("link[rel=canonical]", "href"), ("meta[property='og:url']", "content")):
        node = page.css_first(selector)
        value = one_line(node.attributes.get(attribute) or "") if node is not None else ""
        try:
            parts = urlsplit(value)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname and len(value) < 2_000 and " " not in value:
            return value
    return None


def _prune(root: LexborNode, budget: Budget) -> None:
    """Take out what belongs to the portal: scripts, menus, banners, dialogs."""
    for node in root.css(_NEVER):
        node.decompose()
    for node in root.css("[class], [id]"):
        budget.spend()
        name = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
        if node.tag in ("body", "main", "article"):
            continue
        banner = _COOKIES.search(name) and len(node.text()) < _MAX_BANNER
        if banner or (_MENUS.search(name) and _is_links(node)):
            node.decompose()
    for node in root.css("header"):
        if _is_links(node):
            node.decompose()


def _is_links(node: LexborNode) -> bool:
    text = len(node.text().strip())
    return text == 0 or sum(len(a.text().strip()) for a in node.css("a, button")) >= MENU_LINKS * text


def _main(root: LexborNode) -> LexborNode:
    whole = len(root.text())
    for selector in MAIN:
        for node in root.css(selector):
            if len(node.text()) >= MAIN_SHARE * whole:
                return node
    return root
