"""Values become groups, and what cannot be grouped by is refused with the reason."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.manifest import Attribute, group_column, groupable, observed_groups, parse_by
from asrfair.manifest.labels import bin_labels, language_fault

ACCENT = Attribute(kind="accent", provenance="self_reported")
SNR = Attribute(kind="acoustic", provenance="measured", unit="dB", bins=(10, 20))
RATE = Attribute(kind="content", provenance="measured", unit="syllables/s")
ATTRIBUTES = {"accent": ACCENT, "gender": ACCENT, "snr_db": SNR, "rate": RATE}


def test_text_is_its_own_group_and_missing_stays_missing():
    values = pa.chunked_array([["a|b", None], ["c"]])
    assert group_column(values, ACCENT).to_pylist() == ["a|b", None, "c"]


@given(st.lists(st.floats(-1e6, 1e6) | st.none()), st.sets(st.integers(-50, 50), min_size=1))
def test_every_number_is_in_the_bin_whose_edges_hold_it(values, edges):
    bins = tuple(sorted(edges))
    attribute = Attribute(kind="acoustic", provenance="measured", bins=bins)
    labels = bin_labels(bins)
    groups = group_column(pa.chunked_array([values], pa.float64()), attribute).to_pylist()
    for value, group in zip(values, groups, strict=True):
        if value is None:
            assert group is None
            continue
        place = labels.index(group)
        assert place == 0 or bins[place - 1] <= value
        assert place == len(bins) or value < bins[place]


def test_bins_are_labelled_as_the_design_says():
    assert bin_labels((10, 20)) == ["<10", "10-20", ">=20"]
    assert bin_labels((0.5,)) == ["<0.5", ">=0.5"]


def test_an_empty_column_has_no_groups():
    empty = pa.chunked_array([], pa.float64())
    assert group_column(empty, SNR).to_pylist() == []
    assert observed_groups(group_column(empty, SNR)) == []


def test_numbers_without_bins_have_no_groups():
    assert not groupable(RATE)
    assert groupable(SNR)
    with pytest.raises(InputError, match="without bins has no groups"):
        group_column(pa.chunked_array([[1.0]]), RATE)


def test_attributes_and_intersections_can_be_asked_for():
    assert parse_by([], ATTRIBUTES) == [("accent",), ("gender",), ("snr_db",)]
    asked = ["accent", "all", "accent * gender", "accent", "snr_db*accent*gender"]
    assert parse_by(asked, ATTRIBUTES) == [("accent",), ("accent", "gender"), ("snr_db", "accent", "gender")]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("rate", "rate is numeric and has no bins: give [attributes.rate] bins = [...] in dataset.toml"),
        ("device", "device is a column that dataset.toml does not declare: add [attributes.device] with kind and prov"),
        ("acent", "'acent' is no attribute of this manifest: did you mean 'accent'?"),
        ("accent*rate", "rate is numeric and has no bins"),
        ("accent*accent", "'accent*accent' names an attribute twice"),
        ("accent*", "'' is no attribute of this manifest"),
        ("all*accent", "'all' is no attribute of this manifest"),
    ],
)
def test_what_cannot_be_grouped_by_is_refused_with_what_can(spec, reason):
    with pytest.raises(InputError) as caught:
        parse_by([spec, "gender"], ATTRIBUTES, undeclared=("device",))
    assert str(caught.value).startswith(reason)
    assert str(caught.value).endswith(". Can be grouped by: accent, gender, snr_db")


def test_a_manifest_without_attributes_says_so():
    with pytest.raises(InputError, match="This manifest declares nothing to group by"):
        parse_by(["accent"], {})


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "en-GB",
        "yue",
        "zh-Hant-TW",
        "sl-rozaj-biske",
        "de-CH-1901",
        "es-419",
        "en-a-bbb-x-a",
        "x-ward",
        "zh-yue-HK",
    ],
)
def test_language_tags_of_every_shape_are_taken(tag):
    assert language_fault(tag) is None


@pytest.mark.parametrize("tag", ["", "e", "english", "en_US.UTF-8", "en-", "en GB", "1a", "-en", "en-GB\n"])
def test_what_is_no_language_tag_is_refused(tag):
    assert language_fault(tag) is not None
