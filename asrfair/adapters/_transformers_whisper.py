"""Whisper (Radford et al. 2023, arXiv 2212.04356) in transformers.

- Log-mel features are made on the model's device: the library's own formula, without its way back through the CPU.
- Audio up to 30 s is one window, decoded greedily (or by beams), without temperature fallback: the same audio gives the
  same text. Longer audio goes through the model's own sequential algorithm (section 3.8 of the paper), which seeks by
  the times that it predicts; cutting it elsewhere would lose words at the cuts. The two are never in one batch: a clip
  beside a long one would be decoded with times, and alone without.
- Word times: dynamic time warping over the alignment heads' cross-attention (the library's); needs eager attention.
- Word confidences: the mean of the word's tokens' probabilities (as in openai-whisper's `timing.py`), here after the
  tokens that the decoder may not say are ruled out.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asrfair.adapters import _whisper_words
from asrfair.adapters._torch import padded, to_device
from asrfair.errors import InputError
from asrfair.records import Transcript, Waveform, Word

if TYPE_CHECKING:
    import torch

CPU_BATCH, GPU_BATCH = 4, 32
FALLBACK = {
    "temperature": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    "compression_ratio_threshold": 1.35,
    "logprob_threshold": -1.0,
}
"""The library's example of the paper's fallback; its compression ratio is over tokens, so 1.35 and not 2.4."""


class WhisperModel:
    """A Whisper model.

    Args:
        source: where it comes from.
        loading: arguments of the model's `from_pretrained`.
        device: where it runs.
        language: code (`en`) or name (`english`); None lets the model detect it, clip by clip.
        task: `transcribe` or `translate`.
        prompt: text put before the first window, to bias it.
        num_beams: beams of the search; 1 is greedy.
        max_new_tokens: the most tokens a window; None for the model's own limit.
        fallback: decode a window that went wrong again, sampling at rising temperatures.
        word_times: find the times of words.
        confidences: give the confidences of words.

    Raises:
        InputError: it cannot be loaded, or does not know the language or the task.
    """

    def __init__(
        self,
        source: Any,
        loading: dict[str, Any],
        device: torch.device,
        *,
        language: str | None,
        task: str,
        prompt: str | None,
        num_beams: int,
        max_new_tokens: int | None,
        fallback: bool,
        word_times: bool,
        confidences: bool,
    ) -> None:
        import transformers

        if confidences and (num_beams > 1 or fallback):
            raise InputError("the engine transformers: confidences=true needs num_beams=1 and fallback=false")
        if word_times:
            loading = {**loading, "attn_implementation": "eager"}
        self.model = source.load(transformers.AutoModelForSpeechSeq2Seq.from_pretrained, **loading).to(device).eval()
        processor = source.load(transformers.AutoProcessor.from_pretrained)
        self._extractor, self._tokenizer = processor.feature_extractor, processor.tokenizer
        self._device = device
        self.sample_rate_hz = int(self._extractor.sampling_rate)
        self.is_batched = True
        self.batch_size = CPU_BATCH if device.type == "cpu" else GPU_BATCH
        self.batch_audio_s: float | None = None
        self.longest_s: float | None = None
        self._word_times, self._confidences = word_times, confidences
        self._asked = {**self._spoken(source.given, language, task), "num_beams": num_beams, "do_sample": False}
        if max_new_tokens is not None:
            generation = self.model.generation_config
            generation.max_length, generation.max_new_tokens = None, max_new_tokens
        self._asked |= FALLBACK if fallback else {"temperature": 0.0}
        if prompt is not None:
            self._asked["prompt_ids"] = self._tokenizer.get_prompt_ids(prompt, return_tensors="pt").to(device)
        self._first_special = min(self._tokenizer.all_special_ids)
        self._written = _whisper_words.language_name(language)
        import torch

        self._window = torch.hann_window(self._extractor.n_fft, device=device)
        self._mel = torch.from_numpy(self._extractor.mel_filters).to(device, torch.float32).T

    def _spoken(self, given: str, language: str | None, task: str) -> dict[str, Any]:
        """What `generate` gets of language and task: nothing for a model of English alone."""
        known = getattr(self.model.generation_config, "lang_to_id", None) or {}
        if task not in ("transcribe", "translate"):
            raise InputError(f"the engine transformers: task={task} is not transcribe or translate")
        if not getattr(self.model.generation_config, "is_multilingual", bool(known)):
            if task != "transcribe" or _whisper_words.language_code(language) not in (None, "en"):
                raise InputError(f"the engine transformers: {given} knows English alone: leave language= and task= out")
            return {}
        if language is not None and f"<|{_whisper_words.language_code(language)}|>" not in known:
            spoken = ", ".join(sorted(code.strip("<|>") for code in known))
            raise InputError(f"the engine transformers: language={language} is not one of {given}'s: {spoken}")
        return {"task": task} | ({"language": _whisper_words.language_code(language)} if language else {})

    def transcribe(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Transcribe a batch: what fits one window together, what does not by its own algorithm."""
        window = self._extractor.n_samples
        found: dict[int, Transcript] = {}
        short = [row for row, waveform in enumerate(batch) if len(waveform.samples) <= window]
        is_alone = self._word_times and self._confidences
        groups = [[row] for row in short] if is_alone else [short] if short else []
        long = [row for row in range(len(batch)) if len(batch[row].samples) > window]
        groups += [[row] for row in long] if self._confidences else [long] if long else []
        for group in groups:
            said = self._generate([batch[row] for row in group], is_long=group[0] in long)
            found.update(zip(group, said, strict=True))
        return [found[row] for row in range(len(batch))]

    def _generate(self, batch: Sequence[Waveform], *, is_long: bool) -> list[Transcript]:
        import torch
        from transformers import LogitsProcessorList

        features, mask = self._features(batch, is_long=is_long)
        asked = dict(self._asked)
        asked["return_timestamps"] = is_long or self._word_times
        if self._word_times:
            asked["return_token_timestamps"] = True
        heard = _whisper_words.Recorder()
        if self._confidences:
            asked["logits_processor"] = LogitsProcessorList([heard])
        with warnings.catch_warnings():  # The library's search for word times gives numpy a tensor.
            warnings.filterwarnings("ignore", message="__array_wrap__ must accept")
            output = self.model.generate(features, attention_mask=mask, return_segments=True, **asked)
        transcripts = []
        for row, (segments, waveform) in enumerate(zip(output["segments"], batch, strict=True)):
            tokens = [number for segment in segments for number in segment["tokens"].tolist()]
            times_s = None
            if self._word_times:
                pieces = [segment["token_timestamps"] for segment in segments]
                times_s = torch.cat(pieces).tolist() if pieces else []
            chances = heard.probabilities(row, segments) if self._confidences else None
            transcripts.append(self._transcript(tokens, times_s, chances, waveform.duration_s))
        return transcripts

    def _features(self, batch: Sequence[Waveform], *, is_long: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-mel features, shape (rows, bands, frames), and their mask."""
        import torch

        if not is_long:
            rows = [torch.from_numpy(padded(batch, self._extractor.n_samples))]
        else:  # One by one: the last frames of a row would else differ with what it is padded to.
            rows = [torch.from_numpy(padded([waveform])) for waveform in batch]
        made = [self.log_mel(to_device(samples, self._device)) for samples in rows]
        n_frames = max(features.shape[-1] for features in made)
        features = torch.cat([torch.nn.functional.pad(one, (0, n_frames - one.shape[-1])) for one in made])
        hop = self._extractor.hop_length
        own = torch.tensor([min(n_frames, -(-len(waveform.samples) // hop)) for waveform in batch])
        mask = (torch.arange(n_frames) < own[:, None]).long()
        return features.to(self.model.dtype), mask.to(self._device)

    def log_mel(self, samples: torch.Tensor) -> torch.Tensor:
        """The library's features, where the samples are: shape (rows, samples) to (rows, bands, frames)."""
        import torch

        extractor = self._extractor
        spectrum = torch.stft(samples, extractor.n_fft, extractor.hop_length, window=self._window, return_complex=True)
        power = (spectrum[..., :-1].abs() ** 2).contiguous()
        level = torch.clamp(self._mel @ power, min=1e-10).log10()
        level = torch.maximum(level, level.amax(dim=(1, 2), keepdim=True) - 8.0)
        return (level + 4.0) / 4.0

    def _transcript(
        self, tokens: list[int], times_s: list[float] | None, chances: list[float] | None, duration_s: float
    ) -> Transcript:
        kept = [place for place, number in enumerate(tokens) if number < self._first_special]
        numbers = [tokens[place] for place in kept]
        text = self._tokenizer.decode(numbers, skip_special_tokens=True).strip()
        if times_s is None and chances is None:
            return Transcript(text)
        from transformers.models.whisper.tokenization_whisper import _combine_tokens_into_words

        words = []
        for word, _, places in zip(*_combine_tokens_into_words(self._tokenizer, numbers, self._written), strict=True):
            own = [kept[place] for place in places]
            start_s, end_s = _whisper_words.span(own, times_s, duration_s)
            confidence = None if chances is None else sum(chances[place] for place in own) / len(own)
            if word.strip():
                words.append(Word(word.strip(), start_s, end_s, confidence))
        return Transcript(text, tuple(words))
