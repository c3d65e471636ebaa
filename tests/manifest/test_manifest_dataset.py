"""Every fault of `dataset.toml` is found in one pass, with its key and its line."""

import pytest

from asrfair.manifest.toml_lines import line_of

HEAD = """\
schema_version = 1
name = "n"
version = "1"
licence = "l"
language = "en"
collection = "c"
consent = "c"
"""
ACCENT = HEAD + '[attributes.accent]\nkind = "accent"\nprovenance = "self_reported"\n'


def faults_of(folder, text):
    return folder.rows({}).dataset(text).faults()


def test_all_faults_of_the_file_are_listed_with_key_and_line(folder):
    text = """\
schema_version = 2
name = ""
licence = 7
language = "english"
collection = "c"
consent = "c"
speakers = 12

[attributes.accent]
kind = "acent"
vocabulary = ["a"]
baseline = "b"

[attributes."first language"]
kind = "first_language"
provenance = "self_reported"
bins = [3, 2]
colour = "red"
"""
    assert sorted(faults_of(folder, text)) == sorted(
        [
            "dataset.toml:1: schema_version: 2 is refused: write 1",
            "dataset.toml:2: name: is empty: say it in words",
            "dataset.toml: version: is missing: it is required",
            "dataset.toml:3: licence: 7 is refused: expected `str`, got `int`",
            "dataset.toml:4: language: 'english' is not a BCP 47 tag: write en or en-GB",
            "dataset.toml:7: speakers: is not a known key; known are schema_version, name, version, licence, language, "
            "collection, consent, notes, attributes",
            "dataset.toml:10: attributes.accent.kind: 'acent' is refused: write 'accent' or 'dialect' or "
            "'first_language' or 'acoustic' or 'demographic' or 'content'",
            "dataset.toml:9: attributes.accent.provenance: is missing: it is required",
            "dataset.toml:17: attributes.first language.bins: [3.0, 2.0] are not increasing finite edges, "
            "such as [10, 20]",
            "dataset.toml:18: attributes.first language.colour: is not a known key; known are kind, provenance, "
            "baseline, vocabulary, bins, unit, description",
        ]
    )


def test_an_inferred_demographic_is_refused_with_the_reason(folder):
    (fault,) = faults_of(folder, HEAD + '[attributes.race]\nkind = "demographic"\nprovenance = "inferred"\n')
    assert fault.startswith(
        "dataset.toml:10: attributes.race.provenance: a demographic attribute that was inferred is refused"
    )
    assert "is not data; ask the speakers (self_reported) or leave the attribute out" in fault


def test_an_inferred_acoustic_attribute_is_allowed(folder):
    folder.rows({}).dataset(ACCENT + '[attributes.room]\nkind = "acoustic"\nprovenance = "inferred"\n')
    assert folder.load().attributes["room"].provenance == "inferred"


@pytest.mark.parametrize("name", ["utterance_id", "language", "reference", "references", "status", "hits", "all"])
def test_an_attribute_may_not_be_called_after_a_column_of_asrfair(folder, name):
    text = HEAD + f'[attributes.{name}]\nkind = "accent"\nprovenance = "recorded"\n'
    assert faults_of(folder, text)[0].startswith(
        f"dataset.toml:8: attributes.{name}: {name!r} is a column of asrfair's own"
    )


@pytest.mark.parametrize("name", ["a*b", "a|b", "a=b", "a,b", " a", "", "a\\tb"])
def test_an_attribute_s_name_can_be_written_on_a_command_line(folder, name):
    text = HEAD + f'[attributes."{name}"]\nkind = "accent"\nprovenance = "recorded"\n'
    assert faults_of(folder, text)[0].startswith("dataset.toml:8: attributes.")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('baseline = "x"\nvocabulary = ["a", "b"]', "baseline: 'x' is none of the groups 'a', 'b'"),
        ('baseline = "rest"', "baseline: 'rest' is reserved: name the group otherwise (without a baseline, each group"),
        ('baseline = "15-20"\nbins = [10, 20]', "baseline: '15-20' is none of the groups '<10', '10-20', '>=20'"),
        ('baseline = "10"\nunit = "dB"', "baseline: a numeric attribute without bins has no groups: give bins"),
        (
            'vocabulary = ["a"]\nunit = "dB"',
            "vocabulary: a numeric attribute (it has a unit or bins) has no vocabulary",
        ),
        ("vocabulary = []", "vocabulary: is empty: list the allowed values, or leave it out to allow any"),
        ('vocabulary = ["a", "missing"]', "vocabulary: 'missing' is reserved: leave the value empty"),
        ('vocabulary = ["a", " a"]', "vocabulary: 'a' is listed twice"),
        ('vocabulary = ["a|b"]', "vocabulary: 'a|b' has a |"),
        ("vocabulary = [1]", "vocabulary: [1] is refused: expected `str`, got `int`"),
        ("bins = []", "bins: [] are not increasing finite edges"),
        ("bins = [1, 1]", "bins: [1.0, 1.0] are not increasing"),
        ("bins = [1, inf]", "bins: [1.0, inf] are not increasing finite edges"),
        ("bins = [nan]", "bins: [nan] are not increasing finite edges"),
    ],
)
def test_a_fault_of_an_attribute_is_named(folder, line, fault):
    found = faults_of(folder, ACCENT + line + "\n")
    assert any(f": attributes.accent.{fault}" in text for text in found), found


def test_rows_are_still_held_to_the_attributes_of_a_faulty_file(folder):
    text = ACCENT.replace('consent = "c"\n', "") + 'vocabulary = ["Irish"]\n'
    assert [fault.split(": ")[:2] for fault in faults_of(folder, text)] == [
        ["dataset.toml", "consent"],
        ["rows.jsonl:1", "accent"],
    ]


def test_an_absent_file_is_a_fault_that_shows_a_minimal_one_that_works(folder):
    folder.rows({})
    (folder.path / "dataset.toml").unlink()
    (fault,) = folder.faults()
    assert fault.startswith("dataset.toml: is missing: it says what the columns mean. A minimal one:\n\n")
    folder.dataset(fault.partition("\n\n")[2])
    assert folder.load().attributes["accent"].kind == "accent"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'name = "a\n', "dataset.toml:1: is not valid TOML: "),
        (b'name = "caf\xe9"\n', "dataset.toml: is not UTF-8: save it as UTF-8"),
        (
            HEAD.encode() + b"attributes = 3\n",
            "dataset.toml:8: attributes: is not a table: write one [attributes.NAME]",
        ),
        (HEAD.encode() + b"[attributes]\naccent = 3\n", "dataset.toml:9: attributes.accent: 3 is not a table: write"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder, data, fault):
    folder.rows({})
    (folder.path / "dataset.toml").write_bytes(data)
    assert folder.faults()[0].startswith(fault)


def test_bom_and_crlf_are_read(folder):
    folder.rows({})
    (folder.path / "dataset.toml").write_bytes(b"\xef\xbb\xbf" + ACCENT.replace("\n", "\r\n").encode())
    assert folder.load().dataset.name == "n"


def test_vocabulary_and_baseline_are_tidied_like_values(folder):
    folder.rows({"accent": "Zo\u00eb"}).dataset(ACCENT + 'vocabulary = [" Zoe\u0308"]\nbaseline = "Zoe\u0308 "\n')
    manifest = folder.load()
    assert manifest.attributes["accent"].vocabulary == ("Zo\u00eb",)
    assert manifest.attributes["accent"].baseline == "Zo\u00eb"
    assert not any(warning.field.startswith("attributes.") for warning in manifest.warnings)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("t", "b"), 3),
        (("t", "u v", "c"), 5),
        (("t", "u v"), 4),
        (("t", "d", "e"), 7),
        (("x",), 0),
        (("t", "nowhere"), 2),
    ],
)
def test_keys_are_found_at_their_lines(path, line):
    assert line_of('a = 1\n[t]\nb = 2\n[t."u v"]  # here\nc = 3\n[t.d]\n"e" = 4\n', path) == line
