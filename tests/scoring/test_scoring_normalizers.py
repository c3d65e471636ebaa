"""Normalisers are found by name, signed, the same for both sides, and `minimal` keeps every script."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asrfair.scoring.normalizers as normalizers
from asrfair.errors import InputError
from asrfair.scoring import Normalizer, available_normalizers, find_normalizer, normalize
from asrfair.scoring.normalizers import _memo


def minimal(text):
    return normalize([text], "minimal")[0]


@pytest.mark.parametrize("name", ["minimal", "none", "open-asr", "whisper-en"])
def test_a_normalizer_is_a_named_versioned_hashed_value(name):
    found = find_normalizer(name)
    assert name in available_normalizers()
    assert found is find_normalizer(name)
    assert (found.name, len(found.digest), type(found)().digest) == (name, 64, found.digest)
    assert found.signature == f"{name}@{found.version}+{found.digest[:12]}"


def test_digests_tell_normalizers_and_rules_apart():
    class Shouting(Normalizer):
        name, version = "shouting", "1"
        words = ("a",)

        def rules(self):
            return self.words

        def normalize(self, texts):
            return [text.upper() for text in texts]

    class ShoutingMore(Shouting):
        words = ("a", "b")

    found = [find_normalizer(name).digest for name in ("minimal", "none", "open-asr", "whisper-en")]
    assert len({*found, Shouting().digest, ShoutingMore().digest}) == 6


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(InputError, match=r"no normalizer 'whisper_en'; there are: .*minimal, none.*whisper-en"):
        find_normalizer("whisper_en")


def test_a_package_can_bring_a_normalizer(monkeypatch, tmp_path):
    (tmp_path / "shouting.py").write_text(
        "from asrfair.scoring import Normalizer\n"
        "LOST = 1\n"
        "class Shouting(Normalizer):\n"
        "    name, version = 'shouting', '1'\n"
        "    def rules(self): return ()\n"
        "    def normalize(self, texts): return [text.upper() for text in texts]\n"
    )
    info = tmp_path / "shouting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[asrfair.normalizers]\nshouting = shouting:Shouting\nlost = shouting:LOST\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert normalize(["ay"], "shouting") == ["AY"]
    assert "shouting" in available_normalizers()
    with pytest.raises(InputError, match="entry point shouting:LOST is not a Normalizer class"):
        find_normalizer("lost")
    normalizers._find_base.cache_clear()


def test_one_text_in_place_of_many_is_refused():
    with pytest.raises(InputError, match="not one text"):
        normalize("hello", "minimal")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Er, “20 clocks”!", "er 20 clocks"),
        ("don\u2019t DON'T don\u02bct", "don't don't don't"),
        ("'em 'bout dogs' rock 'n' roll 'yes' ' '' it", "'em 'bout dogs' rock n roll yes it"),
        ("well-known e\u2014mail and/or snake_case wait\u2026what", "well known e mail and or snake case wait what"),
        ("U.S. 3.5 1,000 10:30 50% end.", "us 3.5 1,000 10:30 50 end"),
        ("$5 + 1 = 6 😀", "$5 + 1 = 6 😀"),
        ("cafe\u0301 café STRASSE straße", "café café strasse strasse"),
        ("हिंदी में, क्‍या?", "हिंदी में क्‍या"),
        ("தமிழ் বাংলা ไทยที่", "தமிழ் বাংলা ไทยที่"),
        ("السلامُ عليكم؟ ۱۲", "السلامُ عليكم ۱۲"),
        ("\u200fשלחם\u200e, עמק.", "שלחם עמק"),
        ("中文\uff0c测试。", "中文测试"),
        ("soft\u00adhyphen \ufeffmark zero\u200bwidth", "softhyphen mark zero width"),
        ("<script>alert(1)</script>", "<script>alert1< script>"),
        ("  tabs\tand\u00a0spaces\n", "tabs and spaces"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_minimal_by_hand(text, expected):
    assert minimal(text) == expected


@pytest.mark.parametrize("dialect", ["ain't", "finna", "y'all", "innit", "gonna", "er", "um", "colour"])
def test_minimal_and_none_rewrite_no_word(dialect):
    """A dialect form is never corrected into a standard."""
    assert normalize([dialect], "minimal") == normalize([dialect], "none") == [dialect]


@given(st.text(max_size=30))
def test_minimal_is_stable_composed_and_spaced_once(text):
    once = minimal(text)
    assert unicodedata.is_normalized("NFC", once)
    assert " ".join(once.split()) == once


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0x2FFF), max_size=20))
def test_minimal_twice_is_minimal_once(text):
    assert minimal(minimal(text)) == minimal(text)


@given(st.text(alphabet=st.characters(categories=["Ll", "Lo", "Mn", "Mc", "Nd"]), min_size=1, max_size=12))
def test_minimal_keeps_letters_marks_and_numbers_of_any_script(text):
    letters = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    assert minimal(text) == unicodedata.normalize("NFC", letters.replace("\u02bc", "'"))


@given(st.lists(st.text(max_size=12), max_size=6))
def test_texts_are_normalised_each_as_if_alone(texts):
    for name in ("minimal", "none", "whisper-en"):
        assert normalize(texts, name) == [normalize([text], name)[0] for text in texts]


def test_the_memory_for_words_is_bounded(monkeypatch):
    monkeypatch.setattr(_memo, "MAX_KNOWN", 10)
    found = type(find_normalizer("minimal"))()
    for start in range(5):
        texts = [f"Word{start}x{at}" for at in range(20)]
        assert found.normalize(texts) == [text.lower() for text in texts]
        assert len(found._known) <= 30
