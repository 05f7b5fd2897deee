"""What every loader hands back, and the limits it keeps to."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date

from askamu.errors import AskamuError, TooLongToRead, TooMuchText
from askamu.minutes import SectionKind

SECONDS = 60.0  # for one file; a meeting takes well under one
MAX_CHARS = 20_000_000  # of stored text; 5,000 full pages are 15 million


@dataclass(frozen=True, slots=True)
class OutlineSection:
    """A section that the file's format marks as one. Offsets are characters into `Source.text`."""

    heading: str
    start: int  # the heading's first character
    body: int  # the first character after the heading line
    end: int
    kind: SectionKind | None = None  # where it is not for the heading to say


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """An agenda item that the file's format tells apart, with what it tells of it."""

    number: str | None
    title: str
    case_number: str | None
    closed: bool
    start: int
    end: int
    sections: tuple[OutlineSection, ...]
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """What a structured format (FirstAgenda's JSON) says outright and need not be guessed from the text."""

    items: tuple[OutlineItem, ...]
    municipality: str | None = None
    committee: str | None = None
    held_on: date | None = None
    place: str | None = None
    kind: str | None = None  # "referat", "dagsorden"
    attendees: tuple[str, ...] | None = None
    absent: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's content. `text` is clean: `clean(text) == text`; offsets and pages count in it."""

    text: str
    pages: tuple[int, ...] = ()
    outline: Outline | None = None
    address: str | None = None
    problems: tuple[AskamuError, ...] = ()  # with what belongs to the file and could not be read


@dataclass(slots=True)
class Budget:
    """How long one file may be read and how much text may come out of it."""

    name: str
    seconds: float = SECONDS
    max_chars: int = MAX_CHARS
    chars: int = 0
    begun: float = field(default_factory=time.monotonic)

    def spend(self, chars: int = 0) -> None:
        """Count `chars` more characters.

        Raises:
            TooLongToRead, TooMuchText: if the time or the text is used up.
        """
        self.chars += chars
        if self.chars > self.max_chars:
            raise TooMuchText(self.name, self.max_chars)
        if time.monotonic() - self.begun > self.seconds:
            raise TooLongToRead(self.name, self.seconds)
