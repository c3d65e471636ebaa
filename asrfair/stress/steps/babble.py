"""Babble: other people talk, the speakers of the manifest itself, of every group alike.

Babble of one group would be a test of that group's likeness to it, so talkers are balanced: the groups are gone through
in turn, in an order drawn for each utterance, and so no group is more than one talker ahead of another and never is
there only one. Within a group speakers are gone through in a drawn order; where talkers outnumber speakers, a speaker
talks a second time from another place. The speaker of the utterance is never among them. Every talker is equally loud
(`asrfair.stress.voices`) and begins at a place of its own.

Recipes that add single utterances until the file is full (MUSAN's of Snyder et al. 2015, 3 to 7 talkers) balance
nothing, and may add the speaker to itself.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError
from asrfair.stress._base import Noise
from asrfair.stress.scene import Scene
from asrfair.stress.voices import Talker, talkers_of

FEWEST, MOST = 2, 40


class Babble(Noise, frozen=True):
    """Talkers around the speaker, mixed at an SNR over active speech.

    Attributes:
        snr_db: active speech level minus the level of all talkers together, dB.
        talkers: how many talk at a time.
    """

    NEEDS_VOICES: ClassVar[bool] = True

    talkers: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({f"talkers must be {FEWEST} to {MOST}": FEWEST <= self.talkers <= MOST})

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """All talkers together."""
        mix = np.zeros(n, dtype=np.float32)
        for talker in self.drawn(rate_hz, rng, scene):
            start = int(rng.integers(len(talker.loop)))
            mix += np.take(talker.loop, np.arange(start, start + n), mode="wrap")
            if n > len(talker.loop):
                scene.note("voices shorter than the speech: looped with a cross-fade")
        return mix

    def drawn(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> list[Talker]:
        """Who talks, in the order in which they were drawn.

        Raises:
            AudioError: there are no voices, the speaker is unknown, or no balanced babble is left without the speaker.
        """
        groups = _others(rate_hz, scene)
        order = [groups[number] for number in rng.permutation(len(groups))]
        queues = [[group[number] for number in rng.permutation(len(group))] for group in order]
        turns = [(turn % len(queues), turn // len(queues)) for turn in range(self.talkers)]
        return [queues[group][number % len(queues[group])] for group, number in turns]


def _others(rate_hz: int, scene: Scene) -> list[list[Talker]]:
    """The talkers of each group, the speaker left out."""
    if scene.voices is None:
        raise AudioError("babble is made of the other speakers of the manifest, and there are none here")
    if scene.speaker_id is None and scene.is_speech:
        raise AudioError("the speaker is not known, so that babble could be of the same voice")
    everybody = talkers_of(scene.voices, rate_hz, scene.banks)
    if silent := sum(not len(talker.loop) for talker in everybody):
        scene.note(f"babble without {silent} of {len(everybody)} speakers, whose audio cannot be used")
    groups: dict[str, list[Talker]] = {}
    for talker in everybody:
        if len(talker.loop) and talker.speaker_id != scene.speaker_id:
            groups.setdefault(talker.group, []).append(talker)
    if len(groups) < 2:
        raise AudioError(
            f"babble needs other speakers of at least 2 groups of {scene.voices.attribute!r}; besides this one "
            f"there are those of {', '.join(groups) or 'none'}"
        )
    return list(groups.values())
