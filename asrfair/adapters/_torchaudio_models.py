"""What the engine torchaudio loads: a bundle's model or a file's, and the beam search."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asrfair.errors import InputError

if TYPE_CHECKING:
    import torch

FILE_KEYS = {"architecture", "labels", "normalize_waveform", "sample_rate_hz", "state_dict"}
"""What a file with a whole model holds."""


def load(bundle: str | None, weights: str | None) -> tuple[Any, list[str], bool, int]:
    """The network, its labels, whether it wants waveforms of mean 0 and variance 1, and its sampling rate."""
    import torchaudio

    try:
        if bundle is None:
            return _from_file(weights)
        known = torchaudio.pipelines.__dict__
        found = known.get(bundle)
        if not isinstance(found, torchaudio.pipelines.Wav2Vec2ASRBundle):
            kind = torchaudio.pipelines.Wav2Vec2ASRBundle
            names = ", ".join(sorted(name for name, value in known.items() if isinstance(value, kind)))
            raise InputError(f"the engine torchaudio: bundle={bundle} is not one of {names}")
        return _from_bundle(found, weights)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        first = (str(error).strip().splitlines() or ["no message"])[0]
        raise InputError(
            f"the engine torchaudio: bundle={bundle}, weights={weights} cannot be loaded: {first}. Without a network, "
            "download the bundle's file before and give it as weights="
        ) from error


def _from_bundle(bundle: Any, weights: str | None) -> tuple[Any, list[str], bool, int]:
    """A bundle's model, with weights from torch's hub folder, a download, or a file."""
    more = {"progress": False}
    if weights is not None:
        folder, name = Path(weights).absolute().parent, Path(weights).name
        if not Path(weights).is_file():
            raise FileNotFoundError(f"{weights} does not exist")
        more |= {"model_dir": str(folder), "file_name": name}  # type: ignore[dict-item]
    model = bundle.get_model(dl_kwargs=more)
    is_normalized = bool(getattr(model, "normalize_waveform", False))
    return getattr(model, "model", model), list(bundle.get_labels()), is_normalized, int(bundle.sample_rate)


def _from_file(weights: str | None) -> tuple[Any, list[str], bool, int]:
    """A whole model of a file; nothing in it is run."""
    import torch
    import torchaudio

    if weights is None:
        raise InputError("the engine torchaudio needs bundle=NAME (say WAV2VEC2_ASR_BASE_960H) or weights=FILE")
    held = torch.load(weights, map_location="cpu", weights_only=True)
    if not isinstance(held, dict) or set(held) != FILE_KEYS:
        raise InputError(f"the engine torchaudio: {weights} is not a dict of {', '.join(sorted(FILE_KEYS))}")
    network = torchaudio.models.wav2vec2_model(**held["architecture"])
    network.load_state_dict(held["state_dict"])
    return network, list(held["labels"]), bool(held["normalize_waveform"]), int(held["sample_rate_hz"])


def beam_decoder(labels: list[str], lexicon: str | None, lm: str | None, search: dict[str, Any]) -> Any:
    """The beam search of torchaudio (flashlight-text)."""
    for name, path in (("lexicon", lexicon), ("lm", lm)):
        if path is not None and not Path(path).is_file():
            raise InputError(f"the engine torchaudio: {name}={path} does not exist")
    try:
        from torchaudio.models.decoder import ctc_decoder
    except (RuntimeError, ImportError) as error:
        raise InputError(
            "the engine torchaudio: decoder=ctc_beam needs the package flashlight-text (pip install flashlight-text; "
            "for lm= kenlm too), or use decoder=greedy"
        ) from error
    try:
        return ctc_decoder(lexicon, labels, lm, blank_token=labels[0], sil_token="|", **search)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"the engine torchaudio: lexicon={lexicon}, lm={lm} cannot be used: {error}") from error


def tensors_sha256(network: torch.nn.Module) -> str:
    """Digest of a network's weights with their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
