"""The OpenAI engine against a server that we did not write: `transformers serve` with a random tiny Whisper."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from asrfair.adapters import load_engine
from asrfair.records import Waveform
from asrfair.seeds import rng_for

NEEDED = ("openai", "torch", "transformers", "fastapi", "uvicorn", "python_multipart", "librosa")
ABSENT = [library for library in NEEDED if importlib.util.find_spec(library) is None]
pytestmark = [
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)} (transformers[serving], openai)"),
    pytest.mark.skipif(os.environ.get("ASRFAIR_SLOW") != "1", reason="half a minute of start-up: set ASRFAIR_SLOW=1"),
]
START_UP_S = 90
SPECIALS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|translate|>", "<|notimestamps|>"]

BUILD = """
import sys
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration,
                          WhisperProcessor, WhisperTokenizerFast)
folder, specials = sys.argv[1], sys.argv[2:]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=specials, initial_alphabet=alphabet)
tokenizer.train_from_iterator(["the patient says hello"], trainer)
fast = WhisperTokenizerFast(tokenizer_object=tokenizer, unk_token=specials[0], bos_token=specials[0],
                            eos_token=specials[0], pad_token=specials[0], additional_special_tokens=specials[1:])
ids = {name: fast.convert_tokens_to_ids(name) for name in specials}
extractor = WhisperFeatureExtractor(feature_size=80)
WhisperProcessor(extractor, fast).save_pretrained(folder)
torch.manual_seed(0)
end, start = ids[specials[0]], ids[specials[1]]
config = WhisperConfig(vocab_size=len(fast), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                       decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=24,
                       decoder_start_token_id=start, bos_token_id=end, eos_token_id=end, pad_token_id=end)
model = WhisperForConditionalGeneration(config)
model.generation_config = GenerationConfig(
    decoder_start_token_id=start, bos_token_id=end, eos_token_id=end, pad_token_id=end, max_length=16,
    is_multilingual=True, lang_to_id={"<|en|>": ids["<|en|>"]}, no_timestamps_token_id=ids["<|notimestamps|>"],
    task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
    forced_decoder_ids=None, suppress_tokens=[end, *list(ids.values())], begin_suppress_tokens=None)
model.save_pretrained(folder)
"""


def waiting_for(url, process):
    deadline = time.monotonic() + START_UP_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"transformers serve ended: {process.stdout.read()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"transformers serve was not ready in {START_UP_S} s")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", "--host", "127.0.0.1", "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    talk = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen([*command, "--port", str(port)], env=environment, **talk)
    try:
        # It loads a model when it is first asked for one, so the model is made while it starts.
        subprocess.run([sys.executable, "-c", BUILD, str(folder), *SPECIALS], env=environment, check=True)
        waiting_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_server_of_the_protocol_that_we_did_not_write_is_understood(served, monkeypatch):
    url, model = served
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    engine = load_engine("openai", {"endpoint": url, "model": model})
    engine.timeout_s = 60.0
    samples = rng_for(5, "served", "test").normal(0, 0.1, 16_000).astype(np.float32)
    first, second = (engine.transcribe_batch([Waveform(samples, 16_000)])[0] for _ in range(2))
    engine.close()
    assert first.text
    assert first.text == second.text
