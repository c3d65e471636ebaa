"""Languages, word times and word confidences of Whisper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def span(places: list[int], times_s: list[float] | None, duration_s: float) -> tuple[float | None, float | None]:
    """Start and end of a word: a token's time is the end of what it says, and the start of the next."""
    if times_s is None:
        return None, None
    start_s = times_s[places[0] - 1] if places[0] else 0.0
    end_s = times_s[places[-1]]
    return round(min(start_s, duration_s), 3), round(min(max(start_s, end_s), duration_s), 3)


def language_code(language: str | None) -> str | None:
    """The code of a language that is given by code or English name: `en` for `English`, `en` and `en-GB`."""
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

    if language is None:
        return None
    lower = language.lower()
    return str(TO_LANGUAGE_CODE.get(lower, lower.partition("-")[0]))


def language_name(language: str | None) -> str:
    """The English name of a language; English where it is not known (only the splitting of words depends on it)."""
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    return str(LANGUAGES.get(language_code(language) or "en", "english"))


class Recorder:
    """A logits processor that changes nothing and keeps the probability of each most likely token.

    One window is one run of `generate`'s inner loop; it begins where the input is not one longer than before.
    """

    def __init__(self) -> None:
        self._windows: list[list[tuple[torch.Tensor, torch.Tensor]]] = []
        self._length = -1

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Keep the best token and its probability for every row."""
        if input_ids.shape[1] != self._length + 1:
            self._windows.append([])
        self._length = input_ids.shape[1]
        best, number = scores.max(-1)
        self._windows[-1].append((number, (best - scores.logsumexp(-1)).exp()))
        return scores

    def probabilities(self, row: int, segments: Sequence[dict[str, Any]]) -> list[float]:
        """The probability of every token of a row's segments, in order."""
        import torch

        found: list[float] = []
        at, last, chosen, chances = -1, None, [], []
        for segment in segments:
            tokens = segment["tokens"].tolist()
            if segment["result"] is not last:
                last, start = segment["result"], 0
                while at + 1 < len(self._windows):
                    at += 1
                    window = self._windows[at]
                    chosen = torch.stack([number[row] for number, _ in window]).tolist()
                    chances = torch.stack([chance[row] for _, chance in window]).tolist()
                    if chosen[: len(tokens)] == tokens:
                        break
            found.extend(chances[start : start + len(tokens)])
            start += len(tokens)
        return found
