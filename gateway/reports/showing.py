"""A report as text, CSV, JSON or a workbook with its chart. No cell of a spreadsheet is ever a formula."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from gateway.reports.report import Cell, Column, Report

HOUR = timedelta(hours=1)
FORMATS = {"amount": "0.0", "share": "0.0%"}
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, whatever the rest is."""


def as_text(report: Report) -> str:
    """For people: what was measured and how, then the figures in columns."""
    rows = [[_words(cell, column) for cell, column in zip(row, report.columns, strict=True)] for row in report.rows]
    heads = [column.name for column in report.columns]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    left = [column.kind == "text" for column in report.columns]
    lines = [_line(heads, widths, left), *(_line(row, widths, left) for row in rows)] if rows else ["Nothing to count."]
    return "\n".join((report.title, *_about(report), "", *lines, *report.remarks))


def _about(report: Report) -> list[str]:
    left_out = [f"left out: {n:,} {why}" for why, n in report.excluded if n]
    return [f"  {what}" for what in (report.period, f"of: {report.population}", f"clock: {report.clock}", *left_out)]


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    padded = (text.ljust(n) if to_left else text.rjust(n) for text, n, to_left in zip(cells, widths, left, strict=True))
    return "  ".join(padded).rstrip()


def _words(cell: Cell, column: Column) -> str:
    match cell:
        case None:
            return ""
        case timedelta():
            return amount(cell)
        case float() if column.kind == "share":
            return f"{cell:.1%}"
        case int():
            return f"{cell:,}"
        case _:
            return " ".join(str(cell).split())


def amount(span: timedelta) -> str:
    """In one unit that suits it: `45 s`, `12.5 min`, `22.1 h`, `9.3 d`."""
    seconds = span.total_seconds()
    size = abs(seconds)
    if size < 60:
        return f"{seconds:.0f} s"
    if size < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if size < 72 * 3600 else f"{seconds / 86400:.1f} d"


def as_csv(report: Report) -> str:
    """Amounts in hours, shares between 0 and 1. What was measured, and how, is not in it: JSON and the workbook say so."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_head(column) for column in report.columns])
    writer.writerows([[_plain(cell) for cell in row] for row in report.rows])
    return text.getvalue()


def _head(column: Column) -> str:
    return harmless(f"{column.name} (h)" if column.kind == "amount" else column.name)


def _plain(cell: Cell) -> str | int | float | None:
    if isinstance(cell, timedelta):
        return round(cell / HOUR, 4)
    return harmless(cell) if isinstance(cell, str) else cell


def harmless(text: str) -> str:
    """Text that a spreadsheet shows instead of working it out."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def as_json(report: Report) -> dict[str, Any]:
    """One object; amounts in seconds, shares between 0 and 1."""
    return {
        "type": "report",
        "name": report.name,
        "period": report.period,
        "clock": report.clock,
        "population": report.population,
        "excluded": [{"why": why, "count": n} for why, n in report.excluded],
        "remarks": list(report.remarks),
        "units": {c.name: {"amount": "seconds", "share": "0 to 1", "count": "count", "text": "text"}[c.kind] for c in report.columns},
        "rows": [{c.name: _said(cell) for c, cell in zip(report.columns, row, strict=True)} for row in report.rows],
    }


def _said(cell: Cell) -> str | int | float | None:
    return cell.total_seconds() if isinstance(cell, timedelta) else cell


def as_workbook(report: Report, path: Path) -> None:
    """A sheet of figures with its chart, and one that says what was measured. Raises `OSError`."""
    from xlsxwriter import Workbook

    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(str(path), safe) as book:
        sheet, about = book.add_worksheet("Figures"), book.add_worksheet("About")
        bold = book.add_format({"bold": True})
        looks = {name: book.add_format({"num_format": form}) for name, form in FORMATS.items()}
        for n, column in enumerate(report.columns):
            sheet.write_string(0, n, _head(column), bold)
            for line, row in enumerate(report.rows, 1):
                _write(sheet, line, n, row[n], looks.get(column.kind))
        for line, text in enumerate((report.title, *_about(report), *report.remarks, "Amounts are in hours.")):
            about.write_string(line, 0, text.strip(), bold if line == 0 else None)
        sheet.freeze_panes(1, 1)
        sheet.autofit()
        if report.rows and report.drawn:
            sheet.insert_chart(len(report.rows) + 2, 0, _chart(book, report))


def _write(sheet: Any, line: int, column: int, cell: Cell, look: Any) -> None:
    if isinstance(cell, str):
        sheet.write_string(line, column, cell, look)
    elif cell is not None:
        sheet.write_number(line, column, cell / HOUR if isinstance(cell, timedelta) else cell, look)


def _chart(book: Any, report: Report) -> Any:
    """The drawn columns against all the columns of text before the first figure."""
    chart = book.add_chart({"type": "column"})
    names = [column.name for column in report.columns]
    texts = next((n for n, column in enumerate(report.columns) if column.kind != "text"), 1)
    last = len(report.rows)
    for name in report.drawn:
        n = names.index(name)
        where = {"categories": ["Figures", 1, 0, last, texts - 1], "values": ["Figures", 1, n, last, n]}
        chart.add_series({"name": ["Figures", 0, n], **where})
    chart.set_title({"name": report.title})
    chart.set_size({"width": 960, "height": 420})
    return chart
