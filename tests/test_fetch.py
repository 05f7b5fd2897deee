"""Fetching from a FirstAgenda site: all of it, gently, once; and what happens when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import filelock
import pytest
import replica as site
from conftest import SHARED
from replica import COOKIE, Meeting, Replica, serving

from askamu import errors
from askamu.fetch import (
    LOCK,
    STATE,
    FetchOptions,
    FetchReport,
    Listed,
    danish_day,
    fetch,
    read_list,
    retry_after,
    site_origin,
    slug,
    superseded,
    user_agent,
)
from askamu.ingest import find

QUICK = FetchOptions(pause=0.0, backoff=0.01, timeout=5.0, contact="post@example.dk")
MARCH = Meeting("aaaaaaaa-0000-4000-8000-000000000001", "Børne- og Ungeudvalget", "2024-03-11T08:00:00+01:00")
JUNE = Meeting("bbbbbbbb-0000-4000-8000-000000000002", "Børne- og Ungeudvalget", "2024-06-10T08:00:00+02:00")
COUNCIL = Meeting("cccccccc-0000-4000-8000-000000000003", "Byrådet", "2024-06-24T22:30:00Z")
LISTS = ["/", "/api/agenda/udvalgsliste"]


def fresh() -> list[Meeting]:
    return [replace(m) for m in (MARCH, JUNE, COUNCIL)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Replica]:
    with serving(fresh()) as replica:
        yield replica


def statuses(report: FetchReport) -> dict[str, str]:
    return {m.id[:4]: m.status for m in report.meetings}


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.json"))


def asked(server: Replica) -> list[str]:
    """The paths asked for since last time."""
    paths = server.paths()
    server.asked.clear()
    return paths


def test_everything_arrives_byte_for_byte(server: Replica, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    report = fetch(server.address, tmp_path / "out", QUICK, lambda *a: seen.append(a))
    assert report.complete
    assert statuses(report) == {"aaaa": "new", "bbbb": "new", "cccc": "new"}
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").glob("*.json") if not p.name.startswith(".")} == {
        "boerne-og-ungeudvalget-2024-03-11-aaaaaaaa.json": MARCH.body,
        "boerne-og-ungeudvalget-2024-06-10-bbbbbbbb.json": JUNE.body,
        "byraadet-2024-06-25-cccccccc.json": COUNCIL.body,  # 22:30 in Greenwich is the next day here
    }
    assert [m.file for m in report.meetings] == sorted((tmp_path / "out").glob("b*.json"))
    assert seen == [("fetch", 1, 3), ("fetch", 2, 3), ("fetch", 3, 3)]
    assert server.paths()[:2] == LISTS
    assert report.requests == len(server.paths()) == 5
    assert all(headers.get("Cookie") == COOKIE for path, _, headers in server.asked if path != "/")


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "real" / "greve").is_dir(), reason="the real meetings are not at hand")
def test_the_real_meetings_of_greve_arrive(tmp_path: Path) -> None:
    meetings = site.greve(SHARED / "real" / "greve")
    with serving(meetings) as server:
        report = fetch(server.address, tmp_path, replace(QUICK, since=date(2022, 11, 1), until=date(2022, 12, 31)))
        assert report.complete
        wanted = {p.name[-13:]: p for p in (SHARED / "real" / "greve").glob("*-2022-1[12]-*.json")}
        got = {p.name[-13:]: p for p in tmp_path.glob("[a-z]*.json")}
        assert got.keys() == wanted.keys()
        assert len(got) > 10
        assert all(got[name].read_bytes() == wanted[name].read_bytes() for name in wanted)
        assert all(got[name].name[-24:-14] == wanted[name].name[-24:-14] for name in wanted)
        asked(server)
        assert fetch(
            server.address, tmp_path, replace(QUICK, since=date(2022, 11, 1), until=date(2022, 12, 31))
        ).complete
        assert asked(server) == LISTS


def test_a_second_run_asks_for_the_list_only(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    asked(server)
    report = fetch(server.address, tmp_path, QUICK)
    assert set(statuses(report).values()) == {"unchanged"}
    assert asked(server) == LISTS
    assert report.complete


def test_what_was_published_anew_is_fetched_again(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    asked(server)
    server.meetings[1].released = "2024-07-01T12:00:00Z"
    server.meetings[1].body = site.answer(JUNE.id, JUNE.committee, JUNE.date, "Ikke godkendt.")
    report = fetch(server.address, tmp_path, QUICK)
    assert statuses(report) == {"aaaa": "unchanged", "bbbb": "changed", "cccc": "unchanged"}
    assert asked(server) == [*LISTS, f"/api/agenda/dagsorden/{JUNE.id}"]
    assert (tmp_path / "boerne-og-ungeudvalget-2024-06-10-bbbbbbbb.json").read_bytes() == server.meetings[1].body


def test_a_file_that_was_lost_is_fetched_again(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    (tmp_path / "byraadet-2024-06-25-cccccccc.json").unlink()
    assert statuses(fetch(server.address, tmp_path, QUICK))["cccc"] == "changed"
    assert (tmp_path / "byraadet-2024-06-25-cccccccc.json").read_bytes() == COUNCIL.body


def test_a_meeting_put_off_moves_its_file(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    server.meetings[0].date = "2024-03-18T08:00:00+01:00"
    fetch(server.address, tmp_path, QUICK)
    assert files(tmp_path)[1] == "boerne-og-ungeudvalget-2024-03-18-aaaaaaaa.json"
    assert files(tmp_path / ".replaced") == ["boerne-og-ungeudvalget-2024-03-11-aaaaaaaa.json"]


def test_an_interrupted_run_goes_on_where_it_stopped(server: Replica, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.address, tmp_path, QUICK, interrupt)
    asked(server)
    report = fetch(server.address, tmp_path, QUICK)
    assert statuses(report) == {"aaaa": "unchanged", "bbbb": "unchanged", "cccc": "new"}
    assert asked(server) == [*LISTS, f"/api/agenda/dagsorden/{COUNCIL.id}"]


def test_committees_and_period_limit_what_is_fetched(server: Replica, tmp_path: Path) -> None:
    options = replace(
        QUICK, committees=("  børne- OG ungeudvalget ",), since=date(2024, 4, 1), until=date(2024, 12, 31)
    )
    assert statuses(fetch(server.address, tmp_path, options)) == {"bbbb": "new"}
    assert statuses(fetch(server.address, tmp_path, replace(QUICK, until=date(2024, 3, 11)))) == {"aaaa": "new"}
    # What another limit left out is not withdrawn.
    assert len([f for f in files(tmp_path) if not f.startswith(".")]) == 2


def test_an_unknown_committee_is_told_with_those_that_exist(server: Replica, tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownSiteCommittee, match="Byrådet, Børne- og Ungeudvalget"):
        fetch(server.address, tmp_path / "out", replace(QUICK, committees=("Teknikudvalget",)))
    assert not (tmp_path / "out").exists()
    assert asked(server) == LISTS


# -- agenda, minutes, withdrawn -----------------------------------------------------------------


def agenda_of(m: Meeting, id: str = "dddddddd-0000-4000-8000-000000000004", **other: str) -> Meeting:
    return Meeting(id, m.committee, m.date, **{"kind": "Dagsorden", **other})  # type: ignore[arg-type]


@pytest.mark.parametrize("agenda_stays_listed", [True, False])
def test_minutes_replace_the_agenda(tmp_path: Path, agenda_stays_listed: bool) -> None:
    agenda = agenda_of(JUNE)
    with serving([replace(MARCH), agenda]) as server:
        fetch(server.address, tmp_path, QUICK)
        assert "boerne-og-ungeudvalget-2024-06-10-dddddddd.json" in files(tmp_path)
        server.meetings[1:] = [agenda, replace(JUNE)] if agenda_stays_listed else [replace(JUNE)]
        # As long as the minutes can't be had the agenda stays.
        server.fail(JUNE, site.status(500))
        assert statuses(fetch(server.address, tmp_path, QUICK)) == {"aaaa": "unchanged", "bbbb": "failed"}
        assert "boerne-og-ungeudvalget-2024-06-10-dddddddd.json" in files(tmp_path)
        report = fetch(server.address, tmp_path, QUICK)
        assert statuses(report) == {"aaaa": "unchanged", "bbbb": "new", "dddd": "replaced"}
        assert "boerne-og-ungeudvalget-2024-06-10-dddddddd.json" not in files(tmp_path)
        assert files(tmp_path / ".replaced") == ["boerne-og-ungeudvalget-2024-06-10-dddddddd.json"]
        asked(server)
        assert statuses(fetch(server.address, tmp_path, QUICK)) == {"aaaa": "unchanged", "bbbb": "unchanged"}
        assert asked(server) == LISTS


def test_an_agenda_beside_its_minutes_is_never_fetched(tmp_path: Path) -> None:
    with serving([agenda_of(JUNE), replace(JUNE)]) as server:
        assert statuses(fetch(server.address, tmp_path, QUICK)) == {"bbbb": "new"}
        assert len(asked(server)) == 3


def test_an_agenda_that_becomes_minutes_keeps_its_file(tmp_path: Path) -> None:
    with serving([replace(JUNE, kind="Dagsorden", released=None)]) as server:
        fetch(server.address, tmp_path, QUICK)
        server.meetings[0].kind = "Referat"
        assert statuses(fetch(server.address, tmp_path, QUICK)) == {"bbbb": "changed"}


def listed(id: str, kind: str, begins: str = "2024-06-10T08:00:00+02:00", supplement: bool = False) -> Listed:
    return Listed(id, "u", "U", danish_day(begins), begins, kind, supplement, None, True)


@pytest.mark.parametrize(
    ("meetings", "over"),
    [
        ([listed("a", "Dagsorden"), listed("r", "Referat")], {"a": "r"}),
        ([listed("a", "Dagsorden"), listed("r", "Referat", "2024-06-10T08:30:00+02:00")], {"a": "r"}),
        ([listed("a", "Dagsorden"), listed("r", "Referat", "2024-06-11T08:00:00+02:00")], {}),
        ([listed("a", "Dagsorden"), listed("e", "Ekstraordinært referat")], {}),
        ([listed("a", "Ekstraordinær dagsorden"), listed("e", "Ekstraordinært referat")], {"a": "e"}),
        ([listed("t", "Tillægsdagsorden", supplement=True), listed("r", "Referat")], {}),
        (
            [listed("a", "Dagsorden"), listed("b", "Dagsorden", "2024-06-10T14:00:00+02:00"), listed("r", "Referat")],
            {"a": "r"},
        ),
        ([listed("a", "Dagsorden"), listed("b", "Dagsorden"), listed("r", "Referat", "2024-06-10T09:00:00+02:00")], {}),
    ],
)
def test_which_agendas_stand_beside_their_minutes(meetings: list[Listed], over: dict[str, str]) -> None:
    assert superseded(meetings) == over


def test_a_withdrawn_meeting_is_told_and_kept_out_of_sight(server: Replica, tmp_path: Path) -> None:
    server.meetings[0].body = with_attachments()
    server.files["/vis/pdf/bilag/eeeeeeee-1"] = b"%PDF-1.7 a"
    fetch(server.address, tmp_path, replace(QUICK, attachments=True))
    name = "boerne-og-ungeudvalget-2024-03-11-aaaaaaaa.json"
    body = (tmp_path / name).read_bytes()
    gone = server.meetings.pop(0)
    report = fetch(server.address, tmp_path, QUICK)
    assert statuses(report) == {"aaaa": "withdrawn", "bbbb": "unchanged", "cccc": "unchanged"}
    assert report.meetings[0].file == tmp_path / ".withdrawn" / name
    assert (tmp_path / ".withdrawn" / name).read_bytes() == body
    assert not (tmp_path / name).exists()
    assert not (tmp_path / "attachments" / MARCH.id).exists()
    assert list((tmp_path / ".withdrawn" / "attachments" / MARCH.id).glob("*.pdf"))
    assert "aaaa" not in statuses(fetch(server.address, tmp_path, QUICK))
    # It comes back, and is withdrawn again: both copies stay.
    server.meetings.insert(0, gone)
    assert statuses(fetch(server.address, tmp_path, QUICK))["aaaa"] == "new"
    server.meetings.pop(0)
    fetch(server.address, tmp_path, QUICK)
    assert len(files(tmp_path / ".withdrawn")) == 2


@pytest.mark.parametrize("line", [{"Id": MARCH.id.upper(), "Dato": None}, {"Dato": None}, "x"])
def test_a_line_that_cannot_be_read_withdraws_nothing(
    server: Replica, tmp_path: Path, line: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(server.address, tmp_path, QUICK)
    monkeypatch.setattr(server.meetings[0], "listed", lambda: line)
    report = fetch(server.address, tmp_path, QUICK)
    assert [m.status for m in report.meetings] == ["failed", "unchanged", "unchanged"]
    assert len(files(tmp_path)) == 4


def test_an_empty_list_withdraws_nothing(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    server.meetings.clear()
    with pytest.raises(errors.AnswerForeign):
        fetch(server.address, tmp_path, QUICK)
    assert len(files(tmp_path)) == 4


# -- faults -------------------------------------------------------------------------------------

OTHER = b'{"hello": 1}'
FAULTS = {
    "missing": ([site.status(404)], errors.AnswerMissing),
    "server error": ([site.status(500)], errors.AnswerRefused),
    "truncated": ([site.sends(JUNE.body[:100])], errors.AnswerNotJson),
    "deep": ([site.sends(b"[" * 200_000)], errors.AnswerNotJson),
    "a page": ([site.sends(b"\xef\xbb\xbf <!DOCTYPE html><p>Fejl", "text/html")], errors.AnswerIsPage),
    "foreign": ([site.sends(OTHER)], errors.AnswerForeign),
    "a list": ([site.sends(b"[]")], errors.AnswerForeign),
    "another meeting": ([site.sends(MARCH.body)], errors.AnswerForeign),
    "huge": ([site.sends(b" " * 300_000)], errors.AnswerTooLarge),
    "endless": ([site.endless], errors.AnswerTooLarge),
    "elsewhere": ([site.redirects("http://localhost:1/x")], errors.RedirectElsewhere),
    "to a file": ([site.redirects("file:///etc/passwd")], errors.RedirectElsewhere),
    "in a circle": (
        [site.redirects("/api/agenda/udvalgsliste2")] + [site.status(302, Location="/x")] * 9,
        errors.AnswerMissing,
    ),
    "line cut": ([site.cut_off] * 9, errors.SiteUnreachable),
    "line closed": ([site.crash] * 9, errors.SiteUnreachable),
    "gateway": ([site.status(502)] * 9, errors.SiteUnreachable),
    "too slow": ([site.slow(0.6)] * 9, errors.SiteUnreachable),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_by_name_and_the_rest_goes_on(server: Replica, tmp_path: Path, name: str) -> None:
    faults, error = FAULTS[name]
    server.fail(JUNE, *faults)
    report = fetch(server.address, tmp_path, replace(QUICK, max_bytes=200_000, timeout=0.3))
    assert statuses(report) == {"aaaa": "new", "bbbb": "failed", "cccc": "new"}
    (failed,) = report.failed
    assert failed.name == "Børne- og Ungeudvalget 2024-06-10 (Referat, bbbbbbbb)"
    assert [type(p) for p in failed.problems] == [error]
    assert JUNE.id in str(failed.problems[0]) or name == "in a circle"
    assert not report.complete
    assert report.stopped is None
    assert "boerne-og-ungeudvalget-2024-06-10-bbbbbbbb.json" not in files(tmp_path)
    server.faults.clear()
    assert statuses(fetch(server.address, tmp_path, QUICK)) == {"aaaa": "unchanged", "bbbb": "new", "cccc": "unchanged"}


def test_a_fault_leaves_what_was_there(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    server.meetings[1].released = "2024-07-01T12:00:00Z"
    server.fail(JUNE, site.sends(JUNE.body[:100]))
    assert statuses(fetch(server.address, tmp_path, QUICK))["bbbb"] == "failed"
    assert (tmp_path / "boerne-og-ungeudvalget-2024-06-10-bbbbbbbb.json").read_bytes() == JUNE.body
    assert statuses(fetch(server.address, tmp_path, QUICK))["bbbb"] == "changed"


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_site_is_asked_again_when_it_says(server: Replica, tmp_path: Path, code: int) -> None:
    server.fail(JUNE, site.status(code, Retry_After="1"), site.status(code))
    report = fetch(server.address, tmp_path, QUICK)
    assert report.complete
    times = [at for path, at, _ in server.asked if JUNE.id in path]
    assert len(times) == 3
    assert times[1] - times[0] >= 1.0
    assert times[2] - times[1] < 0.9


@pytest.mark.parametrize("faults", [[site.status(503)] * 9, [site.status(429, Retry_After="86400")]])
def test_a_site_that_asks_for_rest_gets_it(server: Replica, tmp_path: Path, faults: list[site.Fault]) -> None:
    server.fail(JUNE, *faults)
    report = fetch(server.address, tmp_path, QUICK)
    assert statuses(report) == {"aaaa": "new", "bbbb": "left", "cccc": "left"}
    assert isinstance(report.stopped, errors.SiteAsksForRest)
    assert not report.complete
    assert len([p for p in asked(server) if JUNE.id in p]) == (4 if len(faults) > 1 else 1)
    server.faults.clear()
    assert statuses(fetch(server.address, tmp_path, QUICK)) == {"aaaa": "unchanged", "bbbb": "new", "cccc": "new"}


def test_a_site_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    meetings = [replace(MARCH, id=f"{n:08}-0000", body=b"") for n in range(6)]
    with serving(meetings) as server:
        for m in meetings[1:]:
            server.fail(m, *[site.crash] * 9)
        report = fetch(server.address, tmp_path, replace(QUICK, attempts=2))
        assert [m.status for m in report.meetings] == ["new", *["failed"] * 3, *["left"] * 2]
        assert isinstance(report.stopped, errors.SiteUnreachable)
        address = server.address
    with pytest.raises(errors.SiteUnreachable):
        fetch(address, tmp_path, QUICK)


@pytest.mark.parametrize("path", LISTS)
def test_without_the_list_there_is_nothing(server: Replica, tmp_path: Path, path: str) -> None:
    server.fail(path, site.status(404))
    with pytest.raises(errors.AnswerMissing):
        fetch(server.address, tmp_path / "out", QUICK)
    server.fail("/", *[site.status(403)] * 9)
    with pytest.raises(errors.AnswerRefused):
        fetch(server.address, tmp_path / "out", QUICK)
    server.fail("/")
    server.fail(LISTS[1], site.sends(b"<html>", "text/html"))
    with pytest.raises(errors.AnswerIsPage):
        fetch(server.address, tmp_path / "out", QUICK)
    assert not (tmp_path / "out").exists()


def test_redirects_on_the_same_host_are_followed(server: Replica, tmp_path: Path) -> None:
    server.fail("/", site.redirects("/start"))
    server.fail("/start", lambda handler: handler.reply(b"<p>", "text/html", {"Set-Cookie": f"{COOKIE}; path=/"}))
    server.fail(JUNE, site.redirects(f"/api/agenda/dagsorden/{JUNE.id.upper()}"))
    assert fetch(server.address, tmp_path, QUICK).complete


def test_an_expired_cookie_is_fetched_anew_once(server: Replica, tmp_path: Path) -> None:
    server.fail(JUNE, site.status(403))
    assert fetch(server.address, tmp_path, QUICK).complete
    assert asked(server)[3:6] == [f"/api/agenda/dagsorden/{JUNE.id}", "/", f"/api/agenda/dagsorden/{JUNE.id}"]
    server.meetings[1].released = "2025"
    server.fail(JUNE, *[site.status(403)] * 9)
    assert isinstance(fetch(server.address, tmp_path, QUICK).failed[0].problems[0], errors.AnswerRefused)
    assert len([p for p in asked(server) if JUNE.id in p]) == 2


def test_meetings_that_the_list_garbles_are_told(tmp_path: Path) -> None:
    entries = [
        {"Id": "../../etc/passwd", "Dato": "2024-01-01T08:00:00Z"},
        {"Id": "aaaaaaaa-1", "Dato": "i går"},
        {"Dato": "2024-01-01T08:00:00Z"},
        {"Id": 7, "Dato": None},
        "x",
        JUNE.listed(),
    ]
    found, unusable = read_list(
        {"Udvalg": {"2022": [{"Id": "u", "Navn": "Byrådet", "Moeder": entries}, {"Moeder": 5}, 3]}}
    )
    assert [m.id for m in found] == [JUNE.id]
    assert len(unusable) == 5
    assert "Byrådet" in str(unusable[0].problems[0])


@pytest.mark.parametrize("answer", [None, [], {}, {"Udvalg": None}, {"Udvalg": {}}, {"Udvalg": {"a": 5}}, "x"])
def test_a_foreign_list_is_refused(answer: object) -> None:
    with pytest.raises(errors.AnswerForeign):
        read_list(answer)


# -- politeness ---------------------------------------------------------------------------------


def test_one_request_at_a_time_with_a_pause_and_an_address(server: Replica, tmp_path: Path) -> None:
    server.fail(JUNE, site.slow(0.2))
    fetch(server.address, tmp_path, replace(QUICK, pause=0.15))
    times = [at for _, at, _ in server.asked]
    assert len(times) == 5
    assert server.most_at_once == 1
    assert all(after - before >= 0.149 for before, after in pairwise(times))
    assert times[4] - times[3] >= 0.349  # the pause begins when the answer is there
    assert {headers["User-Agent"] for _, _, headers in server.asked} == {user_agent("post@example.dk")}
    assert "post@example.dk" in user_agent("post@example.dk")
    assert user_agent(None).startswith("askamu/")


@pytest.mark.parametrize("contact", ["a\r\nX: y", "søren@example.dk"])
def test_a_contact_that_cannot_be_sent_is_refused(contact: str) -> None:
    with pytest.raises(errors.BadContact):
        user_agent(contact)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("120") == 120.0
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after(in_a_minute) or 0) <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after("soon") is retry_after(None) is None


# -- attachments --------------------------------------------------------------------------------


def with_attachments() -> bytes:
    bilag = (
        {"Id": "eeeeeeee-1", "Navn": "../Årsplan 2024 (høring).docx", "HarPdfVersion": "true"},
        {"Id": "ffffffff-2", "Navn": "Billede", "HarPdfVersion": "false"},
    )
    return site.answer(MARCH.id, MARCH.committee, MARCH.date, attachments=bilag)


def test_attachments_come_with_an_index(server: Replica, tmp_path: Path) -> None:
    server.meetings[0].body = with_attachments()
    path = "/vis/pdf/bilag/eeeeeeee-1"
    fetch(server.address, tmp_path, QUICK)
    asked(server)
    options = replace(QUICK, attachments=True)

    report = fetch(server.address, tmp_path, options)  # the site does not have the PDF yet
    assert asked(server) == [*LISTS, path]
    assert [type(p) for p in report.failed[0].problems] == [errors.AnswerMissing]
    server.files[path] = b"<html>"
    assert [type(p) for p in fetch(server.address, tmp_path, options).failed[0].problems] == [errors.NotPdf]

    server.files[path] = b"%PDF-1.7 one"
    report = fetch(server.address, tmp_path, options)
    assert report.complete
    assert [m.attachments for m in report.meetings] == [1, 0, 0]
    assert {p.parent for p in find([tmp_path])[0]} <= {tmp_path}  # attachments are not ingested as minutes
    place = tmp_path / "attachments" / MARCH.id
    assert (place / "1-aarsplan-2024-hoering-docx-eeeeeeee.pdf").read_bytes() == b"%PDF-1.7 one"
    index = json.loads((place / "index.json").read_text(encoding="utf-8"))
    assert index["meeting"] == "boerne-og-ungeudvalget-2024-03-11-aaaaaaaa.json"
    assert [(a["item"], a["name"], a["file"]) for a in index["attachments"]] == [
        ("1", "../Årsplan 2024 (høring).docx", "1-aarsplan-2024-hoering-docx-eeeeeeee.pdf"),
        ("1", "Billede", None),
    ]
    asked(server)
    assert fetch(server.address, tmp_path, options).complete
    assert asked(server) == LISTS

    # Published anew without it: the PDF leaves the folder with the words that named it.
    server.meetings[0].released, server.meetings[0].body = "2025", MARCH.body
    fetch(server.address, tmp_path, options)
    assert list(place.glob("*.pdf")) == []
    assert list((tmp_path / ".replaced" / "attachments" / MARCH.id).glob("*.pdf"))


def test_attachments_elsewhere_are_not_asked_for(server: Replica, tmp_path: Path) -> None:
    bilag = ({"Id": "eeeeeeee-1", "Navn": "x", "Link": "https://example.com/x.pdf"},)
    server.meetings[0].body = site.answer(MARCH.id, MARCH.committee, MARCH.date, attachments=bilag)
    report = fetch(server.address, tmp_path, replace(QUICK, attachments=True))
    assert [type(p) for p in report.failed[0].problems] == [errors.RedirectElsewhere]
    assert statuses(report)["aaaa"] == "new"


# -- the folder and the arguments ---------------------------------------------------------------


def test_a_folder_belongs_to_one_site(server: Replica, tmp_path: Path) -> None:
    fetch(server.address, tmp_path, QUICK)
    with serving(fresh()) as other, pytest.raises(errors.FetchOtherSite, match=server.address):
        fetch(other.address, tmp_path, QUICK)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 9}', '{"version": 1, "site": "x", "meetings": {"a": {}}}']
)
def test_a_damaged_state_is_told(server: Replica, tmp_path: Path, text: str) -> None:
    (tmp_path / STATE).write_text(text)
    with pytest.raises(errors.FetchStateUnreadable, match=STATE):
        fetch(server.address, tmp_path, QUICK)


def test_two_do_not_fetch_to_one_folder(server: Replica, tmp_path: Path) -> None:
    with filelock.FileLock(tmp_path / LOCK):
        thread_error: list[BaseException] = []

        def other() -> None:
            try:
                fetch(server.address, tmp_path, QUICK)
            except BaseException as error:
                thread_error.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert [type(e) for e in thread_error] == [errors.FetchBusy]


def test_a_folder_that_cannot_be_written_is_told(server: Replica, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(errors.FetchFolderNotWritable):
        fetch(server.address, tmp_path / "out", QUICK)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("dagsordener.greve.dk", "https://dagsordener.greve.dk"),
        ("https://Dagsordener.Greve.dk/vis?id=3#x", "https://dagsordener.greve.dk"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("ftp://dagsordener.greve.dk", None),
        ("file:///etc/passwd", None),
        ("https://user:pw@dagsordener.greve.dk", None),
        ("https://", None),
        ("", None),
        ("http://[x", None),
        ("to ord", None),
    ],
)
def test_reads_the_address_of_a_site(given: str, origin: str | None) -> None:
    if origin is None:
        with pytest.raises(errors.BadSite):
            site_origin(given)
    else:
        assert site_origin(given) == origin


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Økonomi-, Erhvervs- & Vækstudvalget", "oekonomi-erhvervs-vaekstudvalget"),
        ("../..", "x"),
        ("Á" * 99, "a" * 60),
        ("", "x"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert slug(name) == safe


# -- the command --------------------------------------------------------------------------------


def run(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from askamu.cli import main; main()", "fetch", *map(str, args)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_command_shows_a_table_and_names_what_failed(server: Replica, tmp_path: Path) -> None:
    server.fail(JUNE, site.status(404))
    done = run(server.address, "--out", tmp_path, "--pause", "0", "--contact", "post@example.dk")
    assert done.returncode == 1, done.stderr
    assert "Byrådet" in done.stdout
    assert "I alt" in done.stdout
    assert "Børne- og Ungeudvalget 2024-06-10 (Referat, bbbbbbbb)" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    again = run(server.address, "--out", tmp_path, "--pause", "0", "--committee", "byrådet", "--json")
    assert again.returncode == 0
    assert "--contact" in again.stderr
    assert json.loads(again.stdout)["counts"]["unchanged"] == 1


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("ftp://x", "--out", "{tmp}"), 2, "ikke en adresse"),
        (("{site}", "--out", "{tmp}", "--committee", "Teknik"), 2, "Byrådet"),
        (("{site}", "--out", "{tmp}", "--from", "2024", "--to", "2023"), 2, "Perioden"),
        (("http://127.0.0.1:9", "--out", "{tmp}", "--lang", "en", "--contact", "ø"), 2, "can't be sent"),
    ],
)
def test_the_command_says_what_is_wrong(
    server: Replica, tmp_path: Path, args: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*(a.format(tmp=tmp_path, site=server.address) for a in args), "--pause", "0")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
