"""How fast the page is, in a real Chromium against a real server.

Measured: bytes and seconds of a first visit, and how soon after Enter the first words of an answer are painted.

    python benchmarks/page.py INDEX QUESTIONS.jsonl [--n 30]

Everything is on this machine; nothing is throttled. Medians and 95th percentiles over the questions.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
VISITS = 5
# Notes the time at which an answer's first words are painted: the frame after they came into the document.
WATCH = """chat => {
  window.painted = null;
  new MutationObserver(() => {
    const said = [...chat.querySelectorAll('[data-testid=bot]')].pop();
    const words = said ? said.innerText.trim() : '';
    if (window.painted || words.length < 12 || /^(Søger|Searching)/.test(words)) return;
    requestAnimationFrame(() => { window.painted = window.painted || performance.now(); });
  }).observe(chat, {childList: true, subtree: true, characterData: true});
}"""
PRESSED = """box => box.addEventListener(
  'keydown', () => { window.pressed = performance.now(); }, {once: true, capture: true})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--n", type=int, default=30)
    given = parser.parse_args()
    lines = given.questions.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line)["question"] for line in lines if line.strip()]
    asked = asked[:: max(1, len(asked) // given.n)][: given.n]
    command = [
        sys.executable,
        "-c",
        "from askamu.cli import main; main()",
        "chat",
        "--port",
        "0",
        "--index",
        str(given.index),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = re.search(r"http://\S+:\d+", server.stdout.readline())
        assert address
        measure(address[0], asked)
    finally:
        server.terminate()
        server.wait(20)


def measure(address: str, asked: list[str]) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=FLAGS)
        seconds, transferred = [], 0.0
        for _ in range(VISITS):
            page = browser.new_context(locale="da-DK").new_page()
            begun = time.perf_counter()
            page.goto(address)
            page.locator("#question textarea").wait_for()
            page.locator("#examples button").first.wait_for()
            seconds.append(time.perf_counter() - begun)
            page.wait_for_timeout(1500)  # Gradio keeps a stream open, so the network is never idle
            transferred = page.evaluate(
                "() => performance.getEntries().reduce((sum, e) => sum + (e.transferSize || 0), 0)"
            )
            page.context.close()
        print(f"first visit: {transferred / 1e6:.2f} MB; examples can be clicked after "
              f"{statistics.median(seconds):.2f} s (median of {VISITS}, slowest {max(seconds):.2f})")  # fmt: skip
        page = browser.new_page()
        page.goto(address)
        page.locator("#examples button").first.wait_for()
        waited = []
        for question in asked:
            page.locator("#new").click()
            page.wait_for_timeout(700)
            page.locator("#chat").evaluate(WATCH)
            box = page.locator("#question textarea")
            box.fill(question)
            box.evaluate(PRESSED)
            box.press("Enter")
            for _ in range(200):
                page.wait_for_timeout(20)
                if page.evaluate("() => window.painted"):
                    break
            waited.append(page.evaluate("() => window.painted - window.pressed"))
        browser.close()
    waited.sort()
    p95 = waited[min(len(waited) - 1, int(0.95 * len(waited)))]
    print(f"first words of an answer after Enter, {len(waited)} questions: median {statistics.median(waited):.0f} ms, "
          f"95th percentile {p95:.0f} ms, slowest {waited[-1]:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
