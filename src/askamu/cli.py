"""The command line. Results go to stdout, progress and notices to stderr.

Imports that take time (Chroma, Gradio, the embedder) stand inside the commands that need them, so that
`askamu --help` answers at once.
"""

from __future__ import annotations

import os
import sys

from askamu.commands import DONE, app, ask, collect, language_asked, look, measure
from askamu.errors import AskamuError
from askamu.privacy import no_telemetry

__all__ = ["app", "ask", "collect", "look", "main", "measure"]  # the modules register their commands


def main() -> None:
    """Run the command line: the one place where an explainable error becomes a sentence and an exit code."""
    no_telemetry()
    try:
        app()
    except AskamuError as error:
        print(error.say(language_asked()), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(DONE) from None
