"""The protocols that `fault_server` speaks, written from the services' public references and their SDKs' sources.

OpenAI: POST /v1/audio/transcriptions. Deepgram: POST /v1/listen. AssemblyAI: POST /v2/upload, POST and GET
/v2/transcript, GET /v2/transcript/ID. Speechmatics: POST and GET /v2/jobs, GET /v2/jobs/ID, .../transcript.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from fault_protocol import Request, Said, Service, Step, digest_of_wav
from fault_server import FaultServer


class OpenAIService(Service):
    """One request, one answer, in the form that was asked for."""

    def step(self, request: Request) -> Step | None:
        if request.path != "/v1/audio/transcriptions":
            return None
        digest = digest_of_wav(request.files["file"])
        return Step(digest, "ask", lambda: self._answer(request, self.server.said(digest)), paid=True, main=True)

    @staticmethod
    def _answer(request: Request, said: Said) -> dict[str, object]:
        fields = request.fields
        if fields.get("response_format") == ["verbose_json"]:
            words = [{"word": word, "start": start, "end": end} for word, start, end, _ in said.words]
            timed = {"words": words} if "word" in fields.get("timestamp_granularities[]", []) else {}
            return {"task": "transcribe", "language": "english", "duration": 1.0, "text": said.text, **timed}
        if "logprobs" not in fields.get("include[]", []):
            return {"text": said.text}
        tokens = []
        for word, _, _, confidence in said.words:
            half = len(word) // 2
            for piece in (" " + word[:half], word[half:]):
                tokens.append({"token": piece, "logprob": math.log(confidence) / 2, "bytes": list(piece.encode())})
        if tokens:
            tokens.append({"token": ".", "logprob": -3.0, "bytes": [46]})
        return {"text": said.text, "logprobs": tokens}


class DeepgramService(Service):
    """One request, one answer."""

    def step(self, request: Request) -> Step | None:
        if request.path != "/v1/listen":
            return None
        digest = digest_of_wav(request.body)
        return Step(digest, "ask", lambda: self._answer(self.server.said(digest)), paid=True, main=True)

    @staticmethod
    def _answer(said: Said) -> dict[str, object]:
        words = [{"word": word, "start": start, "end": end, "confidence": c} for word, start, end, c in said.words]
        best = {"transcript": said.text, "confidence": 0.9 if said.text else 0.0, "words": words}
        about = {"request_id": "r", "sha256": "", "created": "2026-11-01T00:00:00Z", "duration": 1.0, "channels": 1}
        return {"metadata": about, "results": {"channels": [{"alternatives": [best]}]}}


@dataclass
class _Job:
    digest: str
    key: str
    polls: int = 0


class _Jobs(Service):
    """Jobs that are done after they were asked for `jobs_run` times; a plan's `fails` makes the next job fail."""

    def __init__(self, server: FaultServer) -> None:
        super().__init__(server)
        self.jobs: dict[str, _Job] = {}

    def make(self, digest: str, key: str) -> str:
        """A new job, which is paid for."""
        with self.server.lock:
            number = f"job-{len(self.jobs)}"
            self.jobs[number] = _Job(digest, key)
            self.server.paid[digest] += 1
            return number

    def is_done(self, job: _Job) -> bool:
        """Whether it is, after one more look."""
        job.polls += 1
        return job.polls > self.server.jobs_run

    def fails_with(self, job: _Job) -> str | None:
        """What the service says of a job that failed; `job:...` in the plan."""
        faults = self.server.plan.get(job.digest, [])
        return faults.pop(0).removeprefix("job:") if faults and faults[0].startswith("job:") else None


class AssemblyAIService(_Jobs):
    """Upload, make, ask until it is done."""

    def __init__(self, server: FaultServer) -> None:
        super().__init__(server)
        self.uploads: dict[str, str] = {}

    def step(self, request: Request) -> Step | None:
        last = request.path.rpartition("/")[2]
        if (request.method, request.path) == ("POST", "/v2/upload"):
            digest = digest_of_wav(request.body)
            return Step(digest, "upload", lambda: self._upload(digest))
        if (request.method, request.path) == ("POST", "/v2/transcript"):
            url = json.loads(request.body)["audio_url"]
            digest = self.uploads[url]
            return Step(digest, "make", lambda: {"id": self.make(digest, url), "status": "queued"}, main=True)
        if request.path == "/v2/transcript":
            found = [{"id": number, "audio_url": job.key} for number, job in self.jobs.items()]
            return Step("", "list", lambda: {"page_details": {}, "transcripts": found[::-1]})
        if request.path.startswith("/v2/transcript/") and last in self.jobs:
            return Step(self.jobs[last].digest, "poll", lambda: self._status(last))
        return None

    def _upload(self, digest: str) -> dict[str, str]:
        with self.server.lock:
            url = f"https://cdn.example/upload/{len(self.uploads)}"
            self.uploads[url] = digest
        return {"upload_url": url}

    def _status(self, number: str) -> dict[str, object]:
        job = self.jobs[number]
        said = self.server.said(job.digest)
        if not self.is_done(job):
            return {"id": number, "status": "processing", "text": None, "words": None}
        if (error := self.fails_with(job)) is not None:
            return {"id": number, "status": "error", "error": error, "text": None}
        words = [
            {"text": word, "start": round(start * 1000), "end": round(end * 1000), "confidence": c, "speaker": None}
            for word, start, end, c in said.words
        ]
        return {"id": number, "status": "completed", "text": said.text, "words": words, "confidence": 0.9}


class SpeechmaticsService(_Jobs):
    """Make with the audio in it, ask until it is done, fetch."""

    def step(self, request: Request) -> Step | None:
        parts = request.path.strip("/").split("/")
        if parts[:2] != ["v2", "jobs"] or (len(parts) > 2 and parts[2] not in self.jobs):
            return None
        if request.method == "POST":
            config = json.loads(request.fields["config"][0])
            digest = digest_of_wav(request.files["data_file"])
            reference = config["tracking"]["reference"]
            return Step(digest, "make", lambda: {"id": self.make(digest, reference)}, main=True)
        if len(parts) == 2:
            found = [self._details(number, "running") for number in self.jobs]
            return Step("", "list", lambda: {"jobs": found[::-1]})
        job = self.jobs[parts[2]]
        if parts[3:] == ["transcript"]:
            return Step(job.digest, "fetch", lambda: self._transcript(self.server.said(job.digest)))
        return Step(job.digest, "poll", lambda: self._status(parts[2]))

    def _details(self, number: str, status: str, **more: object) -> dict[str, object]:
        config = {"type": "transcription", "tracking": {"reference": self.jobs[number].key}}
        return {"id": number, "status": status, "created_at": "2026-11-01T00:00:00Z", "config": config, **more}

    def _status(self, number: str) -> dict[str, object]:
        job = self.jobs[number]
        if not self.is_done(job):
            return {"job": self._details(number, "running")}
        if (error := self.fails_with(job)) is not None:
            return {"job": self._details(number, "rejected", errors=[{"message": error, "timestamp": "2026"}])}
        return {"job": self._details(number, "done", duration=1)}

    @staticmethod
    def _transcript(said: Said) -> dict[str, object]:
        results: list[dict[str, object]] = [
            {
                "type": "word",
                "start_time": start,
                "end_time": end,
                "alternatives": [{"content": word, "confidence": confidence, "language": "en"}],
            }
            for word, start, end, confidence in said.words or [(word, 0.0, 0.1, 0.5) for word in said.text.split()]
        ]
        if said.words:
            stop = {"content": ".", "confidence": 1.0, "language": "en"}
            end = results[-1]["end_time"]
            attached = {"type": "punctuation", "attaches_to": "previous", "is_eos": True}
            results.append({**attached, "start_time": end, "end_time": end, "alternatives": [stop]})
        about = {"language_pack_info": {"word_delimiter": " ", "language_description": "English"}}
        return {"format": "2.9", "job": {}, "metadata": about, "results": results}


@dataclass(frozen=True)
class Served:
    """How to open an engine on a `FaultServer`.

    Attributes:
        engine: its name.
        service: the protocol that it speaks.
        variable: of the environment, that must hold a key.
        path: of the endpoint, after the server's URL.
        options: that make it quick in tests.
        has_jobs: whether a request is a job.
    """

    engine: str
    service: type[Service]
    variable: str
    path: str = ""
    options: dict[str, object] = field(default_factory=dict)
    has_jobs: bool = False

    def options_for(self, server: FaultServer) -> dict[str, object]:
        """The engine's options, the endpoint included."""
        return {**self.options, "endpoint": server.url + self.path}


SERVED = [
    Served("openai", OpenAIService, "OPENAI_API_KEY", "/v1", {"model": "gpt-4o-transcribe"}),
    Served("deepgram", DeepgramService, "DEEPGRAM_API_KEY"),
    Served("assemblyai", AssemblyAIService, "ASSEMBLYAI_API_KEY", options={"poll_s": 0.02}, has_jobs=True),
    Served("speechmatics", SpeechmaticsService, "SPEECHMATICS_API_KEY", options={"poll_s": 0.02}, has_jobs=True),
]
