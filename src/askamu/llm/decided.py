"""Whether what a sentence says was decided was, by this committee, and what it tells as a fact is no mere proposal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askamu.danish import fold
from askamu.decision import asked_for, outcomes_of
from askamu.llm import claims
from askamu.llm.claims import Act, is_year
from askamu.llm.evidence import Source, adopted_text, decision_of
from askamu.llm.wording import QUOTED, nearest
from askamu.minutes import Outcome, SectionKind

APPROVING = frozenset({Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE})
ADOPTING = frozenset({Outcome.APPROVED, Outcome.APPROVED_WITH_CHANGE, Outcome.NOTED, Outcome.DISCUSSED})
OPEN_SECTIONS = frozenset({SectionKind.RECOMMENDATION, SectionKind.THEME, SectionKind.ASSESSMENT})
HEDGES = ("propose", "expect", "condition", "goal", "judge", "plan")


def decisions_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether what is said to be decided was decided: by this committee, with this outcome, and finally."""
    acts = claims.read_acts(QUOTED.sub(" ", said))
    deciding = [s for s in sources if decision_of(s) is not None]
    if claims.compiled("hedges", "announces").search(said) and not deciding:
        return False
    whole = " ".join(said.split()).strip(" .").casefold()
    if not acts or any(whole in " ".join(s.text.split()).casefold() for s in deciding):
        return True  # nothing of the kind, or the decision's own words
    if acts[0].outcome is Outcome.RECOMMENDED:
        acts = [a for a in acts if a.outcome is Outcome.RECOMMENDED]  # what was recommended is no act yet
    items = {s.evidence.place for s in deciding}
    others = [s for s in sources if decision_of(s) is None]
    if deciding:
        if any(a.outcome is Outcome.APPROVED for a in acts) and not adopted(said, deciding, others):
            return False
        if any(s.evidence.section.kind is SectionKind.RECOMMENDATION and s.evidence.place not in items for s in others):
            return False  # another item's recommendation
        return all(any(_decided(act, acts, s) for s in deciding) or _told_so(act, said, others) for act in acts)
    if acts[0].outcome is Outcome.RECOMMENDED:
        return _recommends(said, others)
    return all(_told_so(act, said, others) for act in acts)


def adopted(said: str, deciding: Sequence[Source], others: Sequence[Source]) -> bool:
    """Whether what is told as adopted is among the points that the cited decisions adopt, and as they adopt it."""
    for source in deciding:
        decision = decision_of(source)
        if decision is None:
            continue
        points = [s for s in others if s.evidence.section.kind is SectionKind.RECOMMENDATION]
        points = [s for s in points if s.evidence.place == source.evidence.place]
        if decision.adopts and any(
            not any(p.start < s.spans[-1].end and s.spans[-1].start < p.end for p in decision.adopts) for s in points
        ):
            return False
        if Outcome.APPROVED_WITH_CHANGE in decision.outcomes:
            changed = {f.absolute for s in deciding for f in claims.read_figures(s.text) if not is_year(f)}
            told = {f.absolute for f in claims.read_figures(said) if not is_year(f)}
            if changed and told - changed:
                return False
    wish = claims.compiled("hedges", "plan")
    wished = all(wish.search(s.text) and not set(outcomes_of(s.text)) & APPROVING for s in deciding)
    return not wished or bool(wish.search(said))


def _decided(act: Act, acts: Sequence[Act], source: Source) -> bool:
    """Whether a decision has an outcome.

    Args:
        acts: all that the sentence says was decided.
    """
    decision = decision_of(source)
    if decision is None:
        return False
    own = outcomes_of(source.text)
    stated = set(own) & set(decision.outcomes) or set(decision.outcomes)
    told = claims.read_acts(source.text)
    if (
        told
        and told[0].outcome is not Outcome.RECOMMENDED
        and act.outcome not in (Outcome.APPROVED, Outcome.RECOMMENDED)
    ):
        stated |= {a.outcome for a in told}  # in its own words, as of an addition
    asked = {o for point in adopted_text(source) for o in asked_for(point)}
    match act.outcome:
        case Outcome.APPROVED:
            if stated & APPROVING:
                return decision.final
            # »besluttede at tage til efterretning«: deciding says no more than the outcome beside it
            milder = {a.outcome for a in acts} & {Outcome.NOTED, Outcome.DISCUSSED}
            return decision.final and bool(stated & milder)
        case Outcome.NOTED | Outcome.DISCUSSED:
            return act.outcome in stated or (act.outcome in asked and bool(stated & ADOPTING))
        case Outcome.REJECTED:
            return Outcome.REJECTED in stated
        case _:
            return act.outcome in stated


def _told_so(act: Act, said: str, sources: Sequence[Source]) -> bool:
    """Whether a source outside decisions tells of the same act by the same body."""
    mine = {fold(b).removesuffix("s") for b in claims.bodies(said)}
    of_own = bool(re.search(r"\b(?:udvalg(?:et|ets)?|committee)\b", said, re.IGNORECASE))
    for source in sources:
        if source.evidence.section.kind in OPEN_SECTIONS and act.past and act.outcome is not Outcome.RECOMMENDED:
            theirs_past = [a for a in claims.read_acts(source.text) if a.past and a.outcome is act.outcome]
            if not theirs_past or claims.compiled("hedges", "propose").search(source.text):
                continue
        acts = claims.read_acts(source.text)
        quoted = outcomes_of(source.text) if source.evidence.section.kind is SectionKind.HISTORY else ()
        alike = any(a.outcome is act.outcome and (a.past or not act.past) for a in acts)
        if not alike and act.outcome not in quoted:
            continue
        bodies = {fold(b).removesuffix("s") for b in claims.bodies(f"{source.text} {source.heading}")}
        if mine and not mine & bodies:
            continue
        if of_own and not mine and not re.search(r"\b(?:udvalg(?:et|ets)?)\b", source.text, re.IGNORECASE):
            continue
        if not mine and not of_own and bodies:
            continue  # whose act it was is left out
        return True
    return False


def _recommends(said: str, sources: Sequence[Source]) -> bool:
    """Whether a recommendation is not put into the committee's mouth, and is one."""
    by_committee = re.search(
        r"^\W*(?:\w+\s+){0,3}?(?:udvalget|committee)\s+(?:\w+\s+){0,2}?(?:anbefal|indstil|recommend)",
        said,
        re.IGNORECASE,
    )
    for source in sources:
        if by_committee and not re.search(r"udvalget\s+(?:\w+\s+){0,2}(?:anbefal|indstil)", source.text, re.IGNORECASE):
            continue
        if source.evidence.section.kind is SectionKind.RECOMMENDATION or claims.compiled("hedges", "propose").search(
            source.text
        ):
            return True
    return False


def proposals_hold(said: str, sources: Sequence[Source]) -> bool:
    """Whether what is proposed, expected or conditional in the sources is told as that."""
    deciding = {s.evidence.place for s in sources if (d := decision_of(s)) and d.final and set(d.outcomes) & ADOPTING}
    proposed = claims.compiled("hedges", "propose").search(said)
    refused = any(a.outcome not in ADOPTING for a in claims.read_acts(said))
    for source in sources:
        if source.evidence.section.kind is not SectionKind.RECOMMENDATION:
            continue
        if source.evidence.place not in deciding and not proposed and not refused:
            return False
    mine = nearest(said, sources)
    if mine is None or decision_of(mine) is not None or mine.evidence.section.kind is SectionKind.RECOMMENDATION:
        return True
    told_as_one = {kind: bool(claims.compiled("hedges", kind).search(said)) for kind in HEDGES}
    for kind in HEDGES:
        hedge = claims.compiled("hedges", kind)
        if (
            all(hedge.search(s.text) for s in sources)
            and not any(told_as_one.values())
            and _scoped(hedge, mine.text, said)
        ):
            return False
    return True


def _scoped(hedge: re.Pattern[str], theirs: str, said: str) -> bool:
    """Whether what stands behind a hedge in a source is what is said."""
    hedged = [part for part in re.split(r"(?<=[.!?])\s+(?=[A-ZÆØÅ])", theirs) if hedge.search(part)]
    behind = {w for part in hedged for w in claims.content(hedge.split(part, maxsplit=1)[-1])}
    return bool(behind) and len(behind & set(claims.content(said))) >= 0.4 * min(len(behind), 8)
