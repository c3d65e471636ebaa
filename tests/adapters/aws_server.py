"""Amazon's S3 and Transcribe on loopback: moto behind a door that counts and fails as it is told."""

import http.client
import json
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

pytest.importorskip("boto3", reason="pip install 'asrfair[aws]'")
pytest.importorskip("moto.server", reason="pip install 'moto[server]'")

import boto3
from aws_keys import signed_in
from http_faults import FaultServer
from moto.server import ThreadedMotoServer

BUCKET = "audits"
START = "Transcribe.StartTranscriptionJob"
GET = "Transcribe.GetTranscriptionJob"
SAID = {
    "results": {
        "transcripts": [{"transcript": "Hello, world."}],
        "items": [
            {
                "type": "pronunciation",
                "start_time": "0.1",
                "end_time": "0.4",
                "alternatives": [{"confidence": "0.99", "content": "Hello"}],
            },
            {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": ","}]},
            {
                "type": "pronunciation",
                "start_time": "0.5",
                "end_time": "0.9",
                "alternatives": [{"confidence": "0.75", "content": "world"}],
            },
            {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]},
        ],
    }
}


@contextmanager
def amazon_in(folder):
    """Canaries for keys, and moto behind its door."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    with signed_in(folder):
        made = Amazon(moto.get_host_and_port())
        made.reset()
        yield made
        made.door.close()
    moto.stop()


class Amazon:
    """moto behind a door that counts, fails on demand and writes the transcripts that moto does not.

    `transcript` is what a job writes: bytes, a function of the audio's WAV file, or None for nothing.
    """

    def __init__(self, place):
        self.place, self.transcript, self.job = place, json.dumps(SAID).encode(), None
        self.paid = []
        self.door = FaultServer(self._through)
        made = {"endpoint_url": f"http://{place[0]}:{place[1]}", "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", **made)
        self.service = boto3.client("transcribe", **made)

    def _through(self, asked):
        connection = http.client.HTTPConnection(*self.place)
        connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        target = asked.headers.get("X-Amz-Target")
        if target == START and answer.status == 200:
            self.paid.append(json.loads(asked.body))
        if target == START and answer.status == 200 and self.transcript is not None:
            self._write(json.loads(asked.body))
        if target == GET and self.job:
            body = json.dumps({"TranscriptionJob": self.job}).encode()
        kept = {k: v for k, v in answer.getheaders() if k.lower() in ("content-type", "etag")}
        return answer.status, kept, body

    def _write(self, job):
        said = self.transcript
        if callable(said):
            place = urlsplit(job["Media"]["MediaFileUri"])
            said = said(self.s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read())
        self.s3.put_object(Bucket=BUCKET, Key=job["OutputKey"], Body=said)

    def reset(self):
        """As new: one empty bucket, no jobs, no faults."""
        connection = http.client.HTTPConnection(*self.place)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()
        self.s3.create_bucket(Bucket=BUCKET)
        self.transcript, self.job = json.dumps(SAID).encode(), None
        self.paid, self.door.faults, self.door.guilty = [], [], lambda asked: True

    def options(self):
        """Of the engine aws-transcribe."""
        return {"bucket": BUCKET, "region": "us-east-1", "endpoint": self.door.url, "poll_s": 0.01}

    def guilty(self, target):
        self.door.guilty = lambda asked: asked.headers.get("X-Amz-Target") == target

    def left(self):
        keys = [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        return keys + self.service.list_transcription_jobs()["TranscriptionJobSummaries"]
