"""The card as Markdown: `card.md`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.report.card import Card
from asrfair.report.cells import AttributePart, CellPart, GroupRow
from asrfair.report.failures import ABOUT, HEADER, NOBODY, TITLE, completion
from asrfair.report.notes import notes
from asrfair.report.stress_text import is_stressed, opened, told_findings, wide_tables
from asrfair.report.wording import (
    NONE,
    VERDICTS,
    condition,
    count,
    interval,
    many,
    number,
    p_value,
    percent,
    percent_interval,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def escaped(text: object) -> str:
    r"""A text that Markdown (and the HTML in it) takes as it is.

    >>> escaped("<script>|*")
    '\\<script\\>\\|\\*'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def render_markdown(card: Card) -> str:
    """The whole card."""
    parts = [f"# {escaped(card.title)}", _overview(card), _items(card.headlines)]
    parts += ["## Mind", _items(card.warnings)] if card.warnings else []
    is_open, told = opened(card), told_findings(card)
    parts += ["## Findings", _items([f.text for f in told if f.condition_id in is_open])]
    under_noise = [f.text for f in told if f.condition_id not in is_open]
    parts += ["### Under noise", _items(under_noise)] if under_noise else []
    if is_stressed(card):
        for title, header, rows in wide_tables(card):
            parts += [f"## {escaped(title)}", _table([escaped(name) for name in header], rows)]
    for cell in sorted(card.cells, key=lambda cell: cell.condition_id not in is_open):
        parts += _cell(cell)
    for section in card.sections:
        parts += [f"## {escaped(section.title)}", escaped(section.about)]
        parts += [_items(section.sentences)] if section.sentences else []
        parts += [_table([escaped(name) for name in section.header], section.rows)] if section.rows else []
    parts += [f"## {TITLE}", *_failures(card)]
    parts += ["## Who is in the data", _coverage(card)]
    parts += ["## What was not tested", _items(card.not_tested)]
    parts += ["## What the words mean", _items(_meanings(card))]
    parts += ["## Signature of the numbers", _signature(card)]
    return "\n\n".join(parts) + "\n"


def _items(texts: Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {escaped(text)}" for text in texts) or "- nothing"


def _meanings(card: Card) -> list[str]:
    """The terms of the card, and the flags that occur on it."""
    flags = [f"Flag {flag}: {text}" for flag, text in card.flags.items()]
    return [*(f"{term}: {text}" for term, text in card.definitions.items()), *flags]


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; the first column to the left."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _overview(card: Card) -> str:
    """What was tested on what."""
    data = card.dataset
    size = f"{count(data.get('n_utterances') or 0, 'utterance')}, {count(data.get('n_speakers') or 0, 'speaker')}"
    facts = [
        f"Data: {_said(data, 'name')} {data.get('version') or ''} (language {_said(data, 'language')}), {size}",
        f"Licence: {_said(data, 'licence')}",
        f"How speakers were found: {_said(data, 'collection')}",
        f"What they agreed to: {_said(data, 'consent')}",
        f"Made: {card.made}",
    ]
    return _items([*([str(data["notes"])] if data.get("notes") else []), *facts])


def _said(data: Mapping[str, Any], key: str) -> str:
    """A fact of the manifest, or that it is silent."""
    return str(data.get(key) or "not stated")


def _cell(cell: CellPart) -> list[str]:
    """One system under one condition."""
    overall = cell.overall
    others = [name for name in overall.wer_by_normalizer if name != cell.normalizer]
    lines = [
        f"## {escaped(cell.system_id)}: {escaped(condition(cell.condition_id))}",
        f"Everybody: WER {percent(overall.wer)} % (95 % interval "
        f"{percent_interval(overall.wer_low, overall.wer_high)}), "
        f"speaker mean {percent(overall.wer_macro)} %, CER {percent(overall.cer)} %; "
        f"{many(overall.n_ref_words)} words, {many(overall.n_failed)} of "
        f"{many(overall.n_utterances)} utterances failed. "
        f"Normaliser {escaped(cell.normalizer)}; signature `{cell.signature}`.",
    ]
    for part in cell.attributes:
        lines += [f"### {escaped(part.attribute)}{_against(part)}", _part(part, others)]
    return lines


def _against(part: AttributePart) -> str:
    """What the groups are compared with."""
    return f", against {escaped(part.baseline)}" if part.baseline else ""


def _part(part: AttributePart, others: Sequence[str]) -> str:
    """The groups of one attribute."""
    header = ["group", "speakers", "utterances", "failed", "words", "WER %", "95 % interval", "speaker mean %", "CER %"]
    header += [f"WER % {escaped(name)}" for name in others]
    header += ["times", "95 % interval", "adjusted p", "verdict", "would take", "notes"]
    return _table(header, [_row(row, others) for row in part.groups])


def _row(row: GroupRow, others: Sequence[str]) -> list[str]:
    """One group."""
    compared = row.baseline is not None
    return [
        row.group,
        many(row.n_speakers),
        many(row.n_utterances),
        many(row.n_failed),
        many(row.n_ref_words),
        percent(row.wer),
        percent_interval(row.wer_low, row.wer_high),
        percent(row.wer_macro),
        percent(row.cer),
        *(percent(row.wer_by_normalizer.get(name)) for name in others),
        number(row.wer_ratio) if compared else "",
        interval(row.ratio_low, row.ratio_high) if compared else "",
        p_value(row.p_adjusted) if compared else "",
        VERDICTS.get(row.verdict or "", "not compared"),
        number(row.mde_ratio, 1) if row.verdict == "not shown" and row.mde_ratio is not None else "",
        "; ".join(notes(row)),
    ]


def _failures(card: Card) -> list[str]:
    """Who got no transcript, and what the kinds of failure mean."""
    if not card.failures:
        return [NOBODY]
    found = completion(card)
    told = [_items([f"{kind}: {meaning}" for kind, meaning in found.kinds.items()])] if found.kinds else []
    return [ABOUT, _table(HEADER, found.rows), *told]


def _coverage(card: Card) -> str:
    """Who is in the manifest."""
    rows = [
        [
            c["attribute"],
            c["group"],
            many(c["n_utterances"]),
            many(c["n_speakers"]),
            NONE if c["minutes"] is None else f"{c['minutes']:.1f}",
            many(c["words"]),
        ]
        for c in card.coverage
    ]
    return _table(["attribute", "group", "utterances", "speakers", "minutes", "words"], rows)


def _signature(card: Card) -> str:
    """What every number depends on."""
    signed = card.signature
    facts = [
        f"asrfair {signed['asrfair_version']}, run {signed['run_id']}, seed {signed['seed']}",
        f"counts by {signed['costs']}",
        f"published: groups of {signed['k_anonymity']} speakers or more",
        f"manifest {signed['manifest_digest']}",
        *(f"normaliser {n['name']}@{n['version']}, rules {n['digest']}" for n in signed["normalizers"]),
        *(
            f"system {s['system_id']}: {s['name']} {s['version']}, "
            + (
                ", ".join(f"{key}={value}" for key, value in (s.get("options") or {}).items() if value is not None)
                or "no options"
            )
            + (" (samples: not repeatable)" if s.get("deterministic") is False else "")
            for s in signed["systems"]
        ),
        *(
            f"condition {c['condition_id']}: {c.get('description') or 'audio as it is'}"
            + (f" (environment {c['environment_digest']}, seed {c['seed']})" if c.get("environment_digest") else "")
            for c in signed["conditions"]
        ),
        *(f"{cell.system_id}, {cell.condition_id}: signature {cell.signature}" for cell in card.cells),
    ]
    return _items(facts)
