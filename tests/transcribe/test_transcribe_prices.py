"""What a run will cost is worked out from a dated table, with the steps and minima in which services bill."""

import datetime

import pytest

from asrfair.errors import ConfigError
from asrfair.transcribe.prices import BUILT_IN, Price, PriceTable

SERVICES = {
    "aws-transcribe",
    "aws-streaming",
    "google-speech",
    "azure-speech",
    "azure-streaming",
    "openai",
    "deepgram",
    "assemblyai",
    "speechmatics",
}

TABLE = """
schema_version = 1
as_of = 2026-02-03
currency = "EUR"

[[price]]
engine = "service"
model = "big*"
per_minute = 0.06
increment_s = 15
minimum_s = 30
source = "Prices of the service"

[[price]]
engine = "service"
per_minute = 0.01
source = "Prices of the service"
"""


@pytest.fixture
def table(tmp_path):
    def make(text=TABLE):
        path = tmp_path / "prices.toml"
        path.write_text(text, encoding="utf-8")
        return PriceTable.load(path)

    return make


def test_the_built_in_table_has_every_service_and_says_of_when_it_is():
    built_in = PriceTable.load()
    assert {price.engine for price in built_in.prices} == SERVICES
    assert built_in.as_of <= datetime.date(2100, 1, 1)
    assert built_in.currency == "USD"
    for price in built_in.prices:
        assert 0.001 < price.per_minute < 0.1, "dollars a minute, not cents and not hours"
        assert price.source
        assert "http" not in price.source + price.note


def test_the_services_models_are_told_apart():
    find = PriceTable.load().find
    full = find("openai", {"model": "gpt-4o-transcribe"})
    mini = find("openai", {"model": "gpt-4o-mini-transcribe"})
    assert (full.per_minute, mini.per_minute) == (0.006, 0.003)
    assert find("openai", {"model": "gpt-transcribe"}).per_minute == 0.0045
    assert find("deepgram", {"model": "nova-3-medical"}).model == "nova-3*"
    assert find("deepgram", {"model": "nova-2"}).per_minute < find("deepgram", {}).per_minute
    assert find("assemblyai", {"model": "universal-3-pro"}).per_minute == pytest.approx(0.21 / 60)
    assert find("assemblyai", {"model": "slam-1"}).model == "*"
    assert find("deepgram", {"model": "base"}) is None


def test_a_request_is_rounded_up_to_the_step_and_is_at_least_the_minimum(table):
    """30 s are the minimum; 31 s are three steps of 15 s, 45 s: three quarters of a minute at 0.06."""
    price = table().find("service", {"model": "big-2"})
    assert [price.billed_s(s) for s in (0.5, 30.0, 30.0000000001, 31.0, 45.0)] == [30, 30, 30, 45, 45]
    assert price.cost(31.0) == pytest.approx(0.045)
    exact = table().find("service", {"model": "small"})
    assert exact.cost(31.0) == pytest.approx(0.01 * 31 / 60)
    assert exact.cost(0.0) == 0.0


def test_short_utterances_cost_more_a_minute_than_the_list_says():
    """Amazon bills 15 s at least: twenty utterances of 3 s, a minute of audio, cost five minutes."""
    price = PriceTable.load().find("aws-transcribe", {})
    assert 20 * price.cost(3.0) == pytest.approx(5 * price.per_minute)


def test_the_first_entry_that_fits_is_taken(table):
    found = table().find
    assert found("service", {"model": "big"}).per_minute == 0.06
    assert found("service", {"model": "other"}).per_minute == 0.01
    assert found("service", {}).per_minute == found("service", {"model": None}).per_minute == 0.06
    assert found("other", {}) is None


def test_the_name_of_an_engine_may_be_that_of_its_file():
    find = PriceTable.load().find
    assert find("aws_transcribe", {}) == find("aws-transcribe", {})


def test_a_server_of_ones_own_has_no_price():
    find = PriceTable.load().find
    assert find("openai", {"model": "whisper-1", "base_url": "http://127.0.0.1:8000/v1"}) is None
    assert find("openai", {"model": "whisper-1", "base_url": None}).per_minute == 0.006


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "Prices of the service"', 'sauce = "?"', "sauce"),
        ("per_minute = 0.06", "per_minute = -0.06", "price 1 (service): per_minute: -0.06"),
        ("increment_s = 15", "increment_s = nan", "price 1 (service): increment_s: nan"),
        ("per_minute = 0.06", 'per_minute = "cheap"', "$.price[0].per_minute"),
        ("schema_version = 1", "schema_version = 2", "this version reads 1"),
        ("as_of = 2026-02-03", 'as_of = "lately"', "as_of"),
        ("as_of = 2026-02-03", "as_of = ", "not a TOML file"),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(table, old, new, said):
    with pytest.raises(ConfigError) as refused:
        table(TABLE.replace(old, new, 1))
    assert "prices.toml: " in str(refused.value)
    assert said in str(refused.value)


def test_an_absent_table_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        PriceTable.load(tmp_path / "none.toml")


def test_a_copy_of_the_built_in_table_can_be_edited(table):
    mine = table(BUILT_IN.read_text(encoding="utf-8").replace("per_minute = 0.024", "per_minute = 0.02"))
    assert mine.find("aws-transcribe", {}).per_minute == 0.02


def test_a_price_can_be_made_without_a_file():
    assert Price(engine="e", per_minute=0.6, source="s").cost(6.0) == pytest.approx(0.06)
