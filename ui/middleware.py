"""What stands in front of page and API: a cap on bodies, a limit per client, closed doors and security headers.

Pure ASGI, so that streams pass through untouched and no body is read twice.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from askamu.texts import LANGUAGES, text

BODY_LIMIT = 64 * 1024
BURST, PER_SECOND = 60.0, 5.0
MAX_CLIENTS = 20_000  # least recently seen clients are forgotten first

HEADERS = {
    # Gradio's own scripts and styles are inline; unsafe-eval stays out, which is why the page has no gr.HTML.
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
}

# Gradio's doors that this page does not use: uploads, files, proxying, monitoring, its API and its tools.
CLOSED = re.compile(
    r"^(?:/[a-z]{2})?/(?:gradio_api/)?(?:upload|upload_progress|monitoring|info|openapi\.json|proxy|file|component_server|"
    r"call|run|api|runs|run-history|vibe-edit|vibe-code|vibe-starter-queries|undo-vibe-edit|profiling|process_recording|"
    r"dev|deep_link|custom_component|startup-events|stream|login|login_check|token|user)(?:[/=]|$)"
)
# Our own routes, open whatever Gradio calls its own; what costs work is counted.
PAGES = "kilde|moede|passage|svar|beslutninger|sager|emner|velkommen|notat|indhold"
OURS = re.compile(rf"^/(?:(?:api|mcp)(?:/|$)|(?:{PAGES})(?:/|\.|$)|healthz$)")
COUNTED = re.compile(
    rf"^/(?:api/(?!openapi\.json)|mcp(?:/|$)|(?:{PAGES})(?:/|\.|$))|/gradio_api/(?:queue/join$|heartbeat/)"
)


class BodyTooLarge(Exception):
    """A body went over the limit while it was being read."""


class Bucket:
    """Tokens of one client: `burst` at most, `rate` new ones a second."""

    __slots__ = ("seen", "tokens")

    def __init__(self, burst: float, now: float) -> None:
        self.tokens, self.seen = burst, now

    def take(self, burst: float, rate: float, now: float) -> float:
        """Take one token; returns 0, or the seconds to wait for one."""
        self.tokens = min(burst, self.tokens + (now - self.seen) * rate)
        self.seen = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / rate


def problem(status: int, detail: str, kind: str, headers: Mapping[str, str] | None = None) -> tuple[Message, Message]:
    """The two ASGI messages of an application/problem+json answer."""
    titles = {404: "Not Found", 413: "Content Too Large", 429: "Too Many Requests", 500: "Internal Server Error"}
    body = json.dumps(
        {"type": f"urn:askamu:{kind}", "title": titles[status], "status": status, "detail": detail}, ensure_ascii=False
    ).encode()
    sent = {"content-type": "application/problem+json", "content-length": str(len(body)), **(headers or {})}
    start = [(k.encode(), v.encode()) for k, v in sent.items()]
    return {"type": "http.response.start", "status": status, "headers": start}, {
        "type": "http.response.body",
        "body": body,
    }


def language_of(scope: Scope) -> str:
    """The language of the page a request belongs to."""
    query = scope.get("query_string", b"").decode("latin-1")
    asked = re.search(r"(?:^|&)lang=(\w\w)(?:&|$)", query)
    if asked and asked[1] in LANGUAGES:
        return asked[1]
    first = scope["path"].split("/")[1] if "/" in scope["path"] else ""
    return first if first in LANGUAGES else own_language(scope)


def own_language(scope: Scope) -> str:
    """The language that the operator chose, as the guard has noted it."""
    return str(scope.get("askamu.language", "da"))


class Guard:
    """The middleware: refuse what is too large, too often or not ours, and put headers on the rest."""

    def __init__(
        self,
        app: ASGIApp,
        body_limit: int = BODY_LIMIT,
        burst: float = BURST,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
        language: str = "da",
        frame_ancestors: Sequence[str] = (),
    ) -> None:
        self.language, self.frame_ancestors = language, " ".join(frame_ancestors)
        self.app, self.body_limit, self.burst, self.per_second, self.clock = app, body_limit, burst, per_second, clock
        self.buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # Gradio does not use them, and neither do we
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["askamu.language"] = self.language
        refused = self.refusal(scope)
        answer = with_headers(send, self.frame_ancestors, private=bool(COUNTED.search(scope["path"])))
        if refused:
            for message in refused:
                await answer(message)
            return
        await self.pass_on(scope, receive, answer)

    def refusal(self, scope: Scope) -> tuple[Message, Message] | None:
        """The answer to a request that is turned away before anybody reads it."""
        path, language = scope["path"], language_of(scope)
        if not OURS.match(path) and CLOSED.search(path):
            return problem(404, text("api.not_found", language), "api.not_found")
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.body_limit:
            return self.too_large(scope)
        if COUNTED.search(path) and (wait := self.wait(scope)):
            seconds = math.ceil(wait)
            detail = text("api.too_many", language, seconds=seconds)
            return problem(429, detail, "api.too_many", {"retry-after": str(seconds)})
        return None

    def too_large(self, scope: Scope) -> tuple[Message, Message]:
        detail = text("api.body_too_large", language_of(scope), limit=self.body_limit // 1024)
        return problem(413, detail, "api.body_too_large", {"connection": "close"})

    def wait(self, scope: Scope) -> float:
        """Seconds this client has to wait; 0 when it may go on."""
        client = (scope.get("client") or ("?", 0))[0]
        now = self.clock()
        bucket = self.buckets.pop(client, None) or Bucket(self.burst, now)
        self.buckets[client] = bucket
        if len(self.buckets) > MAX_CLIENTS:
            self.buckets.popitem(last=False)
        return bucket.take(self.burst, self.per_second, now)

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with a body that is counted as it comes, chunked or not."""
        read = 0
        started = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self.body_limit:
                    raise BodyTooLarge
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            # an app that catches our exception answers 400 or 500 itself: the honest answer is 413
            if read > self.body_limit and not started:
                raise BodyTooLarge
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noting)
        except BodyTooLarge:
            if not started:
                for message in self.too_large(scope):
                    await send(message)


def with_headers(send: Send, frame_ancestors: str = "", *, private: bool) -> Send:
    """A `send` that adds the security headers, keeps answers out of caches, and lets the named sites frame us."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)  # our own pages bring a stricter policy
            if frame_ancestors:
                policy = headers["content-security-policy"]
                allowed = f"frame-ancestors {frame_ancestors}"
                headers["content-security-policy"] = policy.replace("frame-ancestors 'none'", allowed)
                del headers["x-frame-options"]
            if private:
                headers["cache-control"] = "no-store"
            if "server" in headers:
                del headers["server"]
        await send(message)

    return sending


class PageLanguage:
    """Give Gradio's HTML the right language and take the addresses of others out of its head.

    Gradio prints `<html lang="en">` whatever the page speaks, and names two outside addresses in meta
    tags. Only the pages' own HTML (small, one body) is rewritten. `?lang=` leads to the other page.
    """

    def __init__(self, app: ASGIApp, paths: Mapping[str, str]) -> None:
        self.app, self.paths = app, dict(paths)
        self.language = {path.rstrip("/") or "/": language for language, path in self.paths.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        language = self.language.get(path.rstrip("/") or "/")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or language is None:
            await self.app(scope, receive, send)
            return
        asked = language_of(scope) if b"lang=" in scope["query_string"] else language
        if asked != language:
            where = [(b"location", self.paths[asked].encode())]
            await send({"type": "http.response.start", "status": 307, "headers": where})
            await send({"type": "http.response.body"})
            return
        plain = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, rewriting(send, language))


def rewriting(send: Send, language: str) -> Send:
    """A `send` that holds an HTML page back until it is whole, and rewrites it."""
    start: Message = {}
    parts: list[bytes] = []

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(parts)
        headers = MutableHeaders(scope=start)
        if headers.get("content-type", "").startswith("text/html") and body:
            body = in_language(body.decode(), language).encode()
            headers["content-length"] = str(len(body))
            headers["content-language"] = language
        await send(start)
        await send({"type": "http.response.body", "body": body})

    return sending


def in_language(html: str, language: str) -> str:
    """Gradio's page with its language set and without meta tags that name other sites."""
    html = re.sub(r'(<html\b[^>]*?\blang=")en(")', rf"\g<1>{language}\g<2>", html, count=1)
    return re.sub(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*', "", html)


class NothingThere:
    """A person who follows an address that leads nowhere gets a page that says so, and not Gradio's JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self.app(scope, receive, send)
            return
        replaced, app = False, scope.get("app")

        async def sending(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == 404:
                replaced = "json" in Headers(raw=message["headers"]).get("content-type", "")
            if not replaced:
                await send(message)

        await self.app(scope, receive, sending)
        if replaced:
            from askamu.ui import render  # which reads the language from here

            said = text("api.not_found", language_of(scope))
            ours = {**scope, "app": app}  # Gradio puts itself there
            await render.notice(Request(ours, receive), said)(ours, receive, send)
