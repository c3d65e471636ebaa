"""The wav2vec 2.0 and HuBERT bundles of torchaudio, decoded greedily or by a beam search with a lexicon and n-grams.

A bundle is an architecture, its labels and weights that torchaudio downloads into torch's hub folder; `weights` names a
file instead. Waveforms are normalised one by one: torchaudio's own wrapper takes mean and variance over the batch, so
that a speaker's words would depend on who else is in it. For the same reason a model with group norm (all `BASE`
bundles) runs one by one unless told otherwise, and only a row's own frames are decoded (see `_ctc`).

The library's function for audio is not used, only its models.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from asrfair.adapters import _ctc, _torchaudio_models
from asrfair.adapters._base import Adapter, check_waveform
from asrfair.errors import InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

DECODERS = ("greedy", "ctc_beam")


class Torchaudio(Adapter):
    """A CTC model of torchaudio.

    Args:
        bundle: name in `torchaudio.pipelines`, e.g. `WAV2VEC2_ASR_BASE_960H`; None if `weights` has the whole model.
        weights: file in place of a download: the bundle's own weights, or, without a bundle, a dict saved by
            `torch.save` with `architecture` (arguments of `torchaudio.models.wav2vec2_model`), `labels` (the first is
            the blank, `|` is between words), `normalize_waveform`, `sample_rate_hz` and `state_dict`.
        decoder: `greedy`, or `ctc_beam` (needs the package flashlight-text).
        beam_size: beams of `ctc_beam`.
        lexicon: file of words with their spellings for `ctc_beam`; None lets it spell freely.
        lm: KenLM file for `ctc_beam`.
        lm_weight: weight of the language model.
        word_score: added for every word.
        dtype: `float32`, `bfloat16` or `float16`; `auto` is bfloat16 on a GPU, float32 on the CPU.
        device: `auto`, `cpu` or `cuda`.
        batch_unmasked: batch models with group norm too; then a text may depend on what else is in the batch.

    Raises:
        MissingExtraError: torch or torchaudio is not installed.
        InputError: an unknown bundle, an option outside its range, or weights that cannot be had.
    """

    EXTRA: ClassVar[str] = "torch"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("torch", "torchaudio")
    on_gpu: ClassVar[bool] = True

    def __init__(
        self,
        bundle: str | None = None,
        weights: str | None = None,
        decoder: str = "greedy",
        beam_size: int = 50,
        lexicon: str | None = None,
        lm: str | None = None,
        lm_weight: float = 2.0,
        word_score: float = 0.0,
        dtype: str = "auto",
        device: str = "auto",
        batch_unmasked: bool = False,
    ) -> None:
        from asrfair.adapters import _torch

        try:
            import torch
            import torchaudio
        except ImportError as error:
            raise MissingExtraError("the engine torchaudio", "torch") from error
        if decoder not in DECODERS or beam_size < 1:
            raise InputError(
                f"the engine torchaudio: decoder={decoder} is not one of {', '.join(DECODERS)}, or "
                f"beam_size={beam_size} is not 1 or more"
            )
        self._device = _torch.choose_device("torchaudio", device)
        self._dtype = _torch.choose_precision("torchaudio", dtype, self._device)
        network, labels, self._is_normalized, self.sample_rate_hz = _torchaudio_models.load(bundle, weights)
        self._digest = _torchaudio_models.tensors_sha256(network)
        self._network = network.to(self._device, self._dtype).eval()
        self._letters = _ctc.Letters(0, labels, "|", lambda numbers: _spelt(labels, numbers))
        has_group_norm = any(isinstance(part, torch.nn.GroupNorm) for part in network.modules())
        self._is_batched = batch_unmasked or not has_group_norm
        self.batch_size = _ctc.MOST_ROWS if self._is_batched else 1
        self.most_padding = _ctc.CPU_PADDING if self._device.type == "cpu" else None
        self.batch_audio_s = _ctc.CPU_AUDIO_S if self._device.type == "cpu" else _ctc.GPU_AUDIO_S
        self.longest_s = _ctc.LONGEST_S
        search = {"beam_size": beam_size, "lm_weight": lm_weight, "word_score": word_score}
        self._beams = _torchaudio_models.beam_decoder(labels, lexicon, lm, search) if decoder == "ctc_beam" else None
        self._has_lexicon = lexicon is not None
        self._version = torchaudio.__version__.partition("+")[0]
        self._options: dict[str, Any] = {
            "bundle": bundle,
            "weights_sha256": self._digest,
            "dtype": str(self._dtype).removeprefix("torch."),
            "decoder": decoder,
            "batch_unmasked": batch_unmasked,
            "longest_s": self.longest_s,
        }
        if self._beams is not None:
            files = {"lexicon_sha256": lexicon, "lm_sha256": lm}
            digests = {key: None if path is None else _torch.files_sha256(Path(path)) for key, path in files.items()}
            self._options |= search | digests

    def describe(self) -> SystemInfo:
        """Library version, bundle, digest of the weights, precision and decoding."""
        return SystemInfo("torchaudio", self._version, self._options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Transcribe a batch; each text is what the model says of that waveform alone."""
        from asrfair.adapters._torch import run_guarded

        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
        if not batch:
            return []
        if self._is_batched:
            return run_guarded("torchaudio", lambda: self._decode(batch))
        return run_guarded("torchaudio", lambda: [self._decode([waveform])[0] for waveform in batch])

    def _decode(self, batch: Sequence[Waveform]) -> list[Transcript]:
        import torch

        from asrfair.adapters._torch import padded, to_device

        if self._is_normalized:
            batch = [Waveform(_normalized(waveform.samples), waveform.sample_rate_hz) for waveform in batch]
        samples = to_device(torch.from_numpy(padded(batch)), self._device).to(self._dtype)
        own = torch.tensor([len(waveform.samples) for waveform in batch], device=self._device)
        scores, frames = self._network(samples, own if len(batch) > 1 else None)
        chances = scores.float().log_softmax(-1)
        lengths = [scores.shape[1]] if frames is None else [int(length) for length in frames.tolist()]
        if self._beams is not None:
            return [
                self._searched(chances[row : row + 1, :length].cpu(), waveform.duration_s)
                for row, (length, waveform) in enumerate(zip(lengths, batch, strict=True))
            ]
        best, numbers = chances.max(-1)
        posteriors, numbers = best.exp().cpu().numpy(), numbers.cpu().numpy()
        found = []
        for row, (length, waveform) in enumerate(zip(lengths, batch, strict=True)):
            tokens = _ctc.merged(numbers[row, :length], posteriors[row, :length], 0)
            found.append(_ctc.transcript_of(tokens, self._letters, waveform.duration_s, length))
        return found

    def _searched(self, chances: torch.Tensor, duration_s: float) -> Transcript:
        """The best of the beams for one row, log probabilities of shape (1, frames, labels)."""
        beams: Any = self._beams
        hypotheses = beams(chances.contiguous())[0]
        if not hypotheses:
            return Transcript("", ())
        best, n_frames = hypotheses[0], chances.shape[1]
        places = [min(int(place), n_frames - 1) for place in best.timesteps.tolist()]
        posteriors = chances[0].exp().numpy()
        tokens = [
            _ctc.Token(number, place, place + 1, posteriors[place : place + 1, number])
            for number, place in zip(best.tokens.tolist(), places, strict=True)
        ]
        spelt = _ctc.transcript_of(tokens, self._letters, duration_s, n_frames)
        if not self._has_lexicon:
            return spelt
        return Transcript(" ".join(best.words), _renamed(spelt.words, best.words))


def _renamed(spelt: Sequence[Word] | None, words: Sequence[str]) -> tuple[Word, ...] | None:
    """The lexicon's words with the times of their spellings; None where these are not as many."""
    if spelt is None or len(spelt) != len(words):
        return None
    return tuple(Word(word, s.start_s, s.end_s, s.confidence) for word, s in zip(words, spelt, strict=True))


def _normalized(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0 and variance 1, as the layer norm that the models were trained behind."""
    centred = samples - samples.mean(dtype=np.float64)
    return np.asarray(centred / np.sqrt(np.mean(centred**2) + 1e-5), np.float32)


def _spelt(labels: Sequence[str], numbers: Sequence[int]) -> str:
    return " ".join("".join(labels[number] for number in numbers).replace("|", " ").split())
