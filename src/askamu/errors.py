"""Errors that askamu can explain to the person using it.

    AskamuError
    ├── Unreadable           a file that can't be read as minutes
    │   ├── EmptyFile
    │   ├── BinaryFile           no text in it, or a format that is not read
    │   │   └── DamagedFile      a PDF, DOCX or page that is broken or cut off
    │   ├── EncryptedFile        asks for a password
    │   ├── NoTextFound          a PDF of pictures: scanned
    │   ├── ForeignJson          JSON that is no FirstAgenda meeting
    │   ├── AttachmentChanged    a fetched attachment that is not as it was fetched
    │   ├── TooLarge, TooManyPages, TooMuchText, TooLongToRead
    │   ├── NotRegular, NotOpened    a pipe or a device; no permission
    │   ├── ParserFailed, CutFailed  what nobody thought of
    │   ├── TooManyLines
    │   └── NoItems
    ├── AttachmentsLeftOut   more attachments than are read of one meeting
    ├── BadSidecar           the file beside a document that corrects what is known of its meeting
    ├── NothingToIngest      no minutes under the paths given
    ├── PathMissing          exit 2
    ├── IndexMissing         exit 3
    ├── IndexUnreadable      exit 3
    │   └── RecordUnreadable     the database that an index is rebuilt from
    ├── IndexNotWritable     exit 3: no permission, or no room on the disk
    ├── OtherEmbedder        exit 3: the index was built by another model
    ├── IndexBusy            somebody else is ingesting
    ├── EmbedderUnavailable
    │   └── EndpointFault        a server of embeddings that can't be reached, refuses, or gives no vectors
    ├── RerankerUnavailable  the ranking goes on without it
    ├── AdapterUnusable      the untuned model goes on
    ├── CannotTune           the extra is missing, or there is too little to learn from
    ├── BadQuestions         a file of written questions
    ├── BadRun               a kept evaluation
    ├── CassetteUnusable     exit 2: replies of a language model kept for an evaluation
    ├── NoLanguageModel      exit 2: one is needed, and none is set
    ├── BadQuestion          exit 2: empty or too long
    ├── BadMemo              exit 2: what is to become a memo can't be read as one
    ├── NotQuotable          a stretch of minutes that no quote may be cut from
    ├── UnknownCase          no item has the case number, or only formalities do
    ├── UnknownFilter        exit 2: a municipality or committee that is not indexed
    ├── NotStored            a meeting, item or passage that is not indexed
    ├── FeedbackNotKept      the file is full or can't be written
    ├── BadDate, PeriodReversed  exit 2
    │   └── BadMeetingDate
    ├── DateForSeveral       exit 2: one --date for several files
    ├── ExtraMissing         an optional part that is not installed
    ├── LanguageModelFailed  unreachable, slow, cut off, or its answer is not to be trusted
    ├── BadSetting           exit 2
    │   ├── BadTemplate          the Word file that memos are to look like
    │   └── BadVocabulary        an operator's own words
    ├── FetchError           fetching from a municipality's site
    │   ├── BadSite, BadContact, UnknownSiteCommittee   exit 2
    │   ├── SiteUnreachable, SiteAsksForRest            the run ends, and goes on next time
    │   ├── FetchBusy, FetchFolderNotWritable, FetchOtherSite, FetchStateUnreadable
    │   ├── BadMeeting           a line of the site's list that can't be read
    │   └── BadAnswer            one answer; the rest of a run goes on
    │       ├── AnswerMissing, AnswerRefused, AnswerTooLarge, RedirectElsewhere
    │       └── AnswerIsPage, AnswerNotJson, AnswerForeign, NotPdf
    └── TextMissing          a text or prompt file lacks a key

The command line and the page each catch `AskamuError` in one place; anything else is a bug and
keeps its traceback. `text_key` names the sentence shown in the page and `problem` the operator's
sentence (what, where, what to do), both in ui/text/<language>.toml; `str(error)` is the English one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

SidecarProblem = Literal["sidecar_unreadable", "sidecar_key", "sidecar_type", "sidecar_date", "sidecar_address"]
AdapterProblem = Literal["adapter_missing", "adapter_damaged", "adapter_version", "adapter_base", "adapter_extra"]
EndpointProblem = Literal[
    "endpoint_extra", "endpoint_key", "endpoint_unreachable", "endpoint_refused", "endpoint_no_model",
    "endpoint_busy", "endpoint_status", "endpoint_malformed", "endpoint_count", "endpoint_dimension",
    "endpoint_not_finite",
]  # fmt: skip
CassetteProblem = Literal[
    "cassette_missing", "cassette_unreadable", "cassette_damaged", "cassette_model", "cassette_not_writable"
]
TuneProblem = Literal["tune_extra", "tune_few", "tune_few_meetings", "tune_base", "tune_out", "tune_not_empty"]
VocabularyProblem = Literal[
    "vocabulary_unreadable", "vocabulary_unknown", "vocabulary_key", "vocabulary_form", "vocabulary_pattern"
]


class AskamuError(Exception):
    """Base of every error askamu can explain to the person using it."""

    text_key = "error.unknown"
    problem: str | None = None  # key of the operator's sentence; None where the message is given as it is
    exit_code = 1
    http_status = 500

    def __init__(self, message: str = "", **values: object) -> None:
        self.values = values
        super().__init__(message or self.say("en"))

    def say(self, language: str) -> str:
        """What happened, where, and what to do, for the person who runs askamu."""
        if self.problem is None:
            return str(self)
        from askamu.texts import text

        return text(f"problem.{self.problem}", language, **self.values)


class Unreadable(AskamuError):
    """A file that can't be read as minutes; the rest of a run goes on."""

    text_key = "error.unreadable"
    http_status = 422


class EmptyFile(Unreadable):
    problem = "empty_file"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class BinaryFile(Unreadable):
    problem = "binary_file"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class DamagedFile(BinaryFile):
    """A file of a known format that is broken, cut off or built to do harm. `kind` is "PDF", "DOCX", "HTML"."""

    problem = "damaged_file"

    def __init__(self, name: str, kind: str) -> None:
        Unreadable.__init__(self, name=name, kind=kind)


class EncryptedFile(Unreadable):
    problem = "encrypted_file"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NoTextFound(Unreadable):
    problem = "no_text_found"

    def __init__(self, name: str, pages: int) -> None:
        super().__init__(name=name, pages=pages)


class AttachmentChanged(Unreadable):
    """A fetched attachment that is gone, or another than was fetched."""

    problem = "attachment_changed"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class AttachmentsLeftOut(AskamuError):
    """More attachments than are read of one meeting."""

    problem = "attachments_left_out"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(count=len(names), names=", ".join(names[:3]) + (" …" if len(names) > 3 else ""))


class ForeignJson(Unreadable):
    problem = "foreign_json"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class TooManyPages(Unreadable):
    problem = "too_many_pages"

    def __init__(self, name: str, pages: int, limit: int) -> None:
        super().__init__(name=name, pages=pages, limit=limit)


class TooMuchText(Unreadable):
    """More text than one document may hold. `limit` is in characters."""

    problem = "too_much_text"

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(name=name, limit=f"{limit / 1e6:.0f}")


class TooLongToRead(Unreadable):
    problem = "too_long_to_read"

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name=name, seconds=f"{seconds:.0f}")


class TooLarge(Unreadable):
    problem = "too_large"

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(name=name, size=f"{size / 1e6:.0f}", limit=f"{limit / 1e6:.0f}")


class TooManyLines(Unreadable):
    problem = "too_many_lines"

    def __init__(self, name: str, lines: int, limit: int) -> None:
        super().__init__(name=name, lines=lines, limit=limit)


class NoItems(Unreadable):
    problem = "no_items"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NotRegular(Unreadable):
    """A pipe, a socket, a device: what might never end is never opened."""

    problem = "not_regular"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NotOpened(Unreadable):
    problem = "not_opened"

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(name=name, why=error.strerror or str(error))


class ParserFailed(Unreadable):
    problem = "parser_failed"

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name=name, why=f"{type(error).__name__}: {error}")


class CutFailed(ParserFailed):
    problem = "cut_failed"


class BadSidecar(AskamuError):
    """A sidecar that says nothing we can use. The document is read without it."""

    def __init__(self, problem: SidecarProblem, file: str, **values: object) -> None:
        self.problem = problem
        super().__init__("", file=file, **values)


class NothingToIngest(AskamuError):
    text_key = "error.nothing_to_ingest"
    problem = "nothing_to_ingest"

    def __init__(self, paths: Sequence[object]) -> None:
        super().__init__(paths=", ".join(str(p) for p in paths))


class PathMissing(AskamuError):
    exit_code = 2
    problem = "path_missing"

    def __init__(self, path: object) -> None:
        super().__init__(path=path)


class IndexMissing(AskamuError):
    text_key = "error.index_missing"
    problem = "index_missing"
    exit_code = 3
    http_status = 503

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class IndexUnreadable(AskamuError):
    text_key = "error.index_unreadable"
    problem = "index_unreadable"
    exit_code = 3
    http_status = 503

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(folder=folder, why=why)


class RecordUnreadable(IndexUnreadable):
    problem = "record_unreadable"


class IndexNotWritable(AskamuError):
    exit_code = 3
    problem = "index_not_writable"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(folder=folder, why=why)


class OtherEmbedder(AskamuError):
    text_key = "error.other_embedder"
    problem = "other_embedder"
    exit_code = 3
    http_status = 503

    def __init__(self, folder: Path, built_by: str, asked_for: str) -> None:
        setting = built_by.partition("@")[0]
        if setting == asked_for:
            self.problem = "changed_embedder"
        super().__init__(folder=folder, built_by=built_by, setting=setting, asked_for=asked_for)


class IndexBusy(AskamuError):
    text_key = "error.index_busy"
    problem = "index_busy"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class EmbedderUnavailable(AskamuError):
    text_key = "error.embedder_unavailable"
    exit_code = 3
    http_status = 503


class EndpointFault(EmbedderUnavailable):
    """What goes wrong with a server of embeddings. A search goes on by words alone; an ingest ends, and loses nothing.

    Args of all: the setting that names the model, and the server's address. No key, question or passage is told.
    """

    def __init__(self, problem: EndpointProblem, model: str, address: str, **values: object) -> None:
        self.problem = problem
        super().__init__("", model=model, address=address, **values)


class RerankerUnavailable(AskamuError):
    """A reranker that can't be opened or fails; the ranking stays as retrieval made it."""

    problem = "reranker_unavailable"

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(setting=setting, why=why)


class AdapterUnusable(AskamuError):
    """An adapter that can't be used; the untuned model goes on."""

    def __init__(self, problem: AdapterProblem, folder: Path, **values: object) -> None:
        self.problem = problem
        super().__init__("", folder=folder, **values)


class CannotTune(AskamuError):
    def __init__(self, problem: TuneProblem, **values: object) -> None:
        self.problem = problem
        super().__init__("", **values)


class FeedbackNotKept(AskamuError):
    """What a reader said of an answer can't be stored. `why` is "full", "unknown" or "not_writable"."""

    def __init__(self, why: Literal["full", "unknown", "not_writable"]) -> None:
        self.text_key = f"feedback.{why}"
        self.http_status = {"full": 507, "unknown": 422, "not_writable": 503}[why]
        super().__init__()

    def say(self, language: str) -> str:
        from askamu.texts import text

        return text(self.text_key, language)


class BadQuestions(AskamuError):
    """A file of written questions, or a line of it, that can't be read. Line 0: the file."""

    problem = "bad_questions"
    exit_code = 2

    def __init__(self, file: Path, line: int, error: Exception) -> None:
        super().__init__(file=file, line=line, why=getattr(error, "strerror", None) or error)


class BadRun(AskamuError):
    """The file of an evaluation that is to be compared with can't be read."""

    problem = "bad_run"
    exit_code = 2

    def __init__(self, file: Path, error: Exception) -> None:
        super().__init__(file=file, why=getattr(error, "strerror", None) or error)


class CassetteUnusable(AskamuError):
    """A file of a language model's replies that can't be played back, or not be added to."""

    exit_code = 2

    def __init__(self, problem: CassetteProblem, file: Path, **values: object) -> None:
        self.problem = problem
        super().__init__("", file=file, **values)


class NoLanguageModel(AskamuError):
    problem = "llm_not_set"
    exit_code = 2


class TooFewToCalibrate(AskamuError):
    """Too few questions with gold to choose limits by."""

    problem = "too_few_to_calibrate"
    exit_code = 2

    def __init__(self, due: int, least_due: int, answerable: int, least_answerable: int) -> None:
        super().__init__(due=due, least_due=least_due, answerable=answerable, least_answerable=least_answerable)


class BadQuestion(AskamuError):
    exit_code = 2
    http_status = 422
    text_key = "error.bad_question"


class QuestionEmpty(BadQuestion):
    text_key = "error.question_empty"
    problem = "question_empty"


class QuestionTooLong(BadQuestion):
    text_key = "error.question_too_long"
    problem = "question_too_long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(length=length, limit=limit)


class NotQuotable(AskamuError):
    """A stretch of minutes that no quote may be cut from."""

    http_status = 422

    def __init__(self, reason: Literal["outside", "across", "closed"]) -> None:
        self.reason = reason
        self.text_key = f"reference.not_{reason}"
        super().__init__()

    def say(self, language: str) -> str:
        from askamu.texts import text

        return text(self.text_key, language)


class UnknownCase(AskamuError):
    """A case number that no indexed item has, or that is used for formalities only, such as `title`."""

    http_status = 404

    def __init__(self, number: str, title: str | None = None) -> None:
        self.text_key = "case.none" if title is None else "case.formality"
        super().__init__(**({"number": number[:80]} | ({} if title is None else {"title": title})))

    def say(self, language: str) -> str:
        from askamu.texts import text

        return text(self.text_key, language, **self.values)


class BadMemo(AskamuError):
    """What is to become a memo can't be read as one. `why` names the place."""

    exit_code = 2
    http_status = 422
    text_key = "error.bad_memo"
    problem = "bad_memo"

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


class UnknownFilter(AskamuError):
    """A municipality or committee that is not indexed. `what` is "municipality" or "committee"."""

    exit_code = 2
    http_status = 422
    text_key = "error.unknown_filter"

    def __init__(self, what: str, value: str, known: Sequence[str]) -> None:
        self.problem = f"unknown_{what}"
        super().__init__(value=value, known=", ".join(known) or "–")


class NotStored(AskamuError):
    """A meeting, an item or a passage that is not indexed, or not any more. `what` is one of `KINDS`."""

    KINDS = ("meeting", "item", "item_corrected", "passage")
    exit_code = 1
    http_status = 404
    text_key = "error.not_stored"

    def __init__(self, what: str) -> None:
        self.text_key = f"error.not_stored_{what}"
        self.what = what
        super().__init__(f"No such {what.partition('_')[0]} is indexed.")


class BadDate(AskamuError):
    exit_code = 2
    http_status = 422
    text_key = "error.bad_date"
    problem = "bad_date"

    def __init__(self, value: str) -> None:
        super().__init__(value=value)


class BadMeetingDate(BadDate):
    problem = "bad_meeting_date"


class DateForSeveral(AskamuError):
    exit_code = 2
    problem = "date_for_several"

    def __init__(self, files: int) -> None:
        super().__init__(files=files)


class PeriodReversed(AskamuError):
    exit_code = 2
    http_status = 422
    text_key = "error.period_reversed"
    problem = "period_reversed"


class ExtraMissing(AskamuError):
    """A part of askamu whose extra is not installed; the message says how to."""

    problem = "extra_missing"
    exit_code = 2

    def __init__(self, extra: str) -> None:
        super().__init__(extra=extra)


class LanguageModelFailed(AskamuError):
    """The language model gave no answer that can be shown. `reason` is a key of the texts under llm.why."""

    text_key = "error.llm"
    problem = "llm_failed"
    http_status = 502

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


class BadSetting(AskamuError):
    exit_code = 2


class BadVocabulary(BadSetting):
    def __init__(self, problem: VocabularyProblem, file: Path, **values: object) -> None:
        self.problem = problem
        super().__init__("", file=file, **values)


class BadTemplate(BadSetting):
    """The Word file that memos are to look like."""

    text_key = "error.bad_template"

    def __init__(self, problem: Literal["template_unreadable", "template_macros"], file: Path) -> None:
        self.problem = problem
        super().__init__("", file=file)


class TextMissing(AskamuError):
    def __init__(self, file: str, key: str) -> None:
        super().__init__(f"{file} has no text »{key}«.")


class FetchError(AskamuError):
    """Fetching from a municipality's site."""


class BadSite(FetchError):
    exit_code = 2
    problem = "bad_site"

    def __init__(self, site: str) -> None:
        super().__init__(site=site)


class BadContact(FetchError):
    exit_code = 2
    problem = "bad_contact"

    def __init__(self, contact: str) -> None:
        super().__init__(contact=contact)


class UnknownSiteCommittee(FetchError):
    exit_code = 2
    problem = "unknown_site_committee"

    def __init__(self, value: str, known: Sequence[str]) -> None:
        super().__init__(value=value, known=", ".join(known))


class SiteUnreachable(FetchError):
    problem = "site_unreachable"

    def __init__(self, address: object, why: str) -> None:
        super().__init__(address=address, why=why)


class SiteAsksForRest(FetchError):
    problem = "site_asks_for_rest"

    def __init__(self, address: object, status: int) -> None:
        super().__init__(address=address, status=status)


class FetchBusy(FetchError):
    problem = "fetch_busy"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class FetchFolderNotWritable(FetchError):
    problem = "fetch_not_writable"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(folder=folder, why=why)


class FetchOtherSite(FetchError):
    exit_code = 2
    problem = "fetch_other_site"

    def __init__(self, folder: Path, other: str, site: str) -> None:
        super().__init__(folder=folder, other=other, site=site)


class FetchStateUnreadable(FetchError):
    problem = "fetch_state_unreadable"

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(file=file, why=why)


class BadMeeting(FetchError):
    problem = "bad_meeting"

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class BadAnswer(FetchError):
    """One answer of the site's that is of no use."""

    def __init__(self, address: object, **values: object) -> None:
        super().__init__("", address=address, **values)


class AnswerMissing(BadAnswer):
    problem = "answer_missing"


class AnswerRefused(BadAnswer):
    problem = "answer_refused"

    def __init__(self, address: object, status: int) -> None:
        super().__init__(address, status=status)


class AnswerTooLarge(BadAnswer):
    problem = "answer_too_large"

    def __init__(self, address: object, limit: int) -> None:
        super().__init__(address, limit=f"{limit / 1e6:.0f}")


class RedirectElsewhere(BadAnswer):
    problem = "redirect_elsewhere"

    def __init__(self, address: object, to: str) -> None:
        super().__init__(address, to=to)


class AnswerIsPage(BadAnswer):
    problem = "answer_is_page"


class AnswerNotJson(BadAnswer):
    problem = "answer_not_json"


class AnswerForeign(BadAnswer):
    problem = "answer_foreign"


class NotPdf(BadAnswer):
    problem = "not_pdf"
