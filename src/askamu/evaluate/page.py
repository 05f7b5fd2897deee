"""An evaluation -> one page of HTML: the figures, and each miss with what was found instead, for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from askamu import texts
from askamu.bootstrap import Difference, Mean
from askamu.evaluate.figures import Figures
from askamu.evaluate.gold import GoldQuestion
from askamu.evaluate.llm import ModelFigures, rows
from askamu.evaluate.score import Scored
from askamu.html import escape, page
from askamu.passage import Answer

RANKED = 8  # items of the ranking that are shown
GROUPED = ("hit@1", "hit@5", "full_answer", "citation_precision", "citation_recall", "answered", "abstained")


def report(
    questions: Sequence[GoldQuestion],
    scores: Sequence[Scored],
    found: Figures,
    changed: Mapping[str, Difference],
    language: str,
    llm: ModelFigures | None = None,
) -> str:
    """The page.

    Args:
        changed: what changed since another run, if there is one.
        llm: of a language model, if one was asked.
    """
    return _Page(language).page(questions, scores, found, changed, llm)


class _Page:
    def __init__(self, language: str) -> None:
        self.language = language

    def t(self, key: str, **values: object) -> str:
        return escape(texts.text(f"eval.{key}", self.language, **values))

    def page(
        self,
        questions: Sequence[GoldQuestion],
        scores: Sequence[Scored],
        found: Figures,
        changed: Mapping[str, Difference],
        llm: ModelFigures | None,
    ) -> str:
        missed = [(q, s) for q, s in zip(questions, scores, strict=True) if s.misses]
        parts = [
            f"<p>{self.t('counted', questions=found.questions, missed=len(missed))}</p>",
            f'<p class="soft">{self.t("interval")}</p>',
            self._figures(found, changed),
            *([self._model(llm)] if llm else []),
            *(self._groups(name, groups) for name, groups in found.groups.items()),
            f"<h2>{self.t('misses', n=len(missed))}</h2>",
            *(self._miss(q, s) for q, s in missed),
        ]
        return page(self.t("page_title"), self.language, parts, _STYLE)

    def _figures(self, found: Figures, changed: Mapping[str, Difference]) -> str:
        heads = [self.t("metric"), self.t("mean"), "n"] + ([self.t("change")] if changed else [])
        rows = []
        for name, value in found.metrics.items():
            cells = [self._mean(value), str(value.n)]
            if changed:
                cells.append(self._change(changed[name]) if name in changed else "–")
            rows.append((escape(name), cells))
        a = found.abstention
        said = self.t(
            "abstention", precision=self._number(a.precision), recall=self._number(a.recall), f1=self._number(a.f1),
            said=a.said, due=a.due,
        )  # fmt: skip
        took = self.t("latency", median=round(found.latency_ms[0]), slow=round(found.latency_ms[1]))
        return self._table(self.t("figures"), heads, rows) + f"<p>{said}</p><p>{took}</p>"

    def _model(self, llm: ModelFigures) -> str:
        told = [(escape(name), [escape(value)]) for name, value in rows(llm, self.language)]
        return self._table(self.t("llm_title", model=llm.model), [self.t("metric"), self.t("figures")], told)

    def _groups(self, name: str, groups: Mapping[str, Mapping[str, Mean]]) -> str:
        shown = [m for m in GROUPED if any(m in metrics for metrics in groups.values())]
        rows = [
            (escape(value), [f"{self._number(m[s].mean)} ({m[s].n})" if s in m else "–" for s in shown])
            for value, m in groups.items()
        ]
        return self._table(self.t(f"by_{name}"), [self.t(name), *map(escape, shown)], rows)

    def _miss(self, question: GoldQuestion, scored: Scored) -> str:
        reasons = " ".join(f'<strong class="flag">{self.t(f"miss_{m}")}</strong>' for m in scored.misses)
        gold = ", ".join(f"{escape(g.doc)} {escape(g.item)}" for g in question.gold) or "–"
        facts = [
            (self.t("type"), escape(question.type)),
            (self.t("gold"), gold),
            *([(self.t("lacking"), escape("; ".join(scored.lacks)))] if scored.lacks else []),
            *([(self.t("why"), escape(question.why))] if question.why else []),
        ]
        described = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts)
        turns = "".join(f"<p class='soft'>{escape(t.role)}: {escape(t.content)}</p>" for t in question.history)
        answer = self._answer(question, scored.answer) if scored.answer else ""
        return (
            f'<article class="miss"><h3><span class="soft">{escape(question.id)}</span> '
            f"{escape(question.question)}</h3>{turns}<p>{reasons}</p><dl>{described}</dl>{answer}</article>"
        )

    def _answer(self, question: GoldQuestion, answer: Answer) -> str:
        quotes = "".join(
            f'<li><span class="soft">[{c.n}] {escape(c.source)} {escape(c.item)}</span> {escape(c.quote)}</li>'
            for c in answer.citations
        )
        best: dict[tuple[str, str], float] = {}
        for r in answer.retrieved:
            best.setdefault((r.source, r.item), r.score)
        ranked = "".join(
            f"<li>{self._mark(question, *place)} {escape(place[0])} {escape(place[1])} "
            f'<span class="soft">{self._number(value)}</span></li>'
            for place, value in list(best.items())[:RANKED]
        )
        return (
            f"<p>{self.t('answered_as', tier=answer.tier.value, kind=answer.kind.value)}</p>"
            f"<blockquote>{escape(answer.text)}</blockquote><ul>{quotes}</ul>"
            f"<details><summary>{self.t('ranking')}</summary><ol>{ranked}</ol></details>"
        )

    def _mark(self, question: GoldQuestion, source: str, item: str) -> str:
        right = any(g.is_at(source, item) for g in question.gold)
        return f'<span class="mark">{self.t("right")}</span>' if right else ""

    def _table(self, caption: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
        top = "".join(f'<th scope="col">{h}</th>' for h in heads)
        body = "\n".join(
            f'<tr><th scope="row">{name}</th>{"".join(f"<td>{c}</td>" for c in cells)}</tr>' for name, cells in rows
        )
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
            f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def _mean(self, value: Mean) -> str:
        return f"{self._number(value.mean)} [{self._number(value.low)}; {self._number(value.high)}]"

    def _change(self, d: Difference) -> str:
        shown = f"{self._number(d.gain, '+')} [{self._number(d.low, '+')}; {self._number(d.high, '+')}]"
        return f"<strong>{shown}</strong>" if d.low > 0 or d.high < 0 else shown

    def _number(self, value: float, sign: str = "") -> str:
        said = f"{value:{sign}.3f}"
        return said.replace(".", ",") if self.language == "da" else said


_STYLE = """
td{font-variant-numeric:tabular-nums}
.miss{border-top:1px solid var(--line);padding:.6rem 0;max-width:60rem}
.miss h3{margin:.25rem 0}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:.25rem 1.5rem;margin:.5rem 0}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0}
blockquote{border-left:3px solid var(--line);padding-left:.75rem}
"""
