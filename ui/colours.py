"""The operator's own colour: its shades for both themes, refused where text on it could not be read."""

from __future__ import annotations

from dataclasses import dataclass

from askamu.errors import BadSetting
from askamu.texts import text

LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3: normal text
WHITE, DARK_PAPER = (255, 255, 255), (24, 34, 42)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shades:
    """An accent's shades from light to dark, by the names Gradio gives them."""

    steps: dict[int, str]

    def css(self) -> str:
        """The variables of the style sheets, in both themes."""
        light = f"--accent: {self.steps[700]}; --accent-paper: {self.steps[50]};"
        dark = f"--accent: {self.steps[200]}; --accent-paper: {self.steps[900]}; --accent-ink: {self.steps[950]};"
        return (
            f":root {{ {light} --n: var(--accent); }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root:not(.gradio) {{ {dark} }} }}\n"
            f".dark {{ {dark} --n: var(--accent); --n-ink: var(--accent-ink); }}\n"
        )


def shades(accent: str, language: str = "da") -> Shades:
    """The shades of a colour such as »#1a5166«.

    Raises:
        BadSetting: if it is none, or white text on it could not be read.
    """
    colour = _read(accent)
    if colour is None or contrast(colour, WHITE) < LEAST_CONTRAST:
        raise BadSetting(text("error.bad_accent", language, accent=accent, least=LEAST_CONTRAST))
    tints = {50: 0.93, 100: 0.84, 200: 0.68, 300: 0.5, 400: 0.34, 500: 0.2, 600: 0.1}
    steps = {step: _mixed(colour, WHITE, share) for step, share in tints.items()}
    share = tints[200]
    while contrast(steps[200], DARK_PAPER) < LEAST_CONTRAST + 2 and share < 1:
        share += 0.05
        steps[200] = _mixed(colour, WHITE, share)
    steps[700] = colour
    steps |= {step: _mixed(colour, (0, 0, 0), dark) for step, dark in ((800, 0.18), (900, 0.5), (950, 0.75))}
    return Shades({step: "#{:02x}{:02x}{:02x}".format(*steps[step]) for step in sorted(steps)})


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.1, definition of contrast ratio)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _read(accent: str) -> Colour | None:
    digits = accent.removeprefix("#")
    if len(digits) != 6 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        return None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    a, b, c = (round(x + (y - x) * min(share, 1.0)) for x, y in zip(colour, other, strict=True))
    return a, b, c
