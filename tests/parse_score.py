"""How well a parse agrees with an outline that a person has read (NAME.expected.json)."""

from __future__ import annotations

from typing import Any

CORE = {"case", "recommendation", "decision"}


def differences(expected: dict[str, Any], parsed: dict[str, Any], *, outcomes: bool = True) -> list[str]:
    """What a parse record has otherwise than the outline; empty where they agree."""
    found = [
        f"{key}: {parsed[key]!r}, expected {expected[key]!r}"
        for key in ("municipality", "committee", "date", "attendees", "absent")
        if key in expected and _plain(parsed[key]) != _plain(expected[key])
    ]
    if len(parsed["items"]) != len(expected["items"]):
        numbers = [i["number"] for i in parsed["items"]]
        return [*found, f"{len(parsed['items'])} items {numbers}, expected {len(expected['items'])}"]
    for want, have in zip(expected["items"], parsed["items"], strict=True):
        where = f"item {want['number']}"
        found += [
            f"{where}: {key} {have[key]!r}, expected {want[key]!r}"
            for key in ("number", "title", "case_number", "closed")
            if have[key] != want[key]
        ]
        kinds = {s["kind"] for s in have["sections"]}
        if kinds != set(want["sections"]):
            found.append(f"{where}: sections {sorted(kinds)}, expected {sorted(want['sections'])}")
        decision = have["decision"]
        text = " ".join(decision["text"].split()) if decision else None
        wanted = want["decision_contains"]
        if (wanted is None) != (text is None) or (wanted and text and " ".join(wanted.split()) not in text):
            found.append(f"{where}: decision {text!r}, expected {wanted!r}")
        if outcomes and want.get("outcomes") and decision and set(decision["outcomes"]) != set(want["outcomes"]):
            found.append(f"{where}: outcomes {decision['outcomes']}, expected {want['outcomes']} in {text!r}")
    return found


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value
