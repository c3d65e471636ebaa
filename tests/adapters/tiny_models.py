"""Tiny random models of torch, made on the spot: the whole way of loading and decoding, without a download.

Their texts mean nothing, but everything else is real: files in a folder, tokenizer, features, masks, batches. Random
letters are also a hard test of batching, because every padded frame would show.
"""

import json
import warnings

import torch
from transformers import (
    AutoConfig,
    AutoModelForCTC,
    GenerationConfig,
    ParakeetTokenizer,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from asrfair.records import Waveform
from asrfair.seeds import rng_for

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "vocab_size": len(LETTERS),
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
CONVOLUTION = {
    "conv_dim": (16, 16, 16),
    "conv_kernel": (10, 8, 8),
    "conv_stride": (8, 8, 5),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


def noise(seconds, seed, rate_hz=16_000):
    """Noise that changes in level, so that a random model says something else from moment to moment."""
    rng = rng_for(seed, "noise", "test")
    samples = rng.normal(0, 0.1, round(seconds * rate_hz)) * (1 + rng.random(round(seconds * rate_hz)))
    return Waveform(samples.astype("float32"), rate_hz)


def lively(model, seed=3, gain=30.0):
    """Give a model weights that follow its input: sharper than fresh ones, which say one token for ever."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim > 1 and "norm" not in name:
                fan_in = weights[0].numel()
                weights.copy_(torch.randn(weights.shape, generator=generator) / fan_in**0.5)
            elif name.endswith("bias"):
                weights.zero_()  # Some come from the global generator.
            if name.startswith(("lm_head", "ctc_head")) and weights.ndim > 1:
                weights.mul_(gain)
    return model.eval()


def make_ctc(folder, model_type="wav2vec2", *, masked=True, **more):
    """A CTC model of a family with letters, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = SMALL | (CONVOLUTION if model_type != "wav2vec2-bert" else {})
    if model_type == "wav2vec2-bert":
        config["feature_projection_input_dim"] = 80
        extractor = SeamlessM4TFeatureExtractor(feature_size=40, num_mel_bins=40, stride=2)
    else:
        config |= LAYER_NORM if masked else {}
        extractor = Wav2Vec2FeatureExtractor(return_attention_mask=masked)
    made = lively(AutoModelForCTC.from_config(AutoConfig.for_model(model_type, **(config | more))))
    with torch.no_grad():
        made.lm_head.bias[1:4] = -1000  # No trained model says the tokens that are no letters.
    made.save_pretrained(folder)
    extractor.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(LETTERS)}))
    Wav2Vec2CTCTokenizer(folder / "vocab.json").save_pretrained(folder)
    return folder


def make_parakeet(folder, encoder=None, n_pieces=26, dtype=torch.float32):
    """A Parakeet CTC model with pieces of words; its features need librosa.

    `encoder` changes its size (the library's defaults are those of the 600 M model), `n_pieces` its vocabulary.
    """
    from transformers import ParakeetFeatureExtractor

    folder.mkdir(parents=True, exist_ok=True)
    pieces, tokenizer = _pieces(n_pieces)
    small = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "subsampling_conv_channels": 8,
        "num_mel_bins": 80,
    }
    config = AutoConfig.for_model(
        "parakeet_ctc",
        vocab_size=len(pieces),
        pad_token_id=len(pieces) - 1,
        encoder_config=small if encoder is None else encoder,
    )
    lively(AutoModelForCTC.from_config(config)).to(dtype).save_pretrained(folder)
    ParakeetFeatureExtractor(feature_size=80).save_pretrained(folder)
    ParakeetTokenizer(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>").save_pretrained(folder)
    return folder


def make_transducer(folder):
    """A Parakeet TDT model over the same pieces and features as `make_parakeet`'s."""
    from transformers import AutoFeatureExtractor, AutoTokenizer, ParakeetForTDT, ParakeetProcessor

    make_parakeet(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    blank = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<blank>"]})
    encoder = AutoConfig.from_pretrained(folder).encoder_config
    config = AutoConfig.for_model(
        "parakeet_tdt",
        vocab_size=blank + 1,
        blank_token_id=blank,
        pad_token_id=blank - 1,
        decoder_hidden_size=32,
        num_decoder_layers=1,
        encoder_config=encoder.to_dict(),
    )
    model = lively(ParakeetForTDT(config))
    with torch.no_grad():
        model.joint.head.weight.mul_(8)
    model.generation_config.decoder_start_token_id = blank
    model.save_pretrained(folder)
    ParakeetProcessor(AutoFeatureExtractor.from_pretrained(folder), tokenizer).save_pretrained(folder)
    return folder


def make_moonshine(folder):
    """A Moonshine model: an encoder with group norm and a decoder; the same pieces as `make_parakeet`'s."""
    from transformers import MoonshineConfig, MoonshineForConditionalGeneration, PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    PreTrainedTokenizerFast(tokenizer_object=_pieces(26)[1], eos_token="<pad>", pad_token="<pad>").save_pretrained(
        folder
    )
    Wav2Vec2FeatureExtractor(return_attention_mask=True, do_normalize=False).save_pretrained(folder)
    config = MoonshineConfig(
        vocab_size=26,
        hidden_size=32,
        intermediate_size=48,
        encoder_num_hidden_layers=2,
        decoder_num_hidden_layers=2,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=1,
        decoder_start_token_id=1,
        eos_token_id=25,
        pad_token_id=25,
    )
    lively(MoonshineForConditionalGeneration(config)).save_pretrained(folder)
    return folder


def _pieces(count):
    """Made-up pieces of words, and a tokenizer of them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pieces = ["<unk>", *(f"▁{letter}" for letter in "abcdefgh"), *"abcdefghijklmnop"]
    pieces += [f"{'▁' * (place % 3 == 0)}p{place}" for place in range(count - len(pieces) - 1)] + ["<pad>"]
    tokenizer = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return pieces, tokenizer


TEXT = ["the old boat went over the green river", "two small birds sang near our stone house by the sea at dawn"]
LANGUAGES = ["en", "de", "th"]


def make_whisper(folder, *, multilingual=True, n_words=12, n_text=None, endless=False, dtype=torch.float32, **size):
    """A Whisper model whose tokenizer is trained on two sentences, in a folder.

    It stops after `n_words` tokens, if it does not before (`endless`: never before). `n_text` fills the vocabulary up
    with made-up words; `size` changes its configuration.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    folder.mkdir(parents=True, exist_ok=True)
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer, trained.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator(TEXT, trainer)
    state = json.loads(trained.to_str())["model"]
    marks = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
    marks += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    merges = [tuple(merge) for merge in state["merges"]]
    for place in range(len(state["vocab"]), n_text or 0):
        written = "".join(chr(97 + place // 26**power % 26) for power in range(4))
        state["vocab"][f"\u0120zq{written}"] = place
    tokenizer = WhisperTokenizer(vocab=state["vocab"], merges=merges, pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": marks[1:]})
    tokenizer.add_tokens([f"<|{0.02 * step:.2f}|>" for step in range(1501)])
    number = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in marks}
    end = number["<|endoftext|>"]
    letters = set("\u0120abcdefghijklmnopqrstuvwxyz")  # U+0120 is how the tokenizer writes a space.
    unwritten = [place for piece, place in state["vocab"].items() if not set(piece) <= letters]
    small = {
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "max_target_positions": 64,
    }
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        tie_word_embeddings=False,
        **(small | size),
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=number["<|startoftranscript|>"],
    )
    model = lively(WhisperForConditionalGeneration(config))
    with torch.no_grad():
        for layer in model.model.decoder.layers:
            layer.encoder_attn.out_proj.weight.mul_(8)
            layer.encoder_attn.q_proj.weight.mul_(8)
        model.proj_out.weight.mul_(6)
        model.proj_out.weight[end:].mul_(0.1)  # Else the 1,501 times outdo the words.
    generation = GenerationConfig(
        max_length=4 + n_words,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=number["<|startoftranscript|>"],
        no_timestamps_token_id=number["<|notimestamps|>"],
        prev_sot_token_id=number["<|startofprev|>"],
        max_initial_timestamp_index=50,
        alignment_heads=[[0, 0], [1, 1]],
        suppress_tokens=[number[mark] for mark in marks[1:] if mark != "<|notimestamps|>"]
        + unwritten
        + [end] * endless,
        begin_suppress_tokens=[end],
    )
    generation.is_multilingual = multilingual
    if multilingual:
        generation.lang_to_id = {f"<|{code}|>": number[f"<|{code}|>"] for code in LANGUAGES}
        generation.task_to_id = {task: number[f"<|{task}|>"] for task in ("transcribe", "translate")}
    model.generation_config = generation
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.to(dtype).save_pretrained(folder)
    extractor = WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder
