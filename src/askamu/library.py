"""An open index: the record, the generation that answers now, and the embedder."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from askamu import texts, vocabulary
from askamu.config import Settings
from askamu.embed import AUTO, BEST, NONE, Embedder, Keywords, Vectors, log, open_embedder, options_of
from askamu.endpoint import Endpoint
from askamu.errors import AskamuError, EndpointFault, OtherEmbedder, RerankerUnavailable, UnknownFilter
from askamu.index import Generation, check_embedder, current_id, open_current
from askamu.limits import Limits, limits_of
from askamu.minutes import Minutes
from askamu.passage import Coverage, Filters
from askamu.record import ItemRow, MeetingRow, Record
from askamu.rerank import Reranker, open_reranker
from askamu.when import Meeting

if TYPE_CHECKING:
    from askamu.decisions import Decisions
    from askamu.series import Figure
    from askamu.threads import Cases


@dataclass(frozen=True)
class Library:
    """What questions are answered from. Safe to use from several threads; a generation never changes under it."""

    folder: Path
    settings: Settings
    record: Record
    current: Generation
    meetings: list[MeetingRow]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _opened: list[Embedder] = field(default_factory=list, repr=False)  # the embedder, once it is open
    _refused: list[OtherEmbedder] = field(default_factory=list, repr=False)  # once it is known that it does not fit
    _reranker: list[Reranker | None] = field(default_factory=list, repr=False)  # once it is open, None if it can't be

    @property
    def generation(self) -> str:
        return self.current.manifest.generation

    @property
    def embedder(self) -> Embedder:
        """The embedder that built the index, or words alone where it can't run; opened at the first question.

        Raises:
            OtherEmbedder: if another one is set than built it.
        """
        with self._lock:
            if self._refused:
                raise self._refused[0].with_traceback(None)
            if not self._opened:
                try:
                    self._opened.append(self._open_embedder())
                except OtherEmbedder as error:
                    self._refused.append(error)
                    raise
            return self._opened[0]

    def _open_embedder(self) -> Embedder:
        manifest = self.current.manifest
        asked_for = self.settings.embedder
        embedder = open_embedder(
            asked_for,
            self.settings.threads,
            built_by=manifest.embedder,
            language=self.settings.lang,
            adapter=self._adapter,
            options=options_of(self.settings),
        )
        if asked_for == BEST and embedder.name == manifest.embedder and embedder.model_id != manifest.model_id:
            log.warning(texts.text("embed.other_version", self.settings.lang, folder=self.folder))
            return Keywords()
        if not isinstance(embedder, Keywords):
            check_embedder(self.folder, manifest, embedder)
        if isinstance(embedder, Endpoint):
            embedder.expect(manifest.dim)
        return embedder

    def question_vector(self, text: str) -> Vectors | None:
        """What to search by; None where passages are found by their words alone.

        That is so where no model runs here or none was asked for, and as long as a server of embeddings is down.
        """
        if self.keyword_only:
            return None
        try:
            return self.embedder.embed_question(text)
        except EndpointFault:  # which is in the log
            return None

    @property
    def reranker(self) -> Reranker | None:
        """The one that is set, opened at the first question; None where there is none, or it can't be used."""
        with self._lock:
            if not self._reranker:
                self._reranker.append(self._open_reranker())
            return self._reranker[0]

    def _open_reranker(self) -> Reranker | None:
        setting = self.settings.reranker
        try:
            return open_reranker(setting, options_of(self.settings).torch) if setting else None
        except RerankerUnavailable as error:
            log.warning(error.say(self.settings.lang))
            return None

    def without_reranker(self, why: RerankerUnavailable) -> None:
        """Leave it out from now on; the log says why, once."""
        with self._lock:
            if self._reranker[0] is not None:
                log.warning(why.say(self.settings.lang))
            self._reranker[0] = None

    @property
    def _adapter(self) -> str:
        """The adapter asked for; where it is left to us, none for an index that was built without one."""
        asked_for = self.settings.adapter
        return NONE if asked_for == AUTO and "+" not in self.current.manifest.model_id.partition("@")[2] else asked_for

    @property
    def searched_by(self) -> str:
        """The model that questions are searched with: the index's, as long as none had to be opened."""
        return self._opened[0].model_id if self._opened else self.current.manifest.model_id

    @property
    def keyword_only(self) -> bool:
        """Whether passages are found by their words alone, because no model runs here or none was asked for."""
        return isinstance(self.embedder, Keywords)

    @cached_property
    def limits(self) -> Limits:
        """How much must speak for an answer."""
        return limits_of(self.folder, self.embedder)

    @cached_property
    def known(self) -> list[Meeting]:
        return [Meeting(m.id, m.municipality, m.committee, m.held_on, m.earliest, m.latest) for m in self.meetings]

    @cached_property
    def items(self) -> dict[str, list[ItemRow]]:
        """The items of each document, in order."""
        found: dict[str, list[ItemRow]] = {}
        for row in self.record.items(self.generation):
            found.setdefault(row.document, []).append(row)
        return found

    @cached_property
    def by_title(self) -> dict[str, list[tuple[str, int]]]:
        """Document and place of the items under each heading, in lower case."""
        found: dict[str, list[tuple[str, int]]] = {}
        for rows in self.items.values():
            for row in rows:
                found.setdefault(row.title.casefold(), []).append((row.document, row.index))
        return found

    @cached_property
    def decisions(self) -> Decisions:
        """What came of every item; the first call reads all meetings."""
        from askamu.decisions import Decisions  # which works on a library

        return Decisions(self)

    @cached_property
    def cases(self) -> Cases:
        """The cases that its items are, followed over meetings."""
        from askamu.threads import Cases, items_of

        return Cases(items_of(self))

    @cached_property
    def municipalities(self) -> tuple[str, ...]:
        return tuple(sorted({m.municipality for m in self.meetings if m.municipality}))

    @cached_property
    def committees(self) -> tuple[str, ...]:
        return tuple(sorted({m.committee for m in self.meetings if m.committee}))

    @cached_property
    def first(self) -> date | None:
        return min((m.held_on for m in self.meetings if m.held_on), default=None)

    @cached_property
    def last(self) -> date | None:
        return max((m.held_on for m in self.meetings if m.held_on), default=None)

    @cached_property
    def _minutes(self):  # type: ignore[no-untyped-def]
        return lru_cache(maxsize=64)(self.record.document)

    def minutes(self, document: str) -> Minutes:
        """The minutes with that id.

        Raises:
            KeyError: if the record has none.
        """
        minutes: Minutes = self._minutes(document)
        return minutes

    def holds(self, document: str) -> bool:
        """Whether the index holds a document now; the record may also have what it held before."""
        return document in self._rows

    @cached_property
    def _figures(self):  # type: ignore[no-untyped-def]
        from askamu.series import read_figures

        return lru_cache(maxsize=10_000)(lambda document, index: read_figures(self.minutes(document), index))

    def figures(self, document: str, item_index: int) -> list[Figure]:
        """The figures of an item that are printed with label, unit and time."""
        figures: list[Figure] = self._figures(document, item_index)
        return figures

    def meeting(self, document: str) -> MeetingRow:
        return self._rows[document]

    @cached_property
    def _rows(self) -> dict[str, MeetingRow]:
        return {m.id: m for m in self.meetings}

    def held(self, document: str) -> date:
        """When a meeting was held, as far as is known: for sorting only."""
        row = self._rows[document]
        return row.held_on or row.latest or row.earliest or date.min

    def check(self, filters: Filters) -> None:
        """Refuse a municipality or committee that is not indexed.

        Raises:
            UnknownFilter: the message names what is indexed.
        """
        if filters.municipality is not None and filters.municipality not in self.municipalities:
            raise UnknownFilter("municipality", filters.municipality, self.municipalities)
        if filters.committee is not None and filters.committee not in self.committees:
            raise UnknownFilter("committee", filters.committee, self.committees)

    def allowed(self, filters: Filters) -> list[MeetingRow]:
        """The meetings that pass the filters. An undated meeting passes where its bounds overlap the period."""
        return [m for m in self.meetings if _passes(m, filters)]

    def coverage(self, meetings: list[MeetingRow]) -> Coverage:
        days = [m.held_on for m in meetings if m.held_on]
        return Coverage(
            meetings=len(meetings),
            first=min(days, default=None),
            last=max(days, default=None),
            committees=tuple(sorted({" ".join(p for p in (m.municipality, m.committee) if p) for m in meetings})),
            undated=sum(m.held_on is None for m in meetings),
        )

    def rarity(self, stem: str) -> float:
        """How telling a stem is: its inverse document frequency, 0 for one that stands everywhere."""
        n = max(self.current.lexical.size, 1)
        df = self.current.lexical.doc_freq(stem)
        return math.log(1 + (n - df + 0.5) / (df + 0.5))

    def refresh(self) -> Library:
        """This library, or a newly opened one where another generation has been switched in."""
        if current_id(self.folder) == self.generation:
            return self
        newer = open_library(self.settings)
        if newer.current.manifest.model_id == self.current.manifest.model_id:
            newer._opened.extend(self._opened)  # the model need not be opened again
        newer._reranker.extend(self._reranker)
        return newer


def _passes(meeting: MeetingRow, filters: Filters) -> bool:
    if filters.municipality is not None and meeting.municipality != filters.municipality:
        return False
    if filters.committee is not None and meeting.committee != filters.committee:
        return False
    if filters.date_from is None and filters.date_to is None:
        return True
    if filters.date_from == filters.date_to:
        return meeting.held_on == filters.date_from  # a day is asked for: an undated meeting can't be said to be it
    if meeting.earliest is None and meeting.latest is None:
        return False
    first, last = filters.date_from or date.min, filters.date_to or date.max
    return (meeting.earliest or date.min) <= last and (meeting.latest or date.max) >= first


def open_library(settings: Settings) -> Library:
    """Open the index that the settings name.

    Raises:
        IndexMissing, IndexUnreadable: the message says what to do.
    """
    vocabulary.use(settings.vocabulary)
    folder = settings.index_folder
    current = open_current(folder)
    record = Record.open(folder)
    return Library(folder, settings, record, current, record.meetings(current.manifest.generation))


class OpenLibrary:
    """The library of the moment: opened at the first call, reopened when a new generation is switched in."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.lock = settings, threading.Lock()
        self.library: Library | None = None

    def __call__(self) -> Library:
        """Raises IndexMissing and its like, each time anew, so that a server outlives a missing index."""
        with self.lock:
            before = self.library
            opened = before.refresh() if before is not None else open_library(self.settings)
            self.library = opened
            if before is not None and opened is not before:
                try:
                    opened.embedder  # noqa: B018 - whoever runs the server is told once, and not each who asks
                except AskamuError as error:
                    log.warning(error.say(self.settings.lang))
            return opened
