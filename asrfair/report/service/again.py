"""The commands that repeat a run, from what `run.json` recorded of it.

Paths stay out of what is published: the manifest, the run folders and files of transcripts are named by what they are.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asrfair.records import CLEAN

LEVENSHTEIN, COUNT = "levenshtein", "count"
REGRESSION = "0.01"
"""The limit of the gate that is shown: a point of word error rate, an example."""

CONFIRMATORY, SCREENING = "confirmatory", "screening"
"""The names that `--confirm` and `--screening` give their families."""


def commands(run: Mapping[str, Any], k: int | None) -> list[str]:
    """One command a line, in the order of typing; none where nothing was run.

    Args:
        run: the contents of `run.json`.
        k: speakers that a group needs to be published.
    """
    if not run.get("cells"):
        return []
    elsewhere = [s["system_id"] for s in run.get("systems") or [] if s.get("engine") == "precomputed"]
    score = ["score", "NEW", *_normalizers(run)]
    lines = []
    if len(elsewhere) < len(run.get("systems") or []):
        lines.append(["transcribe", "MANIFEST", *_systems(run), *_conditions(run), *_sample(run), "--out", "NEW"])
    else:
        files = [part for name in elsewhere for part in ("--hypotheses", f"{name}=TRANSCRIPTS")]
        score = ["score", "MANIFEST", *files, "--out", "NEW", *_normalizers(run)]
    lines += [score, ["analyze", "NEW", *_analysis(run.get("config") or {})]]
    lines += [["report", "NEW", *(["--k", str(k)] if k is not None else []), "--card", "card.toml"]]
    names = [system["system_id"] for system in run.get("systems") or []]
    of = [f":{name}" for name in names] if len(names) > 1 else [""]
    lines += [["compare", f"RUN{name}", f"NEW{name}"] for name in of]
    lines += [["gate", "NEW", "--against", "RUN", "--max-regression", REGRESSION]]
    return [f"asrfair {' '.join(map(_word, line))}" for line in lines]


def remarks(run: Mapping[str, Any]) -> list[str]:
    """What the commands cannot say."""
    config, found = run.get("config") or {}, []
    if not run.get("cells"):
        found.append("Nothing was run, so that there is nothing to repeat.")
    if any(family["name"] not in (CONFIRMATORY, SCREENING) for family in config.get("families") or ()):
        found.append(
            "Families were declared in a configuration file: asrfair run CONFIG.toml repeats the run with them."
        )
    if config.get("deep"):
        found.append("A list of terms, if one was given with --terms, has to be given again.")
    asked = config.get("systems") or {}
    unknown = [s["system_id"] for s in run.get("systems") or [] if s["system_id"] not in asked and not _is_file(s)]
    if unknown:
        found.append("The options of the engines are those of the signature below.")
    return found


def _is_file(system: Mapping[str, Any]) -> bool:
    """Whether a system is a file of transcripts."""
    return system.get("engine") == "precomputed"


def _word(text: str) -> str:
    """A word that a shell takes as it is, on one line."""
    return shlex.quote(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _systems(run: Mapping[str, Any]) -> Iterator[str]:
    """`--system` for each, with the options that it was asked with."""
    asked: Mapping[str, Mapping[str, Any]] = (run.get("config") or {}).get("systems") or {}
    for system in run["systems"]:
        name = system["system_id"]
        options = {"file": "TRANSCRIPTS"} if _is_file(system) else asked.get(name) or {}
        parts = [f"{key}={value}" for key, value in sorted(options.items())]
        yield from ("--system", ",".join([str(system.get("engine") or system["name"]), f"id={name}", *parts]))


def _conditions(run: Mapping[str, Any]) -> list[str]:
    """`--condition` for each; clean alone is what is heard anyway."""
    names = [entry["condition_id"] for entry in run.get("conditions") or []]
    return [] if names in ([], [CLEAN]) else [part for name in names for part in ("--condition", name)]


def _sample(run: Mapping[str, Any]) -> list[str]:
    """The seed, the size of the sample, and what was heard besides."""
    limit = ["--limit", str(run["limit"])] if run.get("limit") else []
    config = run.get("config") or {}
    probes = ["--probes", str(config["probes"])] if config.get("probes") else []
    repeats = ["--repeats", str(config["repeats"])] if (config.get("repeats") or 1) > 1 else []
    return [*limit, "--seed", str(run.get("seed") or 0), *probes, *repeats]


def _normalizers(run: Mapping[str, Any]) -> list[str]:
    """The normalisers, the headline first, and how errors are counted."""
    names = [part for entry in run.get("normalizers") or [] for part in ("--normalizer", entry["name"])]
    costs = run.get("costs") or LEVENSHTEIN
    return [*names, *(["--costs", costs] if costs != LEVENSHTEIN else [])]


def _analysis(config: Mapping[str, Any]) -> Iterator[str]:
    """The options of the analysis that differ from what they are anyway."""
    yield from _each("--by", config.get("by") or ())
    yield from _each("--baseline", [f"{name}={group}" for name, group in (config.get("baselines") or {}).items()])
    yield from _each("--adjust", config.get("adjust") or ())
    for family in config.get("families") or ():
        if family["name"] == CONFIRMATORY:
            yield from _each("--confirm", family.get("attributes") or ())
        elif family["name"] == SCREENING:
            yield from ("--screening", family["method"])
    yield from (["--deep"] if config.get("deep") else [])
    if config.get("empty_ref", COUNT) != COUNT:
        yield from ("--empty-ref", str(config["empty_ref"]))
    for name in ("design_effect", "threshold"):
        if config.get(name) is not None:
            yield from (f"--{name.replace('_', '-')}", f"{config[name]:g}")
    yield from _each("--real", config.get("real") or ())


def _each(option: str, values: Sequence[str]) -> list[str]:
    """An option for each value."""
    return [part for value in values for part in (option, str(value))]
