"""A local replica of a FirstAgenda site, with faults on demand. It stands in for the real ones in the tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Fault = Callable[["Handler"], None]
COOKIE = "ASP.NET_SessionId=replica"


@dataclass
class Meeting:
    """One line of the list and the answer behind it."""

    id: str
    committee: str
    date: str  # ISO with zone
    kind: str = "Referat"
    released: str | None = "2024-01-01T12:00:00Z"
    body: bytes = b""
    supplement: bool = False

    def __post_init__(self) -> None:
        self.body = self.body or answer(self.id, self.committee, self.date)

    def listed(self) -> dict[str, Any]:
        return {
            "Id": self.id, "Dato": self.date, "MeetingEndUtc": None, "ReleasedDate": self.released, "Sted": "Rådhuset",
            "Afsluttet": True, "Navn": self.kind, "IsSupplementaryAgenda": self.supplement,
        }  # fmt: skip


def answer(
    id: str, committee: str, date: str, said: str = "Godkendt.", attachments: tuple[dict[str, Any], ...] = ()
) -> bytes:
    """What /api/agenda/dagsorden/ID says, with odd white space that has to survive."""
    item = {
        "Number": "1", "Navn": "Godkendelse af dagsorden", "CaseNumber": "21-014448", "Bilag": list(attachments),
        "Felter": [{"Navn": "", "Html": f"<h3>Beslutning</h3><span>{said}</span>", "Link": "/Vis/Pdf/bilag/felt", "DocumentId": "0" * 8}],
    }  # fmt: skip
    data = {"Dagsordenpunkter": [item], "Udvalg": {"Navn": committee}, "Moede": {"Dato": date}, "Id": id}
    return (json.dumps(data, ensure_ascii=False, indent=1).replace("\n", "\r\n") + "  \n").encode()


def greve(folder: Path) -> list[Meeting]:
    """The real meetings of Greve, listed as the site would."""
    meetings = []
    for path in sorted(folder.glob("*.json")):
        body = path.read_bytes()
        read = json.loads(body)
        meetings.append(Meeting(read["Id"], read["Udvalg"]["Navn"], read["Moede"]["Dato"], body=body))
    return meetings


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    replica: Replica

    def do_GET(self) -> None:
        replica = self.replica
        with replica.lock:
            replica.now += 1
            replica.most_at_once = max(replica.most_at_once, replica.now)
            replica.asked.append((self.path, time.monotonic(), dict(self.headers)))
        try:
            faults = replica.faults.get(self.path)
            if faults:
                faults.pop(0)(self)
            else:
                self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with replica.lock:
                replica.now -= 1

    def answer(self) -> None:
        path = self.path
        if path == "/":
            return self.reply(
                b"<!DOCTYPE html><title>Dagsordener</title>", "text/html", {"Set-Cookie": f"{COOKIE}; path=/"}
            )
        if self.headers.get("Cookie") != COOKIE:
            return self.reply(b"<h1>403</h1>", "text/html", status=403)
        if path == "/api/agenda/udvalgsliste":
            return self.reply(self.replica.list_answer())
        for m in self.replica.meetings:
            if path.lower() == f"/api/agenda/dagsorden/{m.id}".lower():
                return self.reply(m.body)
        if path in self.replica.files:
            return self.reply(self.replica.files[path], "application/pdf")
        return self.reply(b"<h1>404</h1>", "text/html", status=404)

    def reply(
        self,
        body: bytes,
        kind: str = "application/json; charset=utf-8",
        headers: dict[str, str] | None = None,
        status: int = 200,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Replica:
    meetings: list[Meeting]
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)  # path -> one for each of its next requests
    asked: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)
    now: int = 0
    most_at_once: int = 0
    address: str = ""
    lock: Any = field(default_factory=threading.Lock)

    def list_answer(self) -> bytes:
        committees: dict[str, list[dict[str, Any]]] = {}
        for m in self.meetings:
            committees.setdefault(m.committee, []).append(m.listed())
        period = [{"Id": f"udvalg-{name}", "Navn": name, "Moeder": entries} for name, entries in committees.items()]
        return json.dumps({"Udvalg": {"Udvalg 2022-2025": period}}, ensure_ascii=False).encode()

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def fail(self, meeting: Meeting | str, *faults: Fault) -> None:
        path = meeting if isinstance(meeting, str) else f"/api/agenda/dagsorden/{meeting.id}"
        self.faults[path] = list(faults)


@contextmanager
def serving(meetings: list[Meeting]) -> Iterator[Replica]:
    replica = Replica(meetings)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ReplicaHandler", (Handler,), {"replica": replica}))
    server.daemon_threads = True
    replica.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield replica
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- faults -------------------------------------------------------------------------------------


def status(code: int, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(b"<h1>Error</h1>", "text/html", named, code)


def sends(body: bytes, kind: str = "application/json") -> Fault:
    return lambda handler: handler.reply(body, kind)


def redirects(to: str) -> Fault:
    return lambda handler: handler.reply(b"", "text/html", {"Location": to}, 302)


def slow(seconds: float) -> Fault:
    def fault(handler: Handler) -> None:
        time.sleep(seconds)
        handler.answer()

    return fault


def cut_off(handler: Handler) -> None:
    """Promises more than it sends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    handler.wfile.write(b'{"Dagsordenpunkter": [')
    handler.wfile.flush()
    handler.close_connection = True


def endless(handler: Handler) -> None:
    """Never says how long it is, and never ends."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def crash(handler: Handler) -> None:
    """Closes the line without a word."""
    handler.close_connection = True
