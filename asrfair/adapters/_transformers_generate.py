"""Models of transformers that write their text token by token.

These are Canary, Granite, Moonshine, Qwen3-ASR, Voxtral and their kin, and the transducers (Parakeet TDT and RNN-T);
Whisper has a file of its own.

How a model is asked differs from family to family: where its processor makes a transcription request by itself
(`apply_transcription_request`), that is used, with those of language and prompt that it takes; else its processor is
called with the audio (and, where it has a chat template, the prompt).

Parakeet's transducers are batched: the library lets a row that came to its end go on emitting until the longest row's
is reached, and what lies behind a row's own frames is cut off here. The others run one by one unless told otherwise:
in Moonshine padding changes texts (group norm), and in the rest it was not measured.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from asrfair.adapters import _ctc
from asrfair.adapters._torch import to_device
from asrfair.errors import InputError
from asrfair.records import Transcript, Waveform, Word

if TYPE_CHECKING:
    import torch

TRANSDUCERS = {"ForTDT": "AutoModelForTDT", "ForRNNT": "AutoModelForRNNT"}
MASKED_TRANSDUCERS = {"parakeet_rnnt", "parakeet_tdt"}
DEFAULT_NEW_TOKENS = 256
LONGEST_S = 30.0
GPU_BATCH, CPU_BATCH = 16, 4
CHAT_PROMPT = "can you transcribe the speech into a written format?"
"""What a chat model without a request of its own is asked (Granite Speech's own wording), unless a prompt is given."""


class GeneratingModel:
    """A model that is asked through its processor and answers with tokens.

    Args:
        source: where it comes from.
        config: its configuration.
        loading: arguments of the model's `from_pretrained`.
        device: where it runs.
        language, prompt: what to ask for; refused where the family has no place for it.
        num_beams: beams of the search; 1 is greedy.
        max_new_tokens: the most tokens of an answer; None for the model's own limit, or 256 if it has none.
        is_batched: whether several waveforms may go in at once.

    Raises:
        InputError: it cannot be loaded, or does not take the language or the prompt.
    """

    def __init__(
        self,
        source: Any,
        config: Any,
        loading: dict[str, Any],
        device: torch.device,
        *,
        language: str | None,
        prompt: str | None,
        num_beams: int,
        max_new_tokens: int | None,
        is_batched: bool,
    ) -> None:
        import transformers

        named = (config.architectures or [""])[0]
        kind = next((kind for kind in TRANSDUCERS if named.endswith(kind)), None)
        self._is_transducer = kind is not None
        auto = TRANSDUCERS[kind] if kind else _auto_class(config)
        self.model = source.load(getattr(transformers, auto).from_pretrained, **loading).to(device).eval()
        self._processor = source.load(transformers.AutoProcessor.from_pretrained)
        self._device = device
        self._name = source.given
        self.sample_rate_hz = int(getattr(_audio_part(self._processor), "sampling_rate", 16_000))
        self._asked = self._what_to_ask(language, prompt)
        self._generation: dict[str, Any] = {}
        if not self._is_transducer:
            self._generation = {"do_sample": False, "num_beams": num_beams}
            limit = self.model.generation_config
            has_own = limit.max_length is not None or limit.max_new_tokens is not None
            if max_new_tokens is not None or not has_own:
                limit.max_length, limit.max_new_tokens = None, max_new_tokens or DEFAULT_NEW_TOKENS
        self.is_batched = is_batched or config.model_type in MASKED_TRANSDUCERS
        is_cpu = device.type == "cpu"
        self.batch_size = 1 if not self.is_batched else CPU_BATCH if is_cpu else GPU_BATCH
        self.batch_audio_s: float | None = None
        self.longest_s: float | None = LONGEST_S
        if self._is_transducer:
            self.batch_size = _ctc.MOST_ROWS if self.is_batched else 1
            self.batch_audio_s = _ctc.CPU_AUDIO_S if is_cpu else _ctc.GPU_AUDIO_S
            self.longest_s = _ctc.LONGEST_S

    def _what_to_ask(self, language: str | None, prompt: str | None) -> dict[str, Any]:
        """The arguments that carry language and prompt, by the names that this processor has for them."""
        ask = getattr(self._processor, "apply_transcription_request", self._processor.__call__)
        takes = inspect.signature(ask).parameters
        asked: dict[str, Any] = {}
        names = [name for name in ("language", "source_language") if name in takes]
        if language is not None:
            if not names:
                raise InputError(f"the engine transformers: {self._name} takes no language: leave language= out")
            asked[names[0]] = language
        elif names and takes[names[0]].default is inspect.Parameter.empty:
            raise InputError(f"the engine transformers: {self._name} needs a language: language=en, say")
        self._template_prompt = None
        if prompt is not None and "prompt" in takes:
            asked["prompt"] = prompt
        elif _needs_chat(self._processor):
            self._template_prompt = prompt or CHAT_PROMPT
        elif prompt is not None:
            raise InputError(f"the engine transformers: {self._name} takes no prompt: leave prompt= out")
        fixed = {"model_id": self._name, "format": "WAV", "sampling_rate": self.sample_rate_hz}
        asked.update({name: value for name, value in fixed.items() if name in takes})
        return asked

    def transcribe(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Transcribe a batch, in one go or one by one."""
        if self.is_batched:
            return self._answer(batch)
        return [self._answer([waveform])[0] for waveform in batch]

    def _request(self, batch: Sequence[Waveform]) -> dict[str, Any]:
        """The model's inputs."""
        audio = [waveform.samples for waveform in batch]
        asked = dict(self._asked)
        if hasattr(self._processor, "apply_transcription_request"):
            made = self._processor.apply_transcription_request(audio=audio, **asked)
        elif self._template_prompt is not None:
            said = f"{getattr(self._processor, 'audio_token', '<|audio|>')}{self._template_prompt}"
            chat = [{"role": "user", "content": said}]
            template = self._processor.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            made = self._processor(text=[template] * len(audio), audio=audio, return_tensors="pt", padding=True)
        else:
            asked.setdefault("sampling_rate", self.sample_rate_hz)
            made = self._processor(audio, return_tensors="pt", padding=True, **asked)
        inputs = {}
        for name, value in made.items():
            if hasattr(value, "to"):
                moved = to_device(value, self._device)
                inputs[name] = moved.to(self.model.dtype) if moved.is_floating_point() else moved
        return inputs

    def _answer(self, batch: Sequence[Waveform]) -> list[Transcript]:
        inputs = self._request(batch)
        with warnings.catch_warnings():  # A transducer derives its limit itself.
            warnings.filterwarnings("ignore", message="Using the model-agnostic default `max_length`")
            output = self.model.generate(**inputs, **self._generation)
        tokens = getattr(output, "sequences", output)
        if self._is_transducer:
            return self._timed(batch, tokens, output.durations, inputs.get("attention_mask"))
        if not self.model.config.is_encoder_decoder and "input_ids" in inputs:
            tokens = tokens[:, inputs["input_ids"].shape[1] :]
        takes = inspect.signature(self._processor.decode).parameters
        more: dict[str, Any] = {"return_format": "transcription_only"} if "return_format" in takes else {}
        more |= {"strip_prefix": True} if "strip_prefix" in takes else {}
        texts = [self._processor.decode(row, skip_special_tokens=True, **more) for row in tokens]
        return [Transcript(str(text).strip()) for text in texts]

    def _timed(
        self, batch: Sequence[Waveform], tokens: torch.Tensor, durations: torch.Tensor, mask: torch.Tensor | None
    ) -> list[Transcript]:
        """Texts and words of a transducer, whose tokens come with the frames that they take."""
        import torch

        if mask is not None:
            own = self.model._get_output_attention_mask(mask).sum(-1)[:, None]
            steps = torch.arange(tokens.shape[1], device=tokens.device)
            # The library's limit of steps is the longest row's: a row that runs in circles gets its own.
            is_behind = (durations.cumsum(-1) - durations >= own) | (steps >= own * self.model.max_symbols_per_step)
            tokens = tokens.masked_fill(is_behind, self._processor.tokenizer.pad_token_id)
        texts, timed = self._processor.decode(tokens, durations=durations, skip_special_tokens=True)
        rows = zip(texts, timed, batch, strict=True)
        return [Transcript(text.strip(), _words(text, pieces, one.duration_s)) for text, pieces, one in rows]


def _words(text: str, pieces: Sequence[dict[str, Any]], duration_s: float) -> tuple[Word, ...] | None:
    """Words from the times of their pieces (a space begins a word); None where they do not make up the text."""
    words: list[Word] = []
    for piece in pieces:
        written, start_s, end_s = str(piece["token"]), min(piece["start"], duration_s), min(piece["end"], duration_s)
        if words and not written.startswith(" "):
            words[-1] = Word(words[-1].text + written, words[-1].start_s, end_s)
        else:
            words.append(Word(written.strip(), start_s, end_s))
    return tuple(words) if [word.text for word in words] == text.split() else None


def _audio_part(processor: Any) -> Any:
    return getattr(processor, "feature_extractor", None) or getattr(processor, "audio_processor", processor)


def _needs_chat(processor: Any) -> bool:
    """Whether a processor has a chat template but no transcription request of its own."""
    if hasattr(processor, "apply_transcription_request"):
        return False
    tokenizer = getattr(processor, "tokenizer", None)
    return bool(getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None))


def _auto_class(config: Any) -> str:
    """Which of the library's automatic classes loads a model of this configuration.

    Raises:
        InputError: none that recognises speech.
    """
    import transformers

    for name in ("MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING", "MODEL_FOR_MULTIMODAL_LM_MAPPING"):
        if type(config) in getattr(transformers, name, {}):
            return {"MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING": "AutoModelForSpeechSeq2Seq"}.get(
                name, "AutoModelForMultimodalLM"
            )
    raise InputError(
        f"the engine transformers: {config.model_type} is not a speech recogniser that transformers "
        f"{transformers.__version__} knows: give a CTC, Whisper, transducer or audio-language model"
    )
