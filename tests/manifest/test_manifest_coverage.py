"""Who is in a manifest is counted as a person would count it."""

import json
from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.manifest import coverage
from asrfair.manifest.dataset import Attribute, Dataset
from asrfair.manifest.manifest import Manifest
from asrfair.tables import MANIFEST

ACCENT = Attribute(kind="accent", provenance="self_reported")
SNR = Attribute(kind="acoustic", provenance="measured", unit="dB", bins=(10,))
HEAD = dict.fromkeys(("name", "version", "licence", "language", "collection", "consent"), "x")


def manifest_of(rows, attributes) -> Manifest:
    """A manifest straight from rows of (speaker, seconds, words, values...)."""
    columns = {name: [None] * len(rows) for name in MANIFEST.names}
    columns["utterance_id"] = [str(i) for i in range(len(rows))]
    columns["speaker_id"], columns["duration_s"] = [row[0] for row in rows], [row[1] for row in rows]
    columns["references"] = [["word " * row[2]] for row in rows]
    table = pa.table(columns, schema=MANIFEST)
    for place, (name, attribute) in enumerate(attributes.items(), start=3):
        kind = pa.float64() if attribute.numeric else pa.string()
        table = table.append_column(name, pa.array([row[place] for row in rows], kind))
    return Manifest(Dataset(schema_version=1, attributes=attributes, **HEAD), None, "", table)


def by_group(rows) -> dict:
    return {(row.attribute, row.group): row for row in rows}


def test_a_hand_counted_example():
    rows = [
        ("s1", 60.0, 3, "Scottish", "f", 5.0),
        ("s1", 30.0, 2, "Scottish|Irish", "f", 15.0),
        ("s2", None, 1, "Irish", None, None),
        (None, 30.0, 4, None, "m", 10.0),
    ]
    found = coverage(manifest_of(rows, {"accent": ACCENT, "gender": ACCENT, "snr_db": SNR}))
    total = found.total
    assert (total.attribute, total.group, total.n_utterances, total.n_speakers, total.words) == ("all", "all", 4, 2, 10)
    assert (total.minutes, total.n_without_duration, total.n_without_speaker) == (None, 1, 1)
    groups = by_group(found.groups)
    assert list(groups) == [
        ("accent", "Irish"),
        ("accent", "Scottish"),
        ("accent", "missing"),
        ("gender", "f"),
        ("gender", "m"),
        ("gender", "missing"),
        ("snr_db", "<10"),
        ("snr_db", ">=10"),
        ("snr_db", "missing"),
    ]
    scottish = groups["accent", "Scottish"]
    assert (scottish.n_utterances, scottish.n_speakers, scottish.minutes, scottish.words) == (2, 1, 1.5, 5)
    assert groups["accent", "Irish"].n_speakers == 2
    assert groups["accent", "Irish"].minutes is None
    assert groups["accent", "missing"].n_speakers is None
    pairs = by_group(found.pairs)
    assert pairs["accent*gender", "Irish*missing"].words == 1
    assert pairs["accent*gender", "Irish*f"].n_utterances == 1
    assert pairs["accent*gender", "missing*m"].n_without_speaker == 1
    assert pairs["gender*snr_db", "m*>=10"].minutes == 0.5
    assert len([key for key in pairs if key[0] == "accent*gender"]) == 4


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3", None]),
        st.sampled_from([None, 1.5, 60.0]),
        st.integers(0, 5),
        st.sampled_from([None, "a", "b", "a|b", "c|a|b"]),
        st.sampled_from([None, "x", "y|x"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(ROWS)
def test_the_vectorised_counts_equal_a_loop(rows):
    found = coverage(manifest_of(rows, {"accent": ACCENT, "device": ACCENT}))
    expected = defaultdict(lambda: [0, set(), 0.0, 0])
    for speaker, seconds, words, accent, device in rows:
        accents, devices = ((value or "missing").split("|") for value in (accent, device))
        cells = [("accent", a) for a in accents] + [("device", d) for d in devices]
        cells += [("accent*device", f"{a}*{d}") for a in accents for d in devices] + [("all", "all")]
        for cell in cells:
            sums = expected[cell]
            sums[0] += 1
            sums[1] |= {speaker} - {None}
            sums[2] = None if seconds is None or sums[2] is None else sums[2] + seconds / 60
            sums[3] += words
    counted = by_group((found.total, *found.groups, *found.pairs))
    assert counted.keys() == expected.keys()
    for cell, (n_utterances, speakers, minutes, words) in expected.items():
        row = counted[cell]
        assert (row.n_utterances, row.n_speakers, row.words) == (n_utterances, len(speakers) or None, words)
        assert row.minutes == (None if minutes is None else pytest.approx(minutes))


def test_the_design_is_described():
    rows = [(f"s{i}", 1.0, 1, "a" if i < 2 else "b", "x" if j else "y") for i in range(6) for j in range(2)]
    notes = coverage(manifest_of(rows, {"accent": ACCENT, "device": ACCENT})).notes
    assert [(note.attribute, note.code, note.groups) for note in notes] == [
        ("accent", "speaker_level", ()),
        ("accent", "confounded_with_speaker", ("a",)),
        ("device", "varies_within_speaker", ()),
    ]
    assert notes[2].n_speakers == 6
    assert "cannot be told from a difference between persons" in notes[1].text


def test_with_one_utterance_each_nothing_is_said_of_constancy():
    rows = [(f"s{i}", 1.0, 1, "a") for i in range(6)]
    assert coverage(manifest_of(rows, {"accent": ACCENT})).notes == ()


def test_unknown_speakers_are_said():
    (note,) = coverage(manifest_of([(None, 1.0, 1, "a")], {"accent": ACCENT})).notes
    assert note.code == "speakers_unknown"


def test_an_attribute_with_very_many_groups_is_left_out_of_pairs_and_said():
    rows = [(f"s{i % 9}", 1.0, 1, f"g{i}", "x") for i in range(150)]
    found = coverage(manifest_of(rows, {"prompt": ACCENT, "accent": ACCENT}))
    assert len(found.groups) == 151
    assert found.pairs == ()
    assert found.notes[-1].code == "no_pairs"


def test_it_can_be_written_as_json():
    data = coverage(manifest_of([("s", 1.0, 1, "a")], {"accent": ACCENT})).as_dict()
    assert json.loads(json.dumps(data))["groups"][0]["group"] == "a"
    assert sorted(data) == ["groups", "notes", "pairs", "total"]


def test_attributes_without_groups_are_not_counted():
    rate = Attribute(kind="content", provenance="measured", unit="syllables/s")
    assert coverage(manifest_of([("s", 1.0, 1, 4.5)], {"rate": rate})).groups == ()
