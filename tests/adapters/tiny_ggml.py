"""A random Whisper in whisper.cpp's file format: magic, sizes, mel filters, letters, tensors."""

import struct

import numpy as np

N_VOCAB, N_AUDIO_CTX, N_TEXT_CTX, N_MELS = 51864, 1500, 448, 80
STATE, HEADS, LAYERS = 64, 1, 4
END, END_LOGIT = 50256, 11.0
"""The token that ends a text, and how much likelier it is than by chance: without it every text would be 224 long."""


def write_ggml(path, seed=5):
    """Write the smallest that is accepted: an English model of four layers."""
    rng = np.random.default_rng(seed)
    with open(path, "wb") as file:
        sizes = (N_VOCAB, N_AUDIO_CTX, STATE, HEADS, LAYERS, N_TEXT_CTX, STATE, HEADS, LAYERS, N_MELS, 1)
        file.write(struct.pack("<12i", 0x67676D6C, *sizes))
        file.write(struct.pack("<2i", N_MELS, 201))
        filters = np.abs(rng.normal(0, 0.01, (N_MELS, 201))).astype("<f4")
        file.write(filters.tobytes())
        letters = b"abcdefghijklmnopqrstuvwxyz"
        words = [b" ", *(bytes([letter]) for letter in letters)]
        words += [b" " + bytes([a, b]) for a in letters for b in letters]
        words += [
            f"w{number}".encode() if number % 2 else f" w{number}".encode() for number in range(50256 - len(words))
        ]
        file.write(struct.pack("<i", len(words)))
        for word in words:
            file.write(struct.pack("<i", len(word)) + word)
        tensors = {name: rng.normal(0, scale, shape) if scale else np.ones(shape) for name, shape, scale in _tensors()}
        bias = tensors["decoder.ln.bias"]
        tensors["decoder.token_embedding.weight"][END] += END_LOGIT * bias / (bias @ bias)
        for name, values in tensors.items():
            _write(file, name, values)
    return str(path)


def _tensors():
    """Name, shape and spread of every tensor; 0 stands for ones."""
    yield "encoder.positional_embedding", (N_AUDIO_CTX, STATE), 0.1
    yield "encoder.conv1.weight", (STATE, N_MELS, 3), 0.4
    yield "encoder.conv1.bias", (STATE, 1), 0.1
    yield "encoder.conv2.weight", (STATE, STATE, 3), 0.1
    yield "encoder.conv2.bias", (STATE, 1), 0.1
    yield "decoder.positional_embedding", (N_TEXT_CTX, STATE), 0.2
    yield "decoder.token_embedding.weight", (N_VOCAB, STATE), 0.5
    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        yield f"{side}.{last}.weight", (STATE,), 0
        yield f"{side}.{last}.bias", (STATE,), 0.1
        for layer in range(LAYERS):
            for attention in ("attn",) if side == "encoder" else ("attn", "cross_attn"):
                base = f"{side}.blocks.{layer}.{attention}"
                for part in ("query", "key", "value", "out"):
                    yield f"{base}.{part}.weight", (STATE, STATE), 0.2
                    if part != "key":
                        yield f"{base}.{part}.bias", (STATE,), 0.1
                yield f"{base}_ln.weight", (STATE,), 0
                yield f"{base}_ln.bias", (STATE,), 0.1
            base = f"{side}.blocks.{layer}"
            yield f"{base}.mlp.0.weight", (4 * STATE, STATE), 0.1
            yield f"{base}.mlp.0.bias", (4 * STATE,), 0.1
            yield f"{base}.mlp.2.weight", (STATE, 4 * STATE), 0.1
            yield f"{base}.mlp.2.bias", (STATE,), 0.1
            yield f"{base}.mlp_ln.weight", (STATE,), 0
            yield f"{base}.mlp_ln.bias", (STATE,), 0.1


def _write(file, name, values):
    """One tensor: matrices in half precision, the rest and what the format wants so in single."""
    half = values.ndim > 1 and "bias" not in name and "positional" not in name
    data = values.astype("<f2" if half else "<f4")
    label = name.encode()
    file.write(struct.pack(f"<{3 + data.ndim}i", data.ndim, len(label), int(half), *reversed(data.shape)))
    file.write(label + data.tobytes())
