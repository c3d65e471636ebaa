"""A tiny random model of torchaudio's own wav2vec 2.0 architecture, in a file with its sizes and letters."""

import pytest

pytest.importorskip("torchaudio", reason="torchaudio is not installed: pip install 'asrfair[torch]'")

import torch
import torchaudio
from tiny_models import lively

LABELS = ["-", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]


def make_file(path, mode, normalize_waveform=False):
    """Write the file; `mode` is `layer_norm` or `group_norm`."""
    architecture = {
        "extractor_mode": mode,
        "extractor_conv_layer_config": [(16, 10, 8), (16, 8, 8), (16, 8, 5)],
        "extractor_conv_bias": False,
        "encoder_embed_dim": 32,
        "encoder_projection_dropout": 0.0,
        "encoder_pos_conv_kernel": 16,
        "encoder_pos_conv_groups": 2,
        "encoder_num_layers": 2,
        "encoder_num_heads": 2,
        "encoder_attention_dropout": 0.0,
        "encoder_ff_interm_features": 48,
        "encoder_ff_interm_dropout": 0.0,
        "encoder_dropout": 0.0,
        "encoder_layer_norm_first": mode == "layer_norm",
        "encoder_layer_drop": 0.0,
        "aux_num_out": len(LABELS),
    }
    model = lively(torchaudio.models.wav2vec2_model(**architecture))
    with torch.no_grad():
        model.aux.weight.mul_(30)
    whole = {"architecture": architecture, "labels": LABELS, "normalize_waveform": normalize_waveform}
    torch.save(whole | {"sample_rate_hz": 16_000, "state_dict": model.state_dict()}, path)
    return str(path)
