"""CSV as spreadsheets write it: quotes, line breaks in fields, byte order marks, and the slips that go with it."""

import pytest

HEADER = "utterance_id,reference,speaker_id,accent\n"


def test_quotes_commas_and_line_breaks_in_fields(folder):
    folder.csv(HEADER + 'u1,"well, ""yes""\nindeed",s1,Scottish\nu2,no,s2,"Irish|Welsh"\n')
    first, second = folder.load().utterances()
    assert first.references == ('well, "yes"\nindeed',)
    assert second.attributes["accent"] == ("Irish", "Welsh")


def test_a_fault_after_a_field_with_line_breaks_is_at_its_own_line(folder):
    folder.csv("utterance_id,reference,duration_s\n" + 'u1,"one\ntwo\nthree",1\nu2,x,-1\nu3,"y\nz",nope\n')
    assert [fault.split(": ")[:3] for fault in folder.faults()] == [
        ["rows.csv:5", "duration_s", "-1 is negative"],
        ["rows.csv:6", "duration_s", "'nope' is not a number"],
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bom_and_line_ends(folder, end):
    folder.csv(b"\xef\xbb\xbf" + (HEADER + "u1,Grüße,s1,x\n").replace("\n", end).encode())
    assert next(folder.load().utterances()).references == ("Grüße",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("u1,hello, world,s1,x\n", "rows.csv:2: has 5 fields where the header has 4: quote a field that holds a comma"),
        ("u1,hello,s1\n", "rows.csv:2: has 3 fields where the header has 4: write every field, empty or not"),
        ("u1,a,s1,x\n\nu2,,s1,x\n", "rows.csv:4: reference: is missing: write what was said"),
        (
            'u1,a,s1,x\nu2,"never closed,s1,x\n',
            "rows.csv:3: is not valid CSV: a quoted field that begins here is never",
        ),
        ('u1,"a"b,s1,x\n', "rows.csv:2: is not valid CSV: text follows a closing quote: write a quote inside a field"),
        (b"u1,caf\xe9,s1,x\n", "rows.csv:2: is not UTF-8 (byte 7 of the line): save the file as UTF-8"),
        (b'u1,"a\nb\xff",s1,x\n', "rows.csv:3: is not UTF-8 (byte 2 of the line)"),
        ("u1,a,s1,missing\n", "rows.csv:2: accent: 'missing' is reserved: leave the value empty"),
        ("u1,a,s1,x|all\n", "rows.csv:2: accent: 'all' is reserved"),
        ('u1,"' + "a" * 200_000 + '",s1,x\n', "rows.csv:2: is not valid CSV: a field is over 131,072 characters"),
    ],
)
def test_a_fault_of_a_csv_row_is_named_at_its_line(folder, text, fault):
    data = text if isinstance(text, bytes) else text.encode()
    folder.csv(HEADER.encode() + data)
    assert folder.faults()[0].startswith(fault)


def test_the_rows_after_a_broken_one_are_still_read(folder):
    folder.csv(HEADER + 'u1,"a"b,s1,x\nu2,a,s1\nu3,a,s1,rest\nu3,a,s1,x\n')
    assert [fault.split(": ")[0] for fault in folder.faults()] == [
        "rows.csv:2",
        "rows.csv:3",
        "rows.csv:4",
        "rows.csv:5",
    ]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("utterance_id;reference", "rows.csv:1: columns are separated by ';': save the file with commas"),
        ("utterance_id\treference", "rows.csv:1: columns are separated by '\\t': save the file with commas"),
        (",utterance_id,reference", "rows.csv:1: column 1 has no name: name it or drop it (pandas: index=False)"),
        ("utterance_id,reference,reference", "rows.csv:1: reference: is the name of two columns: rename one"),
        (",".join(f"c{i}" for i in range(1001)), "rows.csv:1: has 1,001 columns, more than 1,000"),
    ],
)
def test_a_header_that_cannot_be_used_is_named(folder, header, fault):
    assert folder.csv(header + "\n" + header + "\n").faults() == [fault]


def test_a_header_alone_holds_no_rows(folder):
    assert folder.csv(HEADER).faults() == ["rows.csv: holds no rows: write one row for each utterance"]


def test_bare_carriage_returns_are_named(folder):
    (fault,) = folder.csv((HEADER + "u1,a,s1,x\n").replace("\n", "\r")).faults()
    assert "line ends are bare carriage returns: save the file with LF or CRLF" in fault


@pytest.mark.parametrize(("text", "value"), [(" 1.5 ", 1.5), ("+2", 2.0), ("1e1", 10.0), ("", None), ("  ", None)])
def test_numbers_are_written_with_a_decimal_point(folder, text, value):
    folder.csv(f"utterance_id,reference,snr_db\nu1,a,{text}\n")
    assert folder.load().table["snr_db"].to_pylist() == [value]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"1,5"', "snr_db: '1,5' is not a number: write it with a decimal point"),
        ("1_000", "snr_db: '1_000' is not a number"),
        ("nan", "snr_db: nan is not a finite number: leave it out where there is none"),
        ("-inf", "snr_db: -inf is not a finite number"),
        ("0x10", "snr_db: '0x10' is not a number"),
    ],
)
def test_what_is_no_number_is_named(folder, text, fault):
    folder.csv(f"utterance_id,reference,snr_db\nu1,a,3\nu2,a,{text}\n")
    assert folder.faults()[0].startswith(f"rows.csv:3: {fault}")


def test_references_are_cut_at_bars_and_reference_is_not(folder):
    folder.csv("utterance_id,reference,references\nu1,a|b,\nu2,,a|b\nu3,<no-speech>,\nu4,,um|<no-speech>\n")
    assert [u.references for u in folder.load().utterances()] == [("a|b",), ("a", "b"), ("",), ("um", "")]


def test_an_empty_wording_between_bars_is_a_fault(folder):
    (fault,) = folder.csv("utterance_id,references\nu1,a|\nu2,b\n").faults()
    assert fault.startswith("rows.csv:2: references: wording 2 of 2 is empty")
