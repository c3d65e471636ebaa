"""Batches by seconds, halves of what does not fit, pieces of what is too long, and what stops a system."""

import json
import threading
from itertools import pairwise

import numpy as np
import pytest

from asrfair.adapters.scripted import Scripted, waveform_digest
from asrfair.records import Condition, Transcript, Waveform
from asrfair.transcribe.batches import LONGEST_WINDOW, Likes, cut
from asrfair.transcribe.caller import Answer, Caller
from asrfair.transcribe.gate import Gate
from asrfair.transcribe.hearing import Heard
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.limits import Breaker, Purse
from asrfair.transcribe.meter import Meter, Usage
from asrfair.transcribe.prices import Price

RATE = 16_000
OK = Answer(Transcript("x"))


def job(seconds, name="u"):
    return Job(name, None, None, None, None, Condition(None, None, 0), length_s=seconds)


def lengths(utterances, likes):
    return [[jobs[0].length_s for jobs in batch] for batch in cut(utterances, likes)]


def noise(seconds, seed=0):
    rng = np.random.Generator(np.random.Philox(key=seed))
    return Waveform(rng.uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32), RATE)


def heard(*seconds):
    return [Heard(noise(s, seed)) for seed, s in enumerate(seconds)]


def script(path, waveforms, **special):
    lines = [{"waveform": waveform_digest(w), "text": f"word {i}"} | special.get(f"u{i}", {}) for i, w in waveforms]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_batches_are_of_similar_length_and_within_the_seconds_padding_included():
    """20 s: one of 11; two of 9 are 18; 4 of 5 are 20; what is left over is the last."""
    found = lengths([[job(s)] for s in (5, 11, 2, 9, 5, 9, 5, 2, 5)], Likes(16, 20.0))
    assert found == [[11], [9, 9], [5, 5, 5, 5], [2, 2]]


def test_batches_are_within_the_number_too_and_what_is_longer_than_a_batch_comes_alone():
    assert lengths([[job(s)] for s in (1, 30, 1, 1, 1, 1)], Likes(3, 20.0)) == [[30], [1, 1, 1], [1, 1]]
    assert lengths([[job(None)], [job(4.0)], [job(None)]], Likes(2)) == [[4.0, None], [None]]


def test_a_batch_ends_where_its_padding_would_cost_more_than_it_may():
    """20 beside 19.5 is 1.25 % padding; 20, 19.5 and 18 are 60 s with 2.5 s of padding: 4.2 %."""
    assert lengths([[job(s)] for s in (18, 20, 19.5)], Likes(16, 100.0, 1, 0.03)) == [[20, 19.5], [18]]
    assert lengths([[job(s)] for s in (18, 20, 19.5)], Likes(16, 100.0, 1, 0.05)) == [[20, 19.5, 18]]


def test_an_utterance_keeps_all_its_conditions_and_none_is_lost_or_doubled():
    utterances = [[job(float(i % 7), f"u{i}")] * 3 for i in range(100)]
    batches = list(cut(utterances, Likes(8, 12.0)))
    assert sorted(jobs[0].utterance_id for batch in batches for jobs in batch) == sorted(f"u{i}" for i in range(100))
    assert all(len(jobs) == 3 for batch in batches for jobs in batch)


def test_what_is_looked_ahead_is_bounded():
    assert (Likes(1).window, Likes(8).window, Likes(10_000).window) == (1, 512, LONGEST_WINDOW)


def test_a_batch_that_does_not_fit_is_halved_and_the_next_ones_are_cut_smaller_at_once():
    engine = Scripted(text="yes", batch_size=8, fits_s=4.0)
    caller = Caller(engine, 0, lambda event: None)
    first = caller.answer(heard(*[1.0] * 8))
    assert [a.transcript.text for a in first] == ["yes"] * 8
    assert [a.requests for a in first] == [2] * 8
    second = caller.answer(heard(*[1.0] * 8))
    assert [a.requests for a in second] == [1] * 8, "4 s are known to fit"


def test_only_what_does_not_fit_alone_fails_for_memory():
    caller = Caller(Scripted(text="yes", batch_size=3, fits_s=2.0), 0, lambda event: None)
    answers = caller.answer(heard(1.0, 3.0, 1.0))
    assert [a.transcript is not None for a in answers] == [True, False, True]
    assert answers[1].error.startswith("memory: ")


def test_in_a_refused_batch_only_the_one_fails_that_is_to_blame(tmp_path):
    waves = heard(0.2, 0.3, 0.4)
    said = script(tmp_path / "s", [(i, h.waveform) for i, h in enumerate(waves)], u1={"error": "refused"})
    answers = Caller(Scripted(script=said, batch_size=3), 2, lambda event: None).answer(waves)
    assert [a.transcript and a.transcript.text for a in answers] == ["word 0", None, "word 2"]
    assert answers[1].error.startswith("refused: ")
    assert [(a.requests, a.retries) for a in answers] == [(2, 1)] * 3, "once together, once alone"


def test_pieces_of_long_audio_are_requests_and_no_retries():
    """25 s in pieces of 10 s that have 2 s in common: three."""
    (answer,) = Caller(Scripted(text="a b", longest_s=10.0), 4, lambda event: None).answer(heard(25.0))
    assert (answer.requests, answer.retries, answer.audio_s) == (3, 0, 25.0)


def test_a_retry_of_one_piece_is_one_retry_and_one_that_fails_fails_the_utterance(tmp_path):
    whole = noise(15.0)
    caller = Caller(Scripted(longest_s=10.0), 1, lambda event: None)
    assert caller.answer([Heard(whole)])[0].requests == 2
    last = Waveform(whole.samples[round(6.5 * RATE) :], RATE)
    for error, times, transcript in (("server", 1, "word 1"), ("refused", None, None)):
        line = {"error": error} if times is None else {"error": error, "times": times}
        said = script(tmp_path / error, [(1, last)], u1=line)
        (answer,) = Caller(Scripted(script=said, longest_s=10.0), 1, lambda event: None).answer([Heard(whole)])
        assert (answer.transcript and answer.transcript.text) == transcript
        assert answer.retries == (1 if times else 0)


class Wrong(Scripted):
    """An engine that gives what the contract does not allow."""

    given = None

    def transcribe_batch(self, batch):
        return self.given


@pytest.mark.parametrize("given", [None, [], [Transcript("a"), Transcript("b")]], ids=["none", "too few", "too many"])
def test_an_engine_that_gives_other_than_a_transcript_a_waveform_is_a_failure(given):
    engine = Wrong()
    engine.given = given
    (answer,) = Caller(engine, 0, lambda event: None).answer(heard(0.1))
    assert answer.transcript is None
    assert answer.error.startswith("engine: ")


def failed(kind):
    return Answer(None, f"{kind}: something")


def test_a_breaker_counts_failures_in_a_row_and_not_those_of_the_audio():
    breaker = Breaker(3)
    for answer in (failed("server"), failed("server"), OK, failed("server"), failed("audio"), failed("timeout")):
        breaker.note(answer)
    assert breaker.reason is None
    breaker.note(failed("server"))
    assert breaker.reason.startswith("stopped: ")
    assert "3 failures in a row (2 server, 1 timeout)" in breaker.reason


def test_credentials_that_are_denied_stop_at_once():
    breaker = Breaker(1000)
    breaker.note(failed("denied"))
    assert breaker.reason is not None


def purse(tmp_path, budget, price=6.0):
    meter = Meter(tmp_path)
    table = None if price is None else Price(engine="e", per_minute=price, source="s")
    return Purse(table, meter, meter.of("s"), budget), meter


def test_a_budget_smaller_than_one_request_asks_for_nothing(tmp_path):
    money, _ = purse(tmp_path, 0.5)
    assert money.refuses([job(10.0)]).startswith("budget: ")
    assert money.refuses([job(1.0)]).startswith("budget: "), "else only short ones would be heard"


def test_what_is_under_way_is_set_aside_and_what_was_not_billed_is_given_back(tmp_path):
    """Ten cents a second, one of currency in all: 10 s."""
    money, meter = purse(tmp_path, 1.0)
    assert money.refuses([job(6.0)]) is None
    money.pay(job(6.0), failed("rate_limit"))
    assert money.refuses([job(6.0)]) is None
    money.pay(job(6.0), OK)
    assert money.refuses([job(4.0)]) is None
    assert meter.cost == pytest.approx(0.6)
    assert money.refuses([job(0.1)]) is not None


def test_what_has_no_price_costs_nothing_and_no_budget_stops_it(tmp_path):
    money, meter = purse(tmp_path, 0.001, price=None)
    assert money.refuses([job(3600.0)]) is None
    money.pay(job(3600.0), OK)
    assert (meter.cost, meter.of("s").cost) == (0.0, None)


def test_the_rate_is_audio_over_engine_seconds_and_a_batch_shares_its_time(tmp_path):
    """Four waveforms of 1 s that take 0.05 s each: about 20 times real time, however they are batched."""
    usage = Usage()
    for answer in Caller(Scripted(text="x", batch_size=4, delay_s=0.05), 0, lambda e: None).answer(heard(*[1.0] * 4)):
        usage.add(answer, None)
    assert usage.audio_s == 4.0
    assert 0.2 <= usage.engine_s < 0.4
    usage.add(failed("server"), None)
    assert usage.audio_s == 4.0, "what failed is no speed"


def test_threads_that_come_late_through_the_gate_come_no_closer_together():
    """Sixteen threads at 50 a second: each goes through 20 ms or more after the one before it, however late it was."""
    gate, passed = Gate(50.0), []
    threads = [threading.Thread(target=lambda: passed.append(gate.wait())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed.sort()
    assert all(later - earlier >= 0.0199 for earlier, later in pairwise(passed))
