"""A made-up run of the last mile, every table worked out from one formula, so that all of them say the same.

The rate of a group at a level is `floor + (top - floor) / (1 + exp(slope (level - middle)))`: at its middle a group is
half-way from what it meets in clean audio to where the system breaks down. Intervals are of a fixed relative width.
"""

import math

import pyarrow as pa
from report_tables import gap, group, run_record

from asrfair.report.environments import rooms
from asrfair.tables import DISPARITIES, GROUPS, SCHEMAS

ACCENTS = {
    # group: speakers, rate in clean audio, middle in dB against the US one
    "US": (24, 0.062, 0.0),
    "Irish": (18, 0.071, 0.6),
    "Scottish": (16, 0.108, 2.1),
    "Indian": (21, 0.094, 2.6),
    "Nigerian": (14, 0.117, 3.9),
    "Thai": (12, 0.143, 5.2),
    "Brazilian": (11, 0.101, 1.3),
    "Welsh": (7, 0.083, 1.0),
}
GENDERS = {"female": (63, 0.085, 0.8), "male": (60, 0.092, 1.1)}
ROOMS = {
    # name: unit, hardest, levels from easy to hard, the US middle
    "imaging-room": ("dB", "lowest", (20.0, 10.0, 5.0, 0.0), 1.0),
    "open-plan-office": ("dB", "lowest", (20.0, 10.0, 5.0, 0.0), 3.5),
    "lossy-call": ("%", "highest", (2.0, 5.0, 10.0, 20.0), 19.0),
}
DESCRIPTIONS = {
    "imaging-room": "Hum and pulses of an imaging machine in a room with hard walls.",
    "open-plan-office": "Keyboards, a fan and other people's talk.",
    "lossy-call": "A call over a network that loses packets.",
}
EVERYBODY = (123, 0.09, 1.7)


def rate(who, room, value):
    """The word error rate at a level, or in clean audio."""
    _, floor, worse = who
    if room is None:
        return floor
    _, hardest, _, middle = ROOMS[room]
    distance = (value - (middle + worse)) if hardest == "lowest" else (middle - 1.6 * worse - value) / 2.2
    return floor + (0.88 - floor) / (1 + math.exp(0.42 * distance))


def width(n):
    """Half the relative width of an interval of so many speakers."""
    return 1.1 / math.sqrt(n)


def condition_id(room, value):
    return "clean" if room is None else f"{room}@{value:g}{ROOMS[room][0]}"


PLACES = [(None, None), *((room, value) for room in ROOMS for value in ROOMS[room][2])]
ATTRIBUTES = {"accent": ACCENTS, "gender": GENDERS}
BASELINES = {"accent": "US", "gender": "male"}


def everyone(attributes=ATTRIBUTES):
    """(attribute, group, who) of every row."""
    return [("all", "all", EVERYBODY), *((a, g, who) for a, groups in attributes.items() for g, who in groups.items())]


def base(system, room=None, value=None):
    cell = {"system_id": system, "condition_id": condition_id(room, value), "normalizer": "minimal"}
    return cell | {"environment": room, "level": value}


def bounds(value, n, prefix=""):
    return {f"{prefix}low": value * math.exp(-width(n)), f"{prefix}high": value * math.exp(width(n))}


def groups_table(systems, attributes):
    rows = []
    for system in systems:
        for room, value in PLACES:
            for attribute, name, who in everyone(attributes):
                wer = rate(who, room, value)
                row = group(attribute, name, wer=wer, n_speakers=who[0], words=who[0] * 310)
                row |= {"system_id": system, "condition_id": condition_id(room, value), **bounds(wer, who[0], "wer_")}
                few = who[0] < 10
                rows.append(row | {"flags": ["fragile"] * few + ["ceiling"] * (wer > 0.8)})
    return pa.Table.from_pylist(rows, schema=GROUPS)


def disparities_table(systems, attributes):
    rows = []
    for system in systems:
        for room, value in PLACES:
            for attribute, groups in attributes.items():
                against = groups[BASELINES[attribute]]
                for name, who in groups.items():
                    if name != BASELINES[attribute]:
                        ratio = rate(who, room, value) / rate(against, room, value)
                        shown = ratio > math.exp(width(who[0]))
                        row = gap(
                            attribute, name, baseline=BASELINES[attribute], ratio=ratio, p=0.004 if shown else 0.4
                        )
                        rows.append(row | {"system_id": system, "condition_id": condition_id(room, value)})
    return pa.Table.from_pylist(rows, schema=DISPARITIES)


def degraded(system, room, value, attribute, name, who):
    clean, wer, n = rate(who, None, None), rate(who, room, value), who[0]
    row = base(system, room, value) | {"attribute": attribute, "group": name, "n_pairs": n * 40, "n_speakers": n}
    row |= {"n_ref_words": n * 310, "clean_wer": clean, "wer": wer, "wer_difference": wer - clean, "df": n - 1.0}
    row |= {"difference_low": (wer - clean) * (1 - width(n)), "difference_high": (wer - clean) * (1 + width(n))}
    row |= {"wer_ratio": wer / clean, **bounds(wer / clean, n, "ratio_"), "p": 0.0004}
    return row | {"flags": ["ceiling"] if wer > 0.8 else []}


def compared(system, room, value, attribute, name, who, against):
    """One interaction, its verdict by the rule of METHODS section 6."""
    n = who[0]
    own, theirs = (rate(w, room, value) - rate(w, None, None) for w in (who, against))
    ratio = rate(who, room, value) / rate(who, None, None)
    ratio /= rate(against, room, value) / rate(against, None, None)
    row = base(system, room, value) | {"attribute": attribute, "group": name, "baseline": BASELINES[attribute]}
    difference, half = own - theirs, 0.015 + 0.4 * width(n) * (own + theirs)
    row |= {"absolute": difference, "absolute_low": difference - half, "absolute_high": difference + half}
    row |= {
        "ratio": ratio,
        "ratio_low": ratio * math.exp(-0.8 * width(n)),
        "ratio_high": ratio * math.exp(0.8 * width(n)),
    }
    absolute = 1 if row["absolute_low"] > 0 else -1 if row["absolute_high"] < 0 else 0
    relative = 1 if row["ratio_low"] > 1 else -1 if row["ratio_high"] < 1 else 0
    verdict = {(1, 1): "amplifies", (-1, -1): "narrows", (0, 0): "not shown"}.get(
        (absolute, relative), "scale-dependent"
    )
    ceiling = max(rate(who, room, value), rate(against, room, value)) > 0.8
    few = n < 10
    if ceiling or few:
        verdict = "cannot tell"
    p = None if verdict == "cannot tell" else 0.4 if verdict == "not shown" else 0.012
    row |= {
        "n_pairs": n * 40,
        "n_speakers": n,
        "absolute_p": p,
        "ratio_p": p,
        "p": p,
        "p_adjusted": p,
        "family": "room",
    }
    row |= {"verdict": verdict, "needed_speakers": 40 if p is None or p > 0.05 else None}
    return row | {"flags": ["ceiling"] * ceiling + ["few_speakers"] * few}


def level_where(who, room, wer):
    """The level at which a group meets a rate , by the formula; and where it lies if it is not tested."""
    _, floor, worse = who
    _, hardest, levels, middle = ROOMS[room]
    if not floor < wer < 0.88:
        return None, "at_most" if (wer >= 0.88) == (hardest == "lowest") else "at_least"
    distance = math.log((0.88 - floor) / (wer - floor) - 1) / 0.42
    value = distance + middle + worse if hardest == "lowest" else middle - 1.6 * worse - 2.2 * distance
    return (
        (value, "") if min(levels) <= value <= max(levels) else (None, "at_most" if value < min(levels) else "at_least")
    )


def curve_rows(system, attribute, name, who, against):
    """All measures of one group in every room."""
    n, rows = who[0], []
    for room, (_, hardest, levels, _) in ROOMS.items():
        sign = 1 if hardest == "lowest" else -1
        one = {"system_id": system, "environment": room, "normalizer": "minimal", "attribute": attribute, "group": name}
        one |= {"baseline": None, "at": None, "df": n - 1.0, "n_speakers": n, "censored": "", "flags": []}
        one |= dict.fromkeys(("value", "low", "high"))
        rows += [
            one | {"measure": "wer", "at": v, "value": rate(who, room, v), **bounds(rate(who, room, v), n)}
            for v in levels
        ]
        reached, beyond = level_where(who, room, 0.3)
        near = {} if reached is None else {"low": reached - 9 * width(n), "high": reached + 9 * width(n)}
        rows.append(one | {"measure": "level_at", "at": 0.3, "value": reached, "censored": beyond, **near})
        mean = sum(rate(who, room, v) for v in levels) / len(levels)
        rows.append(one | {"measure": "area", "value": mean, **bounds(mean, n)})
        hardest_rate = rate(who, room, levels[-1])
        rows.append(one | {"measure": "worst_case", "value": hardest_rate, **bounds(hardest_rate, n)})
        if against is not None:
            two = one | {"baseline": BASELINES[attribute]}
            theirs, _ = level_where(against, room, 0.3)
            if None not in (reached, theirs):
                more = sign * (reached - theirs)
                half = 6 * width(n)
                rows.append(
                    two
                    | {
                        "measure": "penalty",
                        "at": 0.3,
                        "value": more,
                        "low": more - half,
                        "high": more + half,
                    }
                )
            equals, beyond = level_where(against, room, who[1])
            near = {} if equals is None else {"low": equals - 9 * width(n), "high": equals + 9 * width(n)}
            rows.append(two | {"measure": "quiet_equals", "value": equals, "censored": beyond, **near})
            other = sum(rate(against, room, v) for v in levels) / len(levels)
            rows.append(two | {"measure": "area_ratio", "value": mean / other, **bounds(mean / other, n)})
            worst = hardest_rate / rate(against, room, levels[-1])
            rows.append(two | {"measure": "worst_case_ratio", "value": worst, **bounds(worst, n)})
    return rows


def moved(system, room, value, attribute, name, who, against):
    """One row of sensitivity: transcripts move a little more than errors rise."""
    far = 1.1 * (rate(who, room, value) - who[1])
    row = base(system, room, value) | {"attribute": attribute, "group": name, "n_pairs": who[0] * 40}
    del row["environment"], row["level"]
    row |= {"n_speakers": who[0], "sensitivity": far, **bounds(far, who[0]), "floor": 0.002, "flags": []}
    if against is None:
        return row | {"baseline": None}
    more = far - 1.1 * (rate(against, room, value) - against[1])
    row |= {"baseline": BASELINES[attribute], "difference": more, "p": 0.01 if more > 0.1 else 0.3}
    return row | {"difference_low": more - 0.06, "difference_high": more + 0.06}


def probes(system):
    rows = []
    for room, value in PLACES:
        loud = (
            0
            if room is None
            else 900
            if room == "open-plan-office" and value < 10
            else 40
            if room == "imaging-room"
            else 0
        )
        row = {"system_id": system, "condition_id": condition_id(room, value), "probe": "noise" if room else "silence"}
        row |= {"n_probes": 60, "n_failed": 0, "hours": 0.1, "n_words": loud // 10, "words_per_hour": float(loud)}
        row |= {"low": loud * 0.6, "high": loud * 1.6 + 30, "share_with_words": loud / 2000}
        rows.append(row | {"examples": ["thank you", "okay so the", "thank you for watching"] if loud else []})
    return rows


def reality(system, attributes):
    rows = []
    for attribute, name, who in everyone(attributes):
        simulated = rate(who, "imaging-room", 10.0)
        times = {"all": 0.97, "Thai": 0.71, "Welsh": 0.9}.get(name, 0.98)
        row = {
            "system_id": system,
            "normalizer": "minimal",
            "simulated": "imaging-room@10dB",
            "real": "clinic-recording",
        }
        row |= {"attribute": attribute, "group": name, "n_speakers": who[0], "simulated_wer": simulated}
        row |= {"real_wer": simulated / times, "wer_difference": simulated - simulated / times, "difference_low": -0.03}
        row |= {"difference_high": 0.02, "wer_ratio": times, "ratio_low": times * 0.9, "ratio_high": times * 1.1}
        verdict = "differs" if times * 1.1 < 0.8 else "cannot tell" if name == "Welsh" else "alike"
        rows.append(row | {"margin": 1.25, "verdict": verdict, "flags": []})
    return rows


def collect_next(system):
    cells = [
        ("Welsh", "imaging-room", 5.0, 0.142),
        ("Brazilian", "lossy-call", 20.0, 0.117),
        ("Irish", "lossy-call", 20.0, 0.081),
    ]
    rows = []
    for rank, (name, room, value, widest) in enumerate(cells, 1):
        row = {key: text for key, text in base(system, room, value).items() if key not in ("environment", "level")}
        row |= {"attribute": "accent", "group": name, "baseline": "US", "rank": rank, "needed_speakers": 31}
        rows.append(
            row | {"n_speakers": ACCENTS[name][0], "possible_gap": widest, "reason": "few speakers, wide interval"}
        )
    return rows


def further(systems=("engine",), attributes=ATTRIBUTES):
    """All tables of the last mile."""
    tables = {
        name: []
        for name in ("degradation", "interactions", "curves", "sensitivity", "reality", "probes", "collect_next")
    }
    for system in systems:
        for attribute, name, who in everyone(attributes):
            against = None if name in ("all", BASELINES.get(attribute)) else attributes[attribute][BASELINES[attribute]]
            tables["curves"] += curve_rows(system, attribute, name, who, against)
            for room, value in PLACES[1:]:
                tables["degradation"].append(degraded(system, room, value, attribute, name, who))
                tables["sensitivity"].append(moved(system, room, value, attribute, name, who, against))
                if against is not None:
                    tables["interactions"].append(compared(system, room, value, attribute, name, who, against))
        tables["probes"] += probes(system)
        tables["reality"] += reality(system, attributes)
        tables["collect_next"] += collect_next(system)
    return {name: pa.Table.from_pylist(rows, schema=SCHEMAS[name]) for name, rows in tables.items()}


def record(systems=("engine",), **more):
    """`run.json` of it, with one condition that was asked for and has no result."""
    conditions = [{"condition_id": "clean"}]
    for room, value in [*PLACES[1:], ("imaging-room", -5.0)]:
        unit, hardest, _, _ = ROOMS[room]
        entry = {"condition_id": condition_id(room, value), "environment": room, "level": f"{value:g}{unit}", "seed": 0}
        entry |= {
            "environment_digest": "e" * 64,
            "description": DESCRIPTIONS[room],
            "source": "Invented for the tests.",
        }
        conditions.append(entry | {"level_value": value, "level_unit": unit, "hardest": hardest})
    info = {"version": "1", "options": {}, "deterministic": True}
    made = [{"system_id": system, "name": system, **info} for system in systems]
    cells = [[system, entry["condition_id"]] for system in systems for entry in conditions]
    return run_record(conditions=conditions, systems=made, cells=cells, **more)


def last_mile(systems=("engine",), accents=None, **more):
    """The record, the two first tables and the further ones: what `make_card` takes; `accents` come on top."""
    attributes = ATTRIBUTES | {"accent": ACCENTS | (accents or {})}
    found = groups_table(systems, attributes), disparities_table(systems, attributes)
    return record(systems, **more), *found, further(systems, attributes)


def room_of(name, run):
    """An environment of the run."""
    return next(
        room for room in rooms(run["conditions"], [c["condition_id"] for c in run["conditions"]]) if room.name == name
    )
