"""A user's equivalence classes go over both sides alike: what is the same word is the same in either direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import Scorer, count_errors, find_normalizer

LIST = """\
# how we speak
them = 'em
going to = gonna = gon   # three members

going = goin'
"""


@pytest.fixture
def listed(tmp_path):
    def make(text, base="minimal"):
        path = tmp_path / "list.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return find_normalizer(f"{base}+{path}")

    return make


def counts(normalizer, reference, hypothesis):
    row = count_errors(normalizer.normalize([reference]), normalizer.normalize([hypothesis])).to_pylist()[0]
    return tuple(row.values())


@pytest.mark.parametrize(("said", "written"), [("Tell 'em!", "tell them"), ("tell them", "tell \u2019em")])
def test_either_member_is_a_hit_on_either_side(listed, said, written):
    assert counts(listed(LIST), said, written) == (2, 0, 0, 0)


def test_a_list_corrects_nobody(listed):
    """Only errors within a class go: the standard form for another word is as wrong as the dialect's."""
    normalizer = listed(LIST)
    assert counts(normalizer, "tell 'em", "tell him") == counts(normalizer, "tell them", "tell him") == (1, 1, 0, 0)


words = st.lists(st.sampled_from(["them", "'em", "going", "to", "gonna", "gon", "goin'", "sing"]), max_size=8)


@given(said=words, written=words)
def test_swapping_the_sides_swaps_deletions_and_insertions_alone(tmp_path_factory, said, written):
    path = tmp_path_factory.getbasetemp() / "swap.txt"
    path.write_text(LIST)
    normalizer = find_normalizer(f"minimal+{path}")
    a, b = counts(normalizer, " ".join(said), " ".join(written)), counts(normalizer, " ".join(written), " ".join(said))
    assert sum(a[1:]) == sum(b[1:])
    assert a[2] - a[3] == b[3] - b[2]


@given(st.lists(st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_texts_without_a_member_are_as_the_base_leaves_them(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "none.txt"
    path.write_text("qqq www = zzz xxx\n")
    for base in ("none", "minimal"):
        assert find_normalizer(f"{base}+{path}").normalize(texts) == find_normalizer(base).normalize(texts)


def test_the_longest_member_wins_from_the_left(listed):
    found = listed("going to = gonna\ngoin' = going\na b c = d\nb c x = e\n")
    texts = ["I'm going to go, going on", "a b c x", "a b x b c x"]
    assert found.normalize(texts) == ["i'm going to go goin' on", "a b c x", "a b x b c x"]
    assert found.normalize(["gonna", "d x", "e"]) == ["going to", "a b c x", "b c x"]


def test_members_are_normalised_as_the_text_is(listed):
    assert listed("OK! = Alright\n").normalize(["ALRIGHT, then"]) == ["ok then"]
    assert listed("\u0634\u0643\u0631\u0627 = \u0645\u0631\u0633\u064a\n").normalize(["\u0645\u0631\u0633\u064a!"]) == [
        "\u0634\u0643\u0631\u0627"
    ]


def test_a_class_that_the_base_has_already_is_harmless(listed):
    """One list serves two normalisers: whisper-en writes `gonna` as `going to` by itself."""
    assert listed("going to = gonna = gon\n", "whisper-en").normalize(["I'm gon go"]) == ["i am going to go"]


def test_a_list_has_a_name_and_a_digest_of_its_content(listed):
    first = listed("a = b\n")
    assert first.name == "minimal+list.txt"
    assert first is listed("a = b\n")
    second = listed("a = c\n")
    assert (second.name, second.normalize(["c"])) == ("minimal+list.txt", ["a"])
    assert len({first.digest, second.digest, listed("a = b\n", "none").digest}) == 3


def test_a_scorer_takes_a_list(tmp_path):
    import pyarrow as pa

    path = tmp_path / "l.txt"
    path.write_text("tele = telly\n")
    row = Scorer(f"minimal+{path}").score(pa.array([["the telly"]]), pa.array(["the tele"])).to_pylist()[0]
    assert (row["hits"], row["substitutions"]) == (2, 0)


def test_all_faults_of_a_list_are_told_at_once(listed, tmp_path):
    with pytest.raises(InputError) as told:
        listed("them = 'em\nalone\na == b\nThem! = they\nc = ...\n")
    place = tmp_path / "list.txt"
    lines = str(told.value).split("\n")
    assert [line.startswith(f"{place}:{number}: ") for line, number in zip(lines, (2, 3, 4, 5), strict=True)] == [
        True
    ] * 4
    assert "class of one" in lines[0]
    assert "empty member" in lines[1]
    assert "'them' is in the class of line 1 already" in lines[2]
    assert "'...' is empty after 'minimal'" in lines[3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = b\nc = \xff\n", r"list\.txt:2: not UTF-8; save"),
        (b"# nothing\n\n", "there is no class in it; write one"),
    ],
)
def test_unusable_lists_are_refused(listed, content, message):
    with pytest.raises(InputError, match=message):
        listed(content)


def test_an_absent_list_and_an_unknown_base_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no\.txt: No such file.*give the path"):
        find_normalizer(f"minimal+{tmp_path / 'no.txt'}")
    (tmp_path / "l.txt").write_text("a = b\n")
    with pytest.raises(InputError, match="no normalizer 'maximal'; there are"):
        find_normalizer(f"maximal+{tmp_path / 'l.txt'}")


def test_a_plus_without_a_file_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="after the plus"):
        find_normalizer("minimal+")
