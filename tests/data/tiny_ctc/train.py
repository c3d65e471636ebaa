"""Train the tiny CTC model of the tests: spoken digits, American English only, from espeak-ng's voices.

A recogniser that hears one accent in training and others in the test has a disparity known by construction; with it a
real neural engine can be taken the whole way. Nobody's speech is involved. Run by hand (some minutes of one core) from
the repository's root, and say in the commit why the weights moved:

    python tests/data/tiny_ctc/train.py

It writes the model in the format of transformers (`Wav2Vec2BertForCTC`: a conformer on log-mel features, which learns
much faster than a convolution on samples) to `model/` and the table of error rates by accent to `README.md`.
"""

import json
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
import torch
from transformers import (
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2BertProcessor,
    Wav2Vec2CTCTokenizer,
)

from asrfair.audio.resample import resample
from asrfair.manifest.corpora.espeak import Request, speak_all
from asrfair.records import Waveform
from asrfair.scoring.counts import count_errors
from asrfair.seeds import rng_for

HERE = Path(__file__).parent
RATE_HZ = 16_000
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TRAINED = ["m1", "m2", "m3", "m7", "f1", "f2", "f4", "f5"]
"""Voices (espeak-ng's variants: other formants and pitch) that are heard in training."""
HELD_OUT = ["m4", "m6", "m8", "f3"]
ACCENTS = {
    "en-us": "American",
    "en-us-nyc": "New York",
    "en": "British",
    "en-gb-x-rp": "Received Pronunciation",
    "en-gb-scotland": "Scottish",
    "en-gb-x-gbclan": "Lancaster",
    "en-gb-x-gbcwmd": "West Midlands",
    "en-029": "Caribbean",
}
N_TRAIN, N_TEST = 1200, 40
SECONDS = 600.0
"""Of the processor, for training; the first argument of the command instead."""
"""Processor time to train for."""
BATCH_FRAMES = 3000
PEAK_RATE = 3e-3


def say(text):
    """Tell how far it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def plan(name, accent, voices, count, longest):
    """Texts and speakers: `count` utterances of 1 to `longest` digits."""
    requests = []
    for number in range(count):
        rng = rng_for(5, f"{name}-{number}", "tiny_ctc")
        words = rng.choice(DIGITS, size=int(rng.integers(3, longest + 1)))
        voice = f"{accent}+{voices[number % len(voices)]}"
        rate, pitch = int(rng.integers(120, 190)), int(rng.integers(25, 75))
        requests.append(Request(path="", text=" ".join(words), voice=voice, rate_wpm=rate, pitch=pitch))
    return requests


def speak(requests):
    """Waveforms at 16 kHz."""
    spoken = []
    with tempfile.TemporaryDirectory() as folder:
        for number, request in enumerate(requests):
            request["path"] = f"{folder}/{number}.wav"
        speak_all(requests)
        for request in requests:
            with wave.open(request["path"]) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
                spoken.append(resample(Waveform(samples, file.getframerate()), RATE_HZ).samples)
    return spoken


def disturb(samples, rng):
    """Add noise, white or coloured, 8 to 35 dB below the speech."""
    noise = rng.standard_normal(len(samples))
    if rng.random() < 0.5:
        noise = np.convolve(noise, np.ones(int(rng.integers(2, 12))), "same")
    gain = np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-rng.uniform(8, 35) / 20)
    return (samples + gain * noise).astype(np.float32)


def make_processor():
    """Log-mel features (40 bands, 50 frames a second) and letters."""
    letters = sorted({letter for word in DIGITS for letter in word})
    vocabulary = {token: number for number, token in enumerate(["<pad>", "<unk>", "|", *letters])}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vocab.json")
        path.write_text(json.dumps(vocabulary))
        tokenizer = Wav2Vec2CTCTokenizer(path, bos_token=None, eos_token=None, replace_word_delimiter_char=" ")
    extractor = SeamlessM4TFeatureExtractor(feature_size=40, num_mel_bins=40, stride=2)
    return Wav2Vec2BertProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def make_model(processor):
    """Three conformer layers of 96: about 0.5 million parameters."""
    config = Wav2Vec2BertConfig(
        vocab_size=len(processor.tokenizer),
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=256,
        feature_projection_input_dim=80,
        conv_depthwise_kernel_size=15,
        left_max_position_embeddings=16,
        right_max_position_embeddings=16,
        hidden_dropout=0.05,
        attention_dropout=0.05,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        layerdrop=0.0,
        apply_spec_augment=False,
        pad_token_id=processor.tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=None,
        ctc_loss_reduction="mean",
    )
    return Wav2Vec2BertForCTC(config)


def train(model, examples, seconds):
    """AdamW with warm-up and cosine decay over processor time; short utterances first."""
    decayed = [value for value in model.parameters() if value.ndim > 1]
    rest = [value for value in model.parameters() if value.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98))
    model.train()
    started, step, epoch = time.process_time(), 0, 0
    while (spent := (time.process_time() - started) / seconds) < 1:
        rng = rng_for(5, f"epoch-{epoch}", "tiny_ctc")
        for batch in batches(examples, rng if epoch else None):
            spent = (time.process_time() - started) / seconds
            if spent >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = PEAK_RATE * min(1, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * spent)))
            features, mask, labels = collate(batch, rng)
            loss = model(input_features=features, attention_mask=mask, labels=labels).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step % 25 == 0:
                say(f"epoch {epoch} step {step} {spent:.0%} loss {loss.item():.3f}")
        epoch += 1
    model.eval()


def batches(examples, rng):
    """Examples of like length; sorted by length in the first epoch, in random order after."""
    order = sorted(range(len(examples)), key=lambda number: len(examples[number][0]))
    found, batch = [], []
    for number in order:
        if batch and len(examples[number][0]) * (len(batch) + 1) > BATCH_FRAMES:
            found.append(batch)
            batch = []
        batch.append(examples[number])
    found.append(batch)
    if rng is not None:
        rng.shuffle(found)
    return found


def collate(batch, rng):
    """One tensor each of features (a few bands and moments blanked), mask and labels."""
    longest = max(len(features) for features, _ in batch)
    features = torch.zeros(len(batch), longest, batch[0][0].shape[1])
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), max(len(text) for _, text in batch)), -100)
    for row, (values, text) in enumerate(batch):
        values = values.copy()
        band, at = int(rng.integers(36)), int(rng.integers(max(1, len(values) - 4)))
        values[:, band : band + 4] = values[:, 40 + band : 44 + band] = 0
        values[at : at + int(rng.integers(1, 4))] = 0
        features[row, : len(values)] = torch.from_numpy(values)
        mask[row, : len(values)] = 1
        labels[row, : len(text)] = torch.tensor(text)
    return features, mask, labels


def features_of(processor, samples):
    """Features of one utterance, shape (frames, 80)."""
    found = processor.feature_extractor(samples, sampling_rate=RATE_HZ, return_tensors="np")
    return found["input_features"][0][found["attention_mask"][0] == 1]


def error_rates(model, processor):
    """Accent -> (word error rate, words), on texts and voices that were not heard in training."""
    found = {}
    for accent in ACCENTS:
        requests = plan("test", accent, HELD_OUT, N_TEST, 6)
        heard = []
        for samples in speak(requests):
            with torch.inference_mode():
                logits = model(torch.from_numpy(features_of(processor, samples))[None]).logits
            heard.append(processor.decode(logits[0].argmax(-1)))
        counts = count_errors([request["text"] for request in requests], heard).to_pydict()
        errors = sum(counts["substitutions"]) + sum(counts["deletions"]) + sum(counts["insertions"])
        words = sum(counts["substitutions"]) + sum(counts["deletions"]) + sum(counts["hits"])
        found[accent] = (errors / words, words)
        say(f"{accent:16} {errors / words:.1%}  e.g. {requests[0]['text']!r} -> {heard[0]!r}")
    return found


README = """\
# A tiny CTC model: digits, American English

`model/` is a conformer of {parameters:,} parameters in the format of transformers (`Wav2Vec2BertForCTC`), trained by
`train.py` on {n_train} utterances of espeak-ng (voice `en-us`, variants {trained}; light noise). It serves the tests: a
real neural engine with real words, whose disparity by accent is known by construction. It is no measure of anything.

Word error rates on {n_test} utterances of each accent, the same texts, spoken by variants that were not heard in
training ({held_out}):

| espeak-ng voice | accent | words | WER |
|---|---|---|---|
{rows}
"""


def main(seconds=SECONDS):
    """Speak, train, save, and say how well it hears whom."""
    torch.manual_seed(5)
    torch.set_num_threads(1)
    processor = make_processor()
    requests = plan("train", "en-us", TRAINED, N_TRAIN, 6)
    examples = []
    for number, (request, samples) in enumerate(zip(requests, speak(requests), strict=True)):
        rng = rng_for(5, f"noise-{number}", "tiny_ctc")
        noisy = disturb(samples, rng) if rng.random() < 0.7 else samples
        examples.append((features_of(processor, noisy), processor.tokenizer(request["text"]).input_ids))
    say(f"{len(examples)} utterances, {sum(len(values) for values, _ in examples) / 50:.0f} s")
    model = make_model(processor)
    train(model, examples, seconds)
    rates = error_rates(model, processor)
    model.half().save_pretrained(HERE / "model")
    processor.save_pretrained(HERE / "model")
    rows = "\n".join(
        f"| `{accent}` | {ACCENTS[accent]} | {words} | {rate:.1%} |" for accent, (rate, words) in rates.items()
    )
    facts = {"parameters": model.num_parameters(), "n_train": N_TRAIN, "n_test": N_TEST, "rows": rows}
    voices = {"trained": ", ".join(TRAINED), "held_out": ", ".join(HELD_OUT)}
    (HERE / "README.md").write_text(README.format(**facts, **voices))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
