"""AssemblyAI's pre-recorded speech to text, API v2: upload, make a transcript, ask until it is completed.

Through httpx and not the SDK: the SDK hides the transcript's id inside a call that waits, so a retry would make, and
pay for, a second one. Field names are those of the SDK 1.8 and of the service's OpenAPI description. A transcript in
the status `error` is a refusal (the audio, the language) unless its message names a fault of the server.
"""

from __future__ import annotations

import msgspec

from asrfair.adapters._cloud import as_wav
from asrfair.adapters._http import listed
from asrfair.adapters._jobs import Job, JobAdapter, JobFailed
from asrfair.errors import AdapterError
from asrfair.records import Transcript, Waveform, Word

MOST_LISTED = 200
SERVER_FAULTS = ("server error", "internal error", "try again", "resubmit", "unexpected error", "alerted")
"""What the service's own faults say; it asks to submit the file again."""


class _Upload(msgspec.Struct):
    upload_url: str


class _Made(msgspec.Struct):
    id: str
    audio_url: str | None = None


class _List(msgspec.Struct):
    transcripts: list[_Made]


class _Word(msgspec.Struct):
    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None


class _Status(msgspec.Struct):
    status: str
    text: str | None = None
    words: list[_Word] | None = None
    error: str | None = None


class AssemblyAI(JobAdapter):
    """AssemblyAI's models.

    Args:
        model: as AssemblyAI names it; several with `;` between them, in order of preference.
        language: code such as `en` or `en_uk`; None to have it found, which refuses audio without speech.
        keyterms: terms that may occur, with `;` between them.
        format_text: write numbers, dates and names as in print.
        endpoint: another server of the same protocol, such as the EU's; None for AssemblyAI's.
        poll_s: pause before a job is asked for again, seconds; grows to 5.
    """

    EXTRA = "assemblyai"
    LIBRARIES = ("httpx",)
    CREDENTIALS = (("ASSEMBLYAI_API_KEY",),)
    NAME = "assemblyai"
    ENDPOINT = "https://api.assemblyai.com"
    VERSION = "v2"

    def __init__(
        self,
        model: str = "universal-3-5-pro",
        language: str | None = "en",
        keyterms: str | None = None,
        format_text: bool = False,
        endpoint: str | None = None,
        poll_s: float = 0.5,
    ) -> None:
        self._asked: dict[str, object] = {
            "speech_models": listed("assemblyai", "model", model),
            "format_text": format_text,
            **({"language_detection": True} if language is None else {"language_code": language}),
            **({"keyterms_prompt": listed("assemblyai", "keyterms", keyterms)} if keyterms is not None else {}),
        }
        options = {"model": model, "language": language, "keyterms": keyterms, "format_text": format_text}
        self._open(endpoint, poll_s, lambda key: {"Authorization": key}, options)

    def make(self, waveform: Waveform, key: str, job: Job) -> str:
        """Upload the audio, unless it is there, and make the transcript."""
        if job.place is None:
            kind = {"Content-Type": "application/octet-stream"}
            job.place = self.send(_Upload, "POST", "/v2/upload", content=as_wav(waveform), headers=kind).upload_url
        return self.send(_Made, "POST", "/v2/transcript", json={"audio_url": job.place, **self._asked}).id

    def find(self, key: str, job: Job) -> str | None:
        """A transcript of what was uploaded, among the newest."""
        newest = self.send(_List, "GET", "/v2/transcript", params={"limit": MOST_LISTED}).transcripts
        return next((made.id for made in newest if job.place is not None and made.audio_url == job.place), None)

    def look(self, number: str, left_s: float) -> Transcript | None:
        """Whether it is completed; times come in milliseconds."""
        found = self.send(_Status, "GET", f"/v2/transcript/{number}", left_s)
        if found.status in ("queued", "processing"):
            return None
        if found.status == "error":
            _give_up(found.error or "no reason given")
        if found.status != "completed" or found.text is None:
            raise AdapterError(f"the transcript is {found.status} and has no text in it", kind="empty")
        words = None if found.words is None else tuple(_word(word) for word in found.words)
        return Transcript(found.text.strip(), words)


def _give_up(message: str) -> None:
    """Say why a job failed."""
    if any(said in message.lower() for said in SERVER_FAULTS):
        raise JobFailed(f"the job failed: {message}")
    raise AdapterError(f"the job failed: {message}", kind="refused")


def _word(word: _Word) -> Word:
    start_s = None if word.start is None else word.start / 1000
    end_s = None if word.end is None else word.end / 1000
    return Word(word.text, start_s, end_s, word.confidence)
