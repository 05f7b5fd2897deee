"""What the OpenAPI document promises, every route keeps: random requests against a real index, in the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the page needs gradio: pip install -e .")
pytest.importorskip("schemathesis", reason="needs Schemathesis: pip install -e '.[dev]'")

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from askamu.config import Settings
from askamu.ui import server

SEEDS = Path(__file__).parents[1] / "seeds"


def too_large_or_refused(ctx: Any, response: Any, case: Any) -> Any:
    """Wrong data is refused; that there is too much of it is also a reason."""
    return None if response.status_code == 413 else negative_data_rejection(ctx, response, case)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The OpenAPI document of a server over two of the seeds, which counts no requests."""
    from askamu.ingest import ingest

    chosen = Settings(index=tmp_path_factory.mktemp("contract") / "index", embedder="keywords")
    ingest([SEEDS / "bakkerup-biu-2024-02.txt", SEEDS / "fjordlev-amu-2024-03.txt"], chosen)
    app = server.create_app(chosen)
    for middleware in app.user_middleware:
        if middleware.cls is server.Guard:
            middleware.kwargs["burst"] = 1e9
    return schemathesis.openapi.from_asgi("/api/openapi.json", app)


CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, too_large_or_refused,
]  # fmt: skip


def keeps(contract: Any, examples: int, *, same: bool) -> None:
    """Random requests, good and bad ones, to every operation; the same ones each time, or others."""
    for found in contract.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=same,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                case.call_and_validate(checks=CHECKS)

            try:
                check()
            except Unsatisfiable:  # no request of this kind is wrong
                assert mode is GenerationMode.NEGATIVE, operation.label


def test_every_route_keeps_its_contract(contract: Any) -> None:
    keeps(contract, 8, same=True)


@pytest.mark.large
def test_every_route_keeps_its_contract_at_length(contract: Any) -> None:
    keeps(contract, 100, same=False)
