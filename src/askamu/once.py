"""What is worked out of a whole library is kept for as long as that library answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from askamu.library import Library

T = TypeVar("T")
_lock = threading.RLock()


def per_generation(make: Callable[..., T]) -> Callable[..., T]:
    """Make it once for each library and further arguments (hashable): a new generation is opened as a new library."""

    @wraps(make)
    def kept(library: Library, *rest: Any) -> T:
        made = vars(library).setdefault("_made", {})
        key = (make.__module__, make.__name__, *rest)
        with _lock:
            if key not in made:
                made[key] = make(library, *rest)
            found: T = made[key]
            return found

    return kept
