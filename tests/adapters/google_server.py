"""Google's Speech-to-Text v2 on loopback, over gRPC."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("google.cloud.speech_v2", reason="pip install 'asrfair[google]'")

import grpc
from google.cloud.speech_v2 import RecognizeRequest, RecognizeResponse
from google.rpc import status_pb2
from grpc_status import rpc_status
from http_faults import SLOW

SAID = {
    "results": [
        {
            "alternatives": [
                {
                    "transcript": "hello",
                    "confidence": 0.9,
                    "words": [{"endOffset": "0.400s", "word": "hello", "confidence": 0.5}],
                },
                {"transcript": "hollow"},
            ]
        },
        {"resultEndOffset": "0.450s"},
        {
            "alternatives": [
                {"transcript": " world", "words": [{"startOffset": "0.5s", "endOffset": "1s", "word": "world"}]}
            ]
        },
    ]
}


class Grpc:
    """Answers Recognize with `answer(request)`, a dict as in JSON; fails with what is in `faults` first."""

    def __init__(self):
        self.answer, self.faults, self.asked = lambda request: SAID, [], []
        self.over = threading.Event()
        handler = grpc.unary_unary_rpc_method_handler(
            self.recognize,
            RecognizeRequest.deserialize,
            lambda said: said if isinstance(said, bytes) else type(said).serialize(said),
        )
        handlers = grpc.method_handlers_generic_handler("google.cloud.speech.v2.Speech", {"Recognize": handler})
        self.server = grpc.server(ThreadPoolExecutor(8), handlers=(handlers,))
        self.url = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def recognize(self, request, context):
        self.asked.append((request, dict(context.invocation_metadata())))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, bytes):
            return fault
        if fault == SLOW:
            self.over.wait(20)
        elif isinstance(fault, status_pb2.Status):
            context.abort_with_status(rpc_status.to_status(fault))
        elif fault:
            context.abort(fault, "told to")
        return RecognizeResponse.from_json(json.dumps(self.answer(request)))

    def close(self):
        self.over.set()
        self.server.stop(0).wait()
