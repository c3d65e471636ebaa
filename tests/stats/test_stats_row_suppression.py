"""No combination of values in the rows is of fewer than k speakers, and none can be told from a total."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats.row_suppression import shared_values

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.integers(1, 15)), max_size=60)


def columns(found):
    table = np.array(found, np.int64).reshape(-1, 4)
    return [table[:, at] for at in range(3)], table[:, 3]


@given(rows, st.integers(2, 5))
def test_every_combination_is_shared_by_k_speakers_or_tells_nothing(found, k):
    values, speakers = columns(found)
    kept = shared_values(values, speakers, k)
    combined = np.stack(kept)
    for combination in np.unique(combined, axis=1).T:
        who = speakers[(combination == combined.T).all(axis=1)]
        assert len(set(who.tolist())) >= k or not combination.any()


@given(rows, st.integers(2, 5))
def test_a_value_is_taken_from_k_speakers_or_from_nobody(found, k):
    values, speakers = columns(found)
    for before, after in zip(values, shared_values(values, speakers, k), strict=True):
        assert ((after == before) | (after == 0)).all()
        for value in set(before[before > 0].tolist()):
            taken = set(speakers[(before == value) & (after == 0)].tolist())
            everybody = set(speakers[before == value].tolist())
            assert not taken or len(taken) >= k or taken == everybody


def test_large_groups_keep_their_values():
    accent, gender, speakers = np.repeat([1, 2], 20), np.tile([1, 2], 20), np.arange(40)
    kept = shared_values([accent, gender], speakers, 5)
    assert (kept[0] == accent).all()
    assert (kept[1] == gender).all()


def test_one_speaker_who_talks_much_is_one_speaker():
    accent, speakers = np.array([1] * 50 + [2] * 6), np.array([0] * 50 + [1, 2, 3, 4, 5, 6])
    assert set(shared_values([accent], speakers, 5)[0].tolist()) == {0}
