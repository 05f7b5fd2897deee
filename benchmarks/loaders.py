"""How fast files are read, and in how much memory: python benchmarks/loaders.py [FILE.pdf]

Repeats a PDF's pages until there are 2,000 of them and loads the file end to end; then the same text as .txt.
Without a file it makes a PDF with reportlab.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAGES = 2_000


def make_pdf() -> bytes:
    """40 pages of 45 lines with header and footer."""
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    page = canvas.Canvas(out)
    for number in range(1, 41):
        page.drawString(60, 800, "Beskæftigelsesudvalget 12-03-2024")
        page.drawString(280, 30, f"Side {number} af 40")
        for row in range(45):
            page.drawString(
                60, 760 - 15 * row, f"Linje {row} på side {number}: Udvalget drøftede småjob, løn og høringssvar."
            )
        page.showPage()
    page.save()
    return out.getvalue()


def repeat(data: bytes, path: Path) -> None:
    """Write the pages of a PDF over and over."""
    import pypdfium2 as pdfium

    source, target = pdfium.PdfDocument(data), pdfium.PdfDocument.new()
    while len(target) < PAGES:
        target.import_pages(source, list(range(min(len(source), PAGES - len(target)))))
    target.save(str(path))


def peak() -> float:
    """The most memory this program has held, in MB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(path: Path) -> str:
    from askamu.load import load

    begun = time.perf_counter()
    source = load(path, max_bytes=1_000_000_000)
    seconds = time.perf_counter() - begun
    print(
        f"{path.suffix:6} {PAGES} pages, {len(source.text) / 1e6:.1f} M characters: {seconds:.2f} s,"
        f" {PAGES / seconds:.0f} pages/s, peak {peak():.0f} MB"
    )
    return source.text


def measure_apart(path: Path) -> None:
    """Measure in a process of its own, so that the memory is the loader's."""
    subprocess.run([sys.executable, __file__, "--load", str(path)], check=True)


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "--load":
        measure(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.pdf"
        repeat(Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else make_pdf(), path)
        print(f"{path.stat().st_size / 1e6:.1f} MB of PDF")
        measure_apart(path)
        text = path.with_suffix(".txt")
        text.write_text(measure(path), encoding="utf-8")
        measure_apart(text)


if __name__ == "__main__":
    main()
