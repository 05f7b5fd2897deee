"""What must not come in or go out: personal numbers (cpr-numre) in minutes, questions and conversations, telemetry."""

from __future__ import annotations

import os
import re

# DDMMYY-SSSS, with a hyphen, a space or nothing between (cpr.dk, »Opbygning af CPR-nummeret«).
_CPR = re.compile(r"(?<![\d.,/-])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}(?:\s?[-–]\s?|\s)?\d{4}(?![\d,/-]|\.\d)")


def hide_cpr(text: str) -> tuple[str, int]:
    """The text with each personal number struck out, sign for sign so that offsets hold, and how many there were."""
    hidden, count = _CPR.subn(lambda found: re.sub(r"\d", "x", found[0]), text)
    return hidden, count


# LangChain reports every call, passages and all, to LangSmith where one of these says so, be it for another program.
_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


def no_telemetry() -> None:
    """Switch off what the libraries would report, before they are imported."""
    for name in _TRACING:
        os.environ[name] = "false"
    os.environ["ANONYMIZED_TELEMETRY"] = "False"  # Chroma's
