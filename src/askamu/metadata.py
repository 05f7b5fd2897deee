"""What a document says of its meeting: municipality, committee, date, place, kind, people.

Each is read with its evidence and is None where the document does not say; nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache

from askamu import texts
from askamu.dates import find_dates, first_date
from askamu.headings import heading_kind
from askamu.layouts.heading import is_group
from askamu.lines import Line, is_noise
from askamu.minutes import AgendaItem, MeetingDate, SectionKind
from askamu.vocabulary import table

HEADER_LINES = 60  # lines of the header in which labels are looked for
HEADER_LINE = 400  # characters of such a line
_NAME = r"[A-ZÆØÅ][\w'-]*(?:\s(?:og\s)?[A-ZÆØÅ][\w'-]*)?"
_MUNICIPALITY = re.compile(r"\b([A-ZÆØÅ][a-zæøåé]+(?:-[A-ZÆØÅ][a-zæøåé]+)?)s?\s[Kk]ommunes?\b")
_BODY = re.compile(
    r"\b((?:[A-ZÆØÅ][\w-]*(?:,\s[A-ZÆØÅ][\w-]*)*(?:\sog\s|,\s))?[A-ZÆØÅ][\wæøå-]*(?:\sog\s[A-ZÆØÅ]?[\wæøå-]+)?udvalg(?:et)?"
    r"|Udvalget for [A-ZÆØÅa-zæøå][\w ,-]+?(?=\s(?:den|d\.)|$)|Byrådet|Byråd|Kommunalbestyrelsen|Økonomiudvalget)\b"
)


def read_municipality(text: str) -> str | None:
    """The municipality that the text names most often as »X Kommune«.

    A name known from vocabulary/municipalities.toml needs to stand there once, another one twice, and
    it must be named more often than any other.
    """
    words = table("municipalities")
    known, also = {*words["names"], *words["abolished"]}, words["also"]
    count: Counter[str] = Counter()
    for found in _MUNICIPALITY.finditer(text):
        name = found[1]
        name = also.get(name, name)
        if name not in known and name.endswith("s") and name[:-1] in known:
            name = name[:-1]
        count[name] += 1
    ranked = [(name, n) for name, n in count.most_common() if name in known or n >= 2]
    ranked = [(name, n) for name, n in ranked if name.casefold() not in ("den", "hver", "samme", "egen", "en", "denne")]
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def read_committee(
    header: Sequence[Line], text: str, items: Sequence[AgendaItem], held_on: date | None
) -> tuple[str | None, str | None]:
    """The committee and the words that show it.

    In turn: the title line (»REFERAT X d. …«), a label (»Udvalg:«), a body named beside the meeting's
    own date, an abbreviation in the initials of at least two items or attachment names.
    """
    header = [x for x in header if len(x.bare) <= HEADER_LINE]
    titles = "|".join(table("dates")["labels"]["titles"])
    for index, line in enumerate(header[:HEADER_LINES]):
        found = re.match(
            rf"^(?:{titles})\b\s*(?:fra|for|til|-|–|:)?\s*(?:mødet i |møde i )?(?P<rest>.+)$", line.bare, re.IGNORECASE
        )
        if found:
            body = _BODY.search(found["rest"])
            if body:
                return definite(body[1]), line.bare
        found = re.match(r"^(?:udvalg|møde|råd)(?:\s*:\s*(?P<name>.*)|\s*)$", line.bare, re.IGNORECASE)
        if found and (":" in line.bare or line.bare.isupper()):
            below = next((x.bare for x in header[index + 1 : index + 4] if not x.blank), "")
            name = (found["name"] or "").strip() or below
            if re.search(r"udvalg|råd|bestyrelse|kommission", name, re.IGNORECASE) and len(name) < 100:
                return definite(name), line.bare
    for line in header[:HEADER_LINES]:
        body = _BODY.fullmatch(line.bare) or _BODY.match(line.bare)
        rest = line.bare[body.end() :] if body else ""
        titled = re.match(rf"\s*[–-]\s*(?:{titles})\b", rest, re.IGNORECASE)
        dated = re.match(r",?\s*(?:\w+dag\s+)?(?:den|d\.)?\s*\d", rest)
        if body and (not rest.strip() or titled or (dated and first_date(rest))):
            return definite(body[1]), line.bare
    if held_on is not None:
        bodies: Counter[str] = Counter()
        for item in items:
            for section in item.sections:
                if section.kind in (SectionKind.HEARING, SectionKind.DECISION, SectionKind.COMPETENCE):
                    for match in re.finditer(
                        rf"({_BODY.pattern})\s(?:den|d\.)\s([^\n]{{6,20}})", text[section.start : section.end]
                    ):
                        if first_date(match[0][len(match[1]) :]) == held_on:
                            bodies[definite(match[1])] += 1
        if bodies:
            name, n = bodies.most_common(1)[0]
            return name, f"{name} er nævnt med mødets dato under {n} punkter"
    abbreviations = table("committees")["abbreviations"]
    shorts: Counter[str] = Counter()
    for match in re.finditer(r"(?m)^[^\n]{0,40}?[-–]\s?([A-ZÆØÅ]{2,5})\.?(?=$|\s\d|\s[-–])", text):
        if match[1] in abbreviations:
            shorts[match[1]] += 1
    if shorts:
        short, n = shorts.most_common(1)[0]
        if n >= 2:
            return abbreviations[short], f"{short} står som udvalg på {n} steder"
    return None, None


def definite(name: str) -> str:
    """»Arbejdsmarkedsudvalg« and »Byråd« as they are called: »Arbejdsmarkedsudvalget«, »Byrådet«."""
    name = re.sub(r"\s+", " ", name).strip(" .,:")
    if name.endswith("udvalg"):
        return name + "et"
    return "Byrådet" if name == "Byråd" else name


def read_date(header: Sequence[Line], text: str, items: Sequence[AgendaItem]) -> MeetingDate:
    """When the meeting was held.

    In turn: a labelled line, a title line, a line that is nothing but a date, and attachment names
    that carry a committee's abbreviation and one and the same date under at least two items. Otherwise
    unknown; then dates of decisions quoted from other bodies and of attachments bound it.
    """
    header = [x for x in header if len(x.bare) <= HEADER_LINE]
    labels = table("dates")["labels"]
    never = "|".join(labels["never"])
    meeting = "|".join(labels["meeting"])
    titles = "|".join(labels["titles"])
    top = [
        line
        for line in header[:HEADER_LINES]
        if not re.match(rf"^(?:{titles}\s+)?(?:{never})\b", line.bare, re.IGNORECASE)
    ]
    for index, line in enumerate(top):
        if re.match(rf"^(?:{meeting})\b\s*:?", line.bare, re.IGNORECASE):
            for near in [line, *[x for x in top[index + 1 : index + 4] if not x.blank][:1]]:
                day = first_date(near.bare)
                if day:
                    return MeetingDate(day, near.bare, day, day)
    for line in top:
        if re.match(rf"^(?:{titles})\b", line.bare, re.IGNORECASE) and (day := first_date(line.bare)):
            return MeetingDate(day, line.bare, day, day)
    for line in top:
        named = re.search(rf"[–-]\s*(?:{titles})\b", line.bare, re.IGNORECASE)
        if named and (day := first_date(line.bare)):
            return MeetingDate(day, line.bare, day, day)
    for line in top:
        dates = list(find_dates(line.bare))
        if len(dates) == 1 and len(line.bare) - (dates[0].end - dates[0].start) <= 40:
            return MeetingDate(dates[0].day, line.bare, dates[0].day, dates[0].day)
    return _date_from_items(text, items)


def _date_from_items(text: str, items: Sequence[AgendaItem]) -> MeetingDate:
    abbreviations = "|".join(table("committees")["abbreviations"])
    named: dict[date, set[int]] = {}
    hints: list[tuple[date, str]] = []
    for index, item in enumerate(items):
        for name in item.attachments:
            for found in find_dates(name):
                said = name[found.start : found.end]
                hints.append((found.day, texts.text("evidence.attachment", "da", item=item.number, date=said)))
                if re.search(rf"\b(?:{abbreviations})\b", name):
                    named.setdefault(found.day, set()).add(index)
    if len(named) == 1:
        ((day, where),) = named.items()
        if len(where) >= 2:
            said = texts.text("evidence.attachments", "da", count=len(where), date=f"{day:%d.%m.%Y}")
            return MeetingDate(day, said, day, day)
    history = [
        found.day
        for item in items
        for section in item.of_kind(SectionKind.HISTORY)
        for found in find_dates(text[section.start : section.end])
    ]
    seen = history + [day for day, _ in hints if day.year >= 1990]
    # A decision or an attachment from a year places the meeting in that year at the earliest; how much
    # later it was held is not known, and an ordinary meeting treats what is at most some months old.
    earliest = max(seen) if seen else None
    latest = date(earliest.year, 12, 31) if earliest else None
    evidence = next((hint for day, hint in hints if day == earliest), None)
    if evidence is None and earliest is not None:
        evidence = texts.text("evidence.earlier", "da", date=f"{earliest:%d.%m.%Y}")
    return MeetingDate(None, evidence, earliest, latest)


def read_place(header: Sequence[Line]) -> str | None:
    """Where the meeting was held, by its label."""
    header = [x for x in header if len(x.bare) <= HEADER_LINE]
    places = "|".join(table("dates")["labels"]["place"])
    for index, line in enumerate(header[:HEADER_LINES]):
        found = re.match(rf"^(?:{places})\b\s*:?\s*(?P<value>.*)$", line.bare, re.IGNORECASE)
        if found:
            value = found["value"].strip()
            if not value:
                value = next((x.bare for x in header[index + 1 : index + 3] if not x.blank), "")
            return value or None
    return None


def read_kind(header: Sequence[Line], items: Sequence[AgendaItem]) -> str:
    """»referat«, »dagsorden«, …: by the title line, else by whether anything was decided."""
    header = [x for x in header if len(x.bare) <= HEADER_LINE]
    titles = "|".join(sorted(table("dates")["labels"]["titles"], key=len, reverse=True))
    for line in header[:HEADER_LINES]:
        found = re.match(rf"^({titles})\b", line.bare, re.IGNORECASE)
        if found:
            return found[1].casefold()
    return "referat" if any(item.decision for item in items) else "dagsorden"


@cache
def _people(key: str) -> re.Pattern[str]:
    labels = "|".join(sorted(table("people")[key], key=len, reverse=True))
    return re.compile(rf"^(?:{labels})\s*(?::\s*(?P<rest>.*))?$", re.IGNORECASE)


def read_people(header: Sequence[Line], key: str) -> tuple[str, ...] | None:
    """The names in the header's list of those »present« or »absent«; None if there is no such list.

    The names stand behind the label, on the lines below it, or in the cells of a table there.
    """
    header = [x for x in header if len(x.bare) <= HEADER_LINE]
    for index, line in enumerate(header):
        found = _people(key).match(line.bare)
        if not found:
            continue
        below = next((x.bare for x in header[index + 1 : index + 4] if not x.blank), "")
        if ":" not in line.bare and not line.marked and not looks_like_name(below):
            continue
        names = list(split_names(found["rest"])) if found["rest"] else []
        said_nobody = bool(found["rest"]) and not names
        for near in header[index + 1 :]:
            if near.blank:
                continue
            people = _names_in(near.bare)
            if people is None:
                break
            names.extend(people)
        return tuple(names) if names or said_nobody or key == "present" else ()
    return None


def _names_in(bare: str) -> tuple[str, ...] | None:
    """The names on a line of a list of people, None if it is no such line. Lines of a table's frame hold none."""
    if re.fullmatch(r"[|\s:–-]+", bare):
        return ()
    if heading_kind(bare) or is_noise(bare) or is_group(bare) is not None:
        return None
    cells = [c.strip() for c in bare.split("|") if c.strip()] if "|" in bare else [bare]
    names: list[str] = []
    for cell in cells:
        people = split_names(cell)
        if not people or not all(looks_like_name(p) for p in people):
            return None
        names.extend(people)
    return tuple(names)


def looks_like_name(text: str) -> bool:
    """Whether some words may be a person's name, with a party letter and an office perhaps."""
    plain = bare_name(text)
    words = plain.split()
    return (
        2 <= len(words) <= 6
        and len(plain) <= 60
        and all(re.fullmatch(r"(?:[A-ZÆØÅ][\wæøåéüö.'-]*|af|von|van|de)", w) for w in words)
        and not plain.isupper()
    )


@cache
def _roles() -> re.Pattern[str]:
    return re.compile(rf"^(?:{'|'.join(table('people')['roles'])})\s*:?\s+(?=[A-ZÆØÅ])", re.IGNORECASE)


def bare_name(text: str) -> str:
    """A name without party and office: »Borgmester Ib Poulsen (O)« is »Ib Poulsen«."""
    text = re.sub(r"\s*\([^)]*\)\s*", " ", text)
    text = re.sub(r"(?:,\s*(?:[A-ZÆØÅ]{1,2}|UP)|(?<=[a-zæøå])\s[A-ZÆØÅ])$", "", text.strip())
    return _roles().sub("", text).strip(" .,;:-–•")


def split_names(text: str) -> tuple[str, ...]:
    """The names of a list »A (V), B og C«; () for »ingen«. Party letters stay in brackets."""
    if text.strip(" .").casefold() in table("people")["nobody"]:
        return ()
    text = re.sub(r",\s*(?=\(?[A-ZÆØÅ]\)?(?:[,.;]|$|\sog\s))", " ", text)
    parts = re.split(r",\s*|\s+og\s+|;\s*", text)
    return tuple(part.strip(" .") for part in parts if part.strip(" .") and part.strip()[0].isupper())


def is_council(committee: str | None) -> bool:
    """Whether a body is the municipality's council, after which nobody decides."""
    return bool(re.search(table("threads")["last_bodies"][-1], committee or "", re.IGNORECASE))
