"""Azure's fast transcription on loopback: what it says, and how its requests are read."""

import email
import json

CANARY = "canary0123456789canary0123456789"
SAID = {
    "durationMilliseconds": 1000,
    "combinedPhrases": [{"text": "Hello, world."}],
    "phrases": [
        {
            "offsetMilliseconds": 40,
            "durationMilliseconds": 900,
            "text": "Hello, world.",
            "words": [
                {"text": "Hello,", "offsetMilliseconds": 40, "durationMilliseconds": 400},
                {"text": "world.", "offsetMilliseconds": 500, "durationMilliseconds": 440},
            ],
            "locale": "en-US",
            "confidence": 0.93,
        }
    ],
}


def answer(said, status=200, headers=None):
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(said).encode()


def parts(asked):
    """The parts of a multipart body by name."""
    whole = email.message_from_bytes(b"Content-Type: " + asked.headers["Content-Type"].encode() + b"\n\n" + asked.body)
    return {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in whole.get_payload()}
