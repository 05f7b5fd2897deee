"""askamu ingest --watch: look at the paths now and then, and ingest when something in them has changed.

Modification time and size are polled rather than told by the system: that also works on network drives
and in containers, where such messages don't arrive.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from askamu.config import Settings
from askamu.embed import Embedder, Progress, silent
from askamu.errors import AskamuError
from askamu.ingest import IngestReport, choose_embedder, find, ingest
from askamu.loaders import attachments
from askamu.sidecar import find_sidecar

SETTLED_SECONDS = 1.0  # how long nothing may have changed before files are read

Signature = dict[Path, tuple[int, int]]  # file -> (modification time in ns, size)
Outcome = IngestReport | Exception


def watch(
    paths: Sequence[str | Path],
    settings: Settings,
    say: Callable[[Outcome], None],
    *,
    only: bool = False,
    interval: float = 5.0,
    progress: Progress = silent,
    embedder: Embedder | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Ingest now, and again after each change, for as long as nobody interrupts.

    What goes wrong in a round is said once and tried again in the next: a drive that is away comes back,
    another askamu gets done.

    Args:
        say: told what each ingest did, or why it failed.
        interval: seconds between two looks.

    Raises:
        PathMissing, EmbedderUnavailable, BadSetting: at the start, when it is still the caller's mistake.
    """
    find(paths)
    embedder = embedder or choose_embedder(settings)
    done: Signature | None = None
    said: str | None = None
    while True:
        try:
            seen = signature(paths)
            if seen != done:
                sleep(min(interval, SETTLED_SECONDS))
                if signature(paths) == seen:
                    say(ingest(paths, settings, only=only, progress=progress, embedder=embedder))
                    done, said = seen, None
                continue
        except Exception as error:
            # Also what nobody thought of: a watch that ends in the night is noticed too late.
            trouble = error.say(settings.lang) if isinstance(error, AskamuError) else repr(error)
            if trouble != said:
                say(error)
                said = trouble
        sleep(interval)


def signature(paths: Sequence[str | Path]) -> Signature:
    """What the files, their sidecars and attachments look like from outside; what is gone meanwhile is left out.

    Raises:
        PathMissing: if a path does not exist.
    """
    seen: Signature = {}
    for path in find(paths)[0]:
        attached = attachments.beside(path)
        for watched in (path, find_sidecar(path), attached and attached / attachments.INDEX):
            try:
                status = watched.stat() if watched else None
            except OSError:
                continue
            if watched and status:
                seen[watched] = (status.st_mtime_ns, status.st_size)
    return seen
