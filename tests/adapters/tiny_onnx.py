"""Tiny random CTC models as ONNX files, for the engines that read them: one convolution over log-mel frames.

Both readers want the same network, NeMo's: `audio_signal` (batch, mels, frames) and `length` in, `logprobs` (batch,
frames / 4, symbols) out. One reads sizes from the file's metadata, the other from `config.json`.
"""

import json

import numpy as np

SYMBOLS = ("▁", "▁he", "llo", "▁wor", "ld", "a", "e", "t", "▁pain", "s")
STRIDE = 4
MELS = 80


def write_ctc(path, blank, seed=5, **metadata):
    """Write the model; `blank` is the name of the blank symbol, the last of all."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n_symbols = len(SYMBOLS) + 1
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 1, (n_symbols, MELS, STRIDE)).astype(np.float32)
    weight -= weight.mean(axis=(1, 2), keepdims=True)
    bias = np.zeros(n_symbols, dtype=np.float32)
    bias[-1] = 8.0
    nodes = [
        helper.make_node("Conv", ["audio_signal", "w", "b"], ["c"], strides=[STRIDE], pads=[0, STRIDE - 1]),
        helper.make_node("Transpose", ["c"], ["t"], perm=[0, 2, 1]),
        helper.make_node("LogSoftmax", ["t"], ["logprobs"], axis=-1),
        helper.make_node("Identity", ["length"], ["unused"]),
    ]
    graph = helper.make_graph(
        nodes,
        "ctc",
        [
            helper.make_tensor_value_info("audio_signal", TensorProto.FLOAT, ["B", MELS, "T"]),
            helper.make_tensor_value_info("length", TensorProto.INT64, ["B"]),
        ],
        [
            helper.make_tensor_value_info("logprobs", TensorProto.FLOAT, ["B", "U", n_symbols]),
            helper.make_tensor_value_info("unused", TensorProto.INT64, ["B"]),
        ],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    path.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path / "model.onnx")
    lines = [f"{symbol} {number}\n" for number, symbol in enumerate((*SYMBOLS, blank))]
    (path / ("tokens.txt" if metadata else "vocab.txt")).write_text("".join(lines), encoding="utf-8")
    if not metadata:
        config = {"model_type": "nemo-conformer-ctc", "features_size": MELS, "subsampling_factor": STRIDE}
        (path / "config.json").write_text(json.dumps(config))
    return str(path)
