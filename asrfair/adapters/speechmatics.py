"""Speechmatics' batch speech to text, API v2: make a job with the audio in it, ask until it is done, fetch json-v2.

Through httpx: the official client hides the job's id inside a call that waits, and brings aiohttp along. Field names
are those of the service's API description and of its client speechmatics-batch 1.1. A job carries `request_key` as its
`tracking.reference`, by which it is found again where the answer to its making was lost. A rejected job is a refusal.

The text is joined from the results: words with the language's delimiter between them (`language_pack_info`),
punctuation on the side that `attaches_to` says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from asrfair.adapters._cloud import as_wav
from asrfair.adapters._http import listed
from asrfair.adapters._jobs import Job, JobAdapter
from asrfair.errors import AdapterError
from asrfair.records import Transcript, Waveform, Word

MOST_LISTED = 100


class _Tracking(msgspec.Struct):
    reference: str | None = None


class _Config(msgspec.Struct):
    tracking: _Tracking | None = None


class _Error(msgspec.Struct):
    message: str = ""


class _Details(msgspec.Struct):
    id: str
    status: str = "running"
    config: _Config | None = None
    errors: list[_Error] | None = None


class _Made(msgspec.Struct):
    id: str


class _One(msgspec.Struct):
    job: _Details


class _List(msgspec.Struct):
    jobs: list[_Details]


class _Alternative(msgspec.Struct):
    content: str = ""
    confidence: float | None = None


class _Result(msgspec.Struct):
    type: str
    start_time: float | None = None
    end_time: float | None = None
    attaches_to: str | None = None
    alternatives: list[_Alternative] | None = None


class _Language(msgspec.Struct):
    word_delimiter: str = " "


class _About(msgspec.Struct):
    language_pack_info: _Language | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] | None = None
    metadata: _About | None = None


class Speechmatics(JobAdapter):
    """Speechmatics' models.

    Args:
        model: `enhanced`, `standard`, `melia-1` or as Speechmatics names it.
        language: ISO 639-1 code.
        vocabulary: terms that may occur, with `;` between them.
        endpoint: another server of the same protocol, without `/v2`, such as a region's; None for Speechmatics'.
        poll_s: pause before a job is asked for again, seconds; grows to 5.
    """

    EXTRA = "speechmatics"
    LIBRARIES = ("httpx",)
    CREDENTIALS = (("SPEECHMATICS_API_KEY",),)
    NAME = "speechmatics"
    ENDPOINT = "https://asr.api.speechmatics.com"
    VERSION = "v2"

    def __init__(
        self,
        model: str = "enhanced",
        language: str = "en",
        vocabulary: str | None = None,
        endpoint: str | None = None,
        poll_s: float = 0.5,
    ) -> None:
        terms = listed("speechmatics", "vocabulary", vocabulary)
        self._asked = {
            "language": language,
            "model": model,
            **({"additional_vocab": [{"content": term} for term in terms]} if terms else {}),
        }
        options = {"model": model, "language": language, "vocabulary": vocabulary}
        self._open(endpoint, poll_s, lambda key: {"Authorization": f"Bearer {key}"}, options)

    def make(self, waveform: Waveform, key: str, job: Job) -> str:
        """Make the job, with the audio and its reference."""
        config = {"type": "transcription", "transcription_config": self._asked, "tracking": {"reference": key}}
        audio = ("audio.wav", as_wav(waveform), "audio/wav")
        fields = {"config": json.dumps(config)}
        return self.send(_Made, "POST", "/v2/jobs", data=fields, files={"data_file": audio}).id

    def find(self, key: str, job: Job) -> str | None:
        """A job with this reference, among the newest, that was not rejected."""
        for found in self.send(_List, "GET", "/v2/jobs", params={"limit": MOST_LISTED}).jobs:
            tracking = found.config.tracking if found.config else None
            if tracking is not None and tracking.reference == key and found.status in ("created", "running", "done"):
                return found.id
        return None

    def look(self, number: str, left_s: float) -> Transcript | None:
        """Whether it is done, and its transcript."""
        job = self.send(_One, "GET", f"/v2/jobs/{number}", left_s).job
        if job.status in ("created", "running"):
            return None
        if job.status != "done":
            reasons = "; ".join(error.message for error in job.errors or ()) or "no reason given"
            raise AdapterError(f"the job was {job.status}: {reasons}", kind="refused")
        answer = self.send(_Answer, "GET", f"/v2/jobs/{number}/transcript", left_s, params={"format": "json-v2"})
        if answer.results is None:
            raise AdapterError("a transcript without results in it", kind="empty")
        info = answer.metadata.language_pack_info if answer.metadata else None
        return _transcript(answer.results, info.word_delimiter if info else " ")


def _transcript(results: Sequence[_Result], delimiter: str) -> Transcript:
    """The text and the words of results."""
    text, words, joined = "", [], True
    for result in results:
        best = result.alternatives[0] if result.alternatives else None
        if best is None or not best.content:
            continue
        is_mark = result.type == "punctuation"
        glued = joined or (is_mark and result.attaches_to in ("previous", "both"))
        text += best.content if glued else delimiter + best.content
        joined = is_mark and result.attaches_to in ("next", "both")
        if result.type == "word":
            words.append(Word(best.content, result.start_time, result.end_time, best.confidence))
    return Transcript(text.strip(), tuple(words))
