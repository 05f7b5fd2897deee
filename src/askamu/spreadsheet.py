"""Tables as CSV and Excel files that a spreadsheet only shows and never calculates.

A cell that begins like a formula is one to a spreadsheet, whoever wrote it. In CSV such a text gets an apostrophe in
front. In Excel every text is a text cell, marked as one, so that it stays as it is also when somebody edits it.

Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

FORMULA = frozenset("=+-@＝＋－＠﹢﹣﹦﹫−")  # also the wide and small forms, which some spreadsheets fold
MAX_CELL = 32_000  # characters; Excel takes 32,767
FIRST_YEAR = 1900  # of Excel's calendar


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    width: int  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """An address that we made ourselves."""

    address: str


Cell = str | date | Link | None


def one_line(said: str) -> str:
    """A text as a cell holds it: on one line, without control characters."""
    kept = "".join(" " if unicodedata.category(c) == "Cc" else c for c in said[:MAX_CELL])
    return re.sub(r"\s+", " ", kept).strip()


def begins_formula(said: str) -> bool:
    """Whether a spreadsheet may take a text for a formula, also behind signs that can't be seen."""
    first = next((c for c in said if unicodedata.category(c) not in ("Cf", "Zs", "Cc", "Zl", "Zp")), "")
    return first in FORMULA


def harmless(said: str) -> str:
    """A text that stays one in a spreadsheet: an apostrophe stands before what begins like a formula."""
    said = one_line(said)
    return f"'{said}" if begins_formula(said) else said


def as_csv(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> str:
    """Semicolons, CRLF and a byte order mark, as Danish Excel opens it; dates as 2024-03-12."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([harmless(c.heading) for c in columns])
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
    return out.getvalue()


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case date():
            return cell.isoformat()
        case Link():
            return harmless(cell.address)
        case str():
            return harmless(cell)


def as_xlsx(
    title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], about: tuple[str, Sequence[str]]
) -> bytes:
    """A workbook: the table with its headings frozen and filters on them, and a sheet that tells what it is.

    Args:
        title: of the first sheet; at most 31 characters.
        about: title and lines of the second sheet.
    """
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title})
        top = {"valign": "top", "text_wrap": True}
        text_format = book.add_format(top)
        quoted = book.add_format({**top, "quote_prefix": True})  # a text, even to who edits the cell
        day = book.add_format({"valign": "top", "num_format": "dd-mm-yyyy", "align": "left"})
        link = book.add_format({"valign": "top", "font_color": "#1a5166", "underline": 1})
        head = book.add_format({"bold": True, "valign": "top", "text_wrap": True, "bottom": 1, "bg_color": "#eff7f9"})

        def write(row: int, column: int, said: str) -> None:
            said = one_line(said)
            sheet.write_string(row, column, said, quoted if begins_formula(said) else text_format)

        sheet = book.add_worksheet(title)
        for n, column in enumerate(columns):
            sheet.set_column(n, n, column.width)
            sheet.write_string(0, n, column.heading, head)
        last = 0
        for last, row in enumerate(rows, start=1):
            for n, cell in enumerate(row):
                match cell:
                    case None | "":
                        pass
                    case date() if cell.year >= FIRST_YEAR:
                        sheet.write_datetime(last, n, cell, day)
                    case date():
                        write(last, n, cell.isoformat())
                    case Link():
                        # A sheet takes 65,530 links, and only whole addresses are some.
                        if "://" not in cell.address or sheet.write_url(last, n, cell.address, link):
                            write(last, n, cell.address)
                    case str():
                        write(last, n, cell)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet = book.add_worksheet(about[0])
        sheet.set_column(0, 0, 100)
        for n, line in enumerate(about[1]):
            write(n, 0, line)
    return out.getvalue()
