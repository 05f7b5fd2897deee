"""Personal numbers (cpr-numre) are struck out wherever text comes in: minutes, questions, conversations."""

from __future__ import annotations

import re

# DDMMYY-SSSS, with a hyphen, a space or nothing between (cpr.dk, »Opbygning af CPR-nummeret«).
_CPR = re.compile(r"(?<![\d.,/-])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}(?:\s?[-–]\s?|\s)?\d{4}(?![\d,/-]|\.\d)")


def hide_cpr(text: str) -> tuple[str, int]:
    """The text with each personal number struck out, sign for sign so that offsets hold, and how many there were."""
    hidden, count = _CPR.subn(lambda found: re.sub(r"\d", "x", found[0]), text)
    return hidden, count
