"""Who does what next, and whose fault a death is: decided without any worker."""

from pathlib import Path

from asrfair.records import Condition
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.sheaves import Sheaves
from asrfair.transcribe.suspects import MOST_CRASHES, Suspects


def job(number):
    return Job(f"u{number}", Path("x.wav"), None, None, "d", Condition(), f"k{number}")


def test_each_batch_is_given_out_once_and_the_idle_take_the_end_of_the_longest_sheaf():
    sheaves = Sheaves([[[job(i)] for i in range(5)], [[job(5)]]])
    given = [sheaves.next(worker)[0].utterance_id for worker in "abbbaa"]
    assert given == ["u0", "u5", "u4", "u3", "u1", "u2"]
    assert sheaves.next("a") is None
    assert not sheaves


def test_what_a_worker_leaves_is_given_to_the_next_that_asks():
    sheaves = Sheaves([[[job(i)] for i in range(3)], [[job(3)], [job(4)]]])
    sheaves.next("a")
    sheaves.leave("a")
    assert sheaves
    assert [sheaves.next("b")[0].utterance_id for _ in range(4)] == ["u1", "u2", "u3", "u4"]
    sheaves.again([[job(0)]])
    assert sheaves.next("b") == [job(0)]


def told(suspects, killers):
    """Ask all suspects by themselves; those who kill do. Returns who fails, and how often somebody died."""
    failed, deaths = [], 0
    while suspects:
        batch = suspects.next()
        if any(j.utterance_id in killers for j in batch):
            deaths += 1
            culprit = suspects.died([batch])
            failed += [culprit.utterance_id] if culprit is not None else []
    return failed, deaths


def test_the_utterance_that_kills_is_found_and_nobody_else_fails():
    """The engine may have been at the second batch when it died, before the answer to the first had come."""
    for killers in ({"u2"}, {"u5"}, {"u1", "u2"}, {"u0", "u7"}):
        suspects = Suspects()
        assert suspects.died([[job(0), job(1), job(2), job(3)], [job(4), job(5)], [job(6), job(7)]]) is None
        failed, deaths = told(suspects, killers)
        assert set(failed) == killers
        assert len(failed) == len(killers)
        assert deaths <= MOST_CRASHES * len(killers)


def test_a_machine_that_is_lost_twice_costs_nothing():
    suspects = Suspects()
    assert suspects.died([[job(0), job(1)]]) is None
    assert suspects.died([suspects.next()]) is None
    assert told(suspects, set()) == ([], 0)
    assert suspects.died([]) is None, "an actor that had nothing"
