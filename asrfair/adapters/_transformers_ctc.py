"""CTC models of transformers: wav2vec 2.0, HuBERT, WavLM, MMS, Parakeet-CTC and their kin.

Batching must not change a transcript. It does where a model normalises over time (group norm: its statistics take the
padding in) or lets padding leak in otherwise. So a family is batched only if it takes an attention mask and its texts
in a batch were found equal to those alone (`tests/adapters`); others run one by one unless told otherwise.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asrfair.adapters import _ctc
from asrfair.adapters._torch import to_device
from asrfair.errors import InputError
from asrfair.records import Transcript, Waveform

if TYPE_CHECKING:
    import torch

MASKED = {"hubert", "parakeet_ctc", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-bert", "wavlm"}
"""Families whose padding has no effect, given an attention mask and no group norm. In wav2vec2-conformer,
data2vec-audio, SEW and SEW-D it was found to leak (through convolutions that take no mask)."""


class CtcModel:
    """A CTC model, its features and its tokenizer.

    Args:
        source: where it comes from.
        config: its configuration.
        loading: arguments of the model's `from_pretrained`.
        device: where it runs.
        language: for models with an adapter a language (MMS): which, e.g. `eng`.
        batch_unmasked: batch it even if that may change texts.

    Raises:
        InputError: it cannot be loaded, or takes no language.
    """

    def __init__(
        self,
        source: Any,
        config: Any,
        loading: dict[str, Any],
        device: torch.device,
        language: str | None,
        batch_unmasked: bool,
    ) -> None:
        import transformers

        if language is not None:
            if getattr(config, "adapter_attn_dim", None) is None:
                raise InputError(
                    f"the engine transformers: language={language}, but {source.given} is a CTC model without language "
                    "adapters: leave it out"
                )
            loading = {**loading, "target_lang": language, "ignore_mismatched_sizes": True}
        self.model = source.load(transformers.AutoModelForCTC.from_pretrained, **loading).to(device).eval()
        self._extractor = source.load(transformers.AutoFeatureExtractor.from_pretrained)
        more = {} if language is None else {"target_lang": language}
        self._tokenizer = source.load(transformers.AutoTokenizer.from_pretrained, **more)
        self._device = device
        self._on_device = "device" in inspect.signature(type(self._extractor).__call__).parameters
        self.sample_rate_hz = int(self._extractor.sampling_rate)
        self.is_batched = batch_unmasked or self._is_masked()
        self.batch_size = _ctc.MOST_ROWS if self.is_batched else 1
        self.batch_audio_s: float | None = _ctc.CPU_AUDIO_S if device.type == "cpu" else _ctc.GPU_AUDIO_S
        self.longest_s: float | None = _ctc.LONGEST_S
        self._letters = self._make_letters()

    def _is_masked(self) -> bool:
        config = self.model.config
        has_group_norm = getattr(config, "feat_extract_norm", None) == "group"
        takes_mask = bool(getattr(self._extractor, "return_attention_mask", True))
        return config.model_type in MASKED and takes_mask and not has_group_norm

    def _make_letters(self) -> _ctc.Letters:
        tokenizer = self._tokenizer
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))

        def spell(numbers: list[int]) -> str:
            text: str = tokenizer.decode(numbers, group_tokens=False, skip_special_tokens=True)
            return text

        blank = self.model.config.pad_token_id
        if blank is None:
            blank = tokenizer.pad_token_id
        return _ctc.Letters(int(blank), tokens, getattr(tokenizer, "word_delimiter_token", None), spell)

    def transcribe(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode a batch, in one go or one by one."""
        if self.is_batched:
            return self._decode(batch)
        return [self._decode([waveform])[0] for waveform in batch]

    def _decode(self, batch: Sequence[Waveform]) -> list[Transcript]:
        inputs = self._features(batch)
        mask = inputs.get("attention_mask")
        with warnings.catch_warnings():  # WavLM, to torch: its two masks have two types, which changes nothing.
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
            scores = self.model(**inputs).logits.float()
        best, numbers = scores.max(-1)
        posteriors = (best - scores.logsumexp(-1)).exp().cpu().numpy()
        numbers = numbers.cpu().numpy()
        lengths = [scores.shape[1]] * len(batch) if mask is None else self._frames(mask, scores.shape[1])
        found = []
        for row, (waveform, length) in enumerate(zip(batch, lengths, strict=True)):
            tokens = _ctc.merged(numbers[row, :length], posteriors[row, :length], self._letters.blank)
            found.append(_ctc.transcript_of(tokens, self._letters, waveform.duration_s, length))
        return found

    def _features(self, batch: Sequence[Waveform]) -> dict[str, torch.Tensor]:
        """The model's inputs, made on its device where the extractor can."""
        where = {"device": str(self._device)} if self._on_device else {}
        samples = [waveform.samples for waveform in batch]
        rate_hz = self.sample_rate_hz
        features = self._extractor(samples, sampling_rate=rate_hz, padding=True, return_tensors="pt", **where)
        inputs = {name: to_device(tensor, self._device) for name, tensor in features.items()}
        name = self.model.main_input_name
        inputs[name] = inputs[name].to(self.model.dtype)
        return inputs

    def _frames(self, mask: torch.Tensor, longest: int) -> list[int]:
        """How many frames of the model's answer belong to each row (as its own loss counts them)."""
        if hasattr(self.model, "_get_output_attention_mask"):
            own = self.model._get_output_attention_mask(mask, target_length=longest).sum(-1)
        else:
            own = self.model._get_feat_extract_output_lengths(mask.sum(-1))
        return [min(longest, int(length)) for length in own.tolist()]
