"""Amazon Transcribe, batch: the audio goes to S3, a job reads it there and writes the transcript there.

A job's name follows from the audio and the options, so what was asked for once is found again: after a timeout, a cut
connection or a killed process, starting it says that it exists, and the engine goes on waiting for it; it is paid for
once. When the transcript has been read, audio, job and transcript are deleted. The transcript is read through S3 by
bucket and key, never through the URL that the service names.

The identity needs `transcribe:StartTranscriptionJob`, `GetTranscriptionJob` and `DeleteTranscriptionJob`, and
`s3:PutObject`, `GetObject` and `DeleteObject` on the bucket. Source: Amazon Transcribe API Reference, 2017-10-26.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asrfair.adapters._aws import API_VERSION, AwsAdapter, clients_of, joined
from asrfair.adapters._cloud import as_wav, check_endpoint, request_key
from asrfair.errors import AdapterError, EngineError, InputError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform

FILTER_METHODS = ("mask", "remove", "tag")


class AwsTranscribe(AwsAdapter):
    """Amazon Transcribe through S3.

    Args:
        bucket: S3 bucket for audio and transcripts, in the same region.
        prefix: what their keys begin with.
        region: None for the one of boto3's chain.
        language: BCP 47 tag; `auto` has the service find out.
        vocabulary: name of a custom vocabulary.
        vocabulary_filter: name of a vocabulary filter.
        vocabulary_filter_method: what it does with a word: mask, remove or tag.
        language_model: name of a custom language model.
        endpoint: URL of another server for both services.
        poll_s: how long to wait before asking for a job again, seconds.

    Raises:
        MissingExtraError: boto3 is not installed.
        InputError: no credentials, no region, or an option out of range.
    """

    concurrency: int = 32
    longest_s: float | None = 4 * 3600.0

    def __init__(
        self,
        bucket: str,
        prefix: str = "asrfair/",
        region: str | None = None,
        language: str = "en-US",
        vocabulary: str | None = None,
        vocabulary_filter: str | None = None,
        vocabulary_filter_method: str = "mask",
        language_model: str | None = None,
        endpoint: str | None = None,
        poll_s: float = 5.0,
    ) -> None:
        if not 0 < poll_s <= 60:
            raise InputError(f"the engine aws-transcribe: poll_s={poll_s} is not above 0 and at most 60 seconds")
        if vocabulary_filter_method not in FILTER_METHODS:
            raise InputError(
                f"the engine aws-transcribe: vocabulary_filter_method is one of {', '.join(FILTER_METHODS)}"
            )
        self._endpoint = check_endpoint("aws-transcribe", endpoint)
        self._session, self._region = self._sign_in("aws-transcribe", region)
        self._bucket, self._prefix, self._poll_s = bucket, prefix, poll_s
        self._language = language
        self._settings = {"VocabularyName": vocabulary, "VocabularyFilterName": vocabulary_filter}
        if vocabulary_filter:
            self._settings["VocabularyFilterMethod"] = vocabulary_filter_method
        self._language_model = language_model
        self._lock = threading.Lock()
        self._clients: tuple[float, Any, Any] | None = None
        self._turn = threading.Condition()
        self._busy: set[str] = set()
        self._started: set[str] = set()
        self._left: set[str] = set()

    def describe(self) -> SystemInfo:
        """API version and all that the job is told; bucket and prefix do not change what is said."""
        options = {
            "region": self._region,
            "language": self._language,
            "vocabulary": self._settings["VocabularyName"],
            "vocabulary_filter": self._settings["VocabularyFilterName"],
            "vocabulary_filter_method": self._settings.get("VocabularyFilterMethod"),
            "language_model": self._language_model,
            "endpoint": self._endpoint,
        }
        return SystemInfo("aws-transcribe", API_VERSION, options, deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """Upload, start or find the job, wait for it, read its transcript, delete all three."""
        deadline = time.monotonic() + self.timeout_s
        s3, service = self._connected()
        said = sorted(self.describe().options.items())
        name = f"asrfair-{request_key(waveform, self._bucket, self._prefix, said)}"
        with self._alone(name):
            if name not in self._started:
                s3.put_object(Bucket=self._bucket, Key=self._key(name, "wav"), Body=as_wav(waveform))
                self._start(service, name, waveform.sample_rate_hz)
                self._started.add(name)
            job = self._finished(service, name, deadline)
            try:
                if job["TranscriptionJobStatus"] == "FAILED":
                    raise _failure_of_job(str(job.get("FailureReason", "")))
                transcript = _transcript(self._read(s3, name))
            except EngineError:
                self._forget(s3, service, name)
                raise
            self._forget(s3, service, name)
        return transcript

    def close(self) -> None:
        """Try once more to delete what could not be."""
        for name in list(self._left):
            self._forget(*self._connected(), name)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One at a time for one job: of two with the same audio, the second gets a job of its own after the first."""
        with self._turn:
            self._turn.wait_for(lambda: name not in self._busy)
            self._busy.add(name)
        try:
            yield
        finally:
            with self._turn:
                self._busy.discard(name)
                self._turn.notify_all()

    def _connected(self) -> tuple[Any, Any]:
        """Clients of S3 and Transcribe with the present timeout; they may be used from several threads."""
        with self._lock:
            if self._clients is None or self._clients[0] != self.timeout_s:
                s3, service = clients_of(self._session, self._endpoint, self.timeout_s, self.concurrency)
                self._clients = (self.timeout_s, s3, service)
            return self._clients[1:]

    def _key(self, name: str, extension: str) -> str:
        return f"{self._prefix}{name}.{extension}"

    def _start(self, service: Any, name: str, sample_rate_hz: int) -> None:
        """Start the job, unless it exists."""
        request: dict[str, Any] = {
            "TranscriptionJobName": name,
            "Media": {"MediaFileUri": f"s3://{self._bucket}/{self._key(name, 'wav')}"},
            "MediaFormat": "wav",
            "MediaSampleRateHertz": sample_rate_hz,
            "OutputBucketName": self._bucket,
            "OutputKey": self._key(name, "json"),
        }
        request |= {"IdentifyLanguage": True} if self._language == "auto" else {"LanguageCode": self._language}
        settings = {key: value for key, value in self._settings.items() if value}
        request |= {"Settings": settings} if settings else {}
        request |= {"ModelSettings": {"LanguageModelName": self._language_model}} if self._language_model else {}
        try:
            service.start_transcription_job(**request)
        except service.exceptions.ConflictException:
            return

    def _finished(self, service: Any, name: str, deadline: float) -> dict[str, Any]:
        """The job, once it is done or has failed."""
        while True:
            try:
                job = service.get_transcription_job(TranscriptionJobName=name).get("TranscriptionJob", {})
            except (service.exceptions.NotFoundException, service.exceptions.BadRequestException) as error:
                self._started.discard(name)
                raise TransientError(f"the job {name} is gone: {error}", kind="server") from error
            status = job.get("TranscriptionJobStatus")
            if status in ("COMPLETED", "FAILED"):
                return dict(job)
            if status not in ("QUEUED", "IN_PROGRESS"):
                raise AdapterError(f"the job {name} has the status {status!r}", kind="malformed")
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TransientError(f"the job {name} is still {status}; a retry goes on waiting", kind="timeout")
            time.sleep(min(self._poll_s, left_s))

    def _read(self, s3: Any, name: str) -> bytes:
        """The transcript that the job wrote."""
        try:
            answer = s3.get_object(Bucket=self._bucket, Key=self._key(name, "json"))
        except s3.exceptions.NoSuchKey as error:
            where = f"s3://{self._bucket}/{self._key(name, 'json')}"
            raise AdapterError(f"the job {name} is done but wrote nothing to {where}", kind="empty") from error
        return bytes(answer["Body"].read())

    def _forget(self, s3: Any, service: Any, name: str) -> None:
        """Delete job, transcript and audio. What cannot be deleted costs no transcript, and is tried again at the end.

        The job goes first: as long as it exists its transcript does, so that it can be found again.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        self._started.discard(name)
        self._left.add(name)
        try:
            service.delete_transcription_job(TranscriptionJobName=name)
            s3.delete_object(Bucket=self._bucket, Key=self._key(name, "json"))
            s3.delete_object(Bucket=self._bucket, Key=self._key(name, "wav"))
        except (BotoCoreError, ClientError):
            return
        self._left.discard(name)


def _failure_of_job(reason: str) -> EngineError:
    """A job that failed: by what the service did, or by what it was given."""
    if not reason or "internal" in reason.lower() or "try again" in reason.lower():
        return TransientError(f"the job failed: {reason or 'no reason given'}", kind="server")
    return AdapterError(f"the job failed: {reason}", kind="refused")


def _transcript(data: bytes) -> Transcript:
    """The transcript in a job's JSON."""
    try:
        results = json.loads(data)["results"]
        text = " ".join(part["transcript"] for part in results["transcripts"])
        words = joined(_item(item) for item in results["items"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AdapterError(f"a transcript that cannot be read: {type(error).__name__}", kind="malformed") from error
    return Transcript(text, words)


def _item(item: dict[str, Any]) -> tuple[str, str, Any, Any, Any]:
    best = item["alternatives"][0]
    return item["type"], best["content"], item.get("start_time"), item.get("end_time"), best.get("confidence")
