"""A tiny random Whisper as a CTranslate2 folder, made with transformers and converted on the spot."""

SPECIALS = (
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"),
    *("<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
)


def write_ct2(base):
    """A Whisper of 20,000 random parameters whose letters are the 256 bytes, as a CTranslate2 folder."""
    import ctranslate2
    import tokenizers
    import torch
    import transformers

    torch.set_num_threads(1)
    torch.manual_seed(5)
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    bpe = tokenizers.models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[])
    tokenizer = tokenizers.Tokenizer(bpe)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIALS))
    ids = {token: tokenizer.token_to_id(token) for token in SPECIALS}
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = transformers.WhisperConfig(
        vocab_size=tokenizer.get_vocab_size() + 1501,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=448,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
    )
    config.init_std = 1.0
    made = transformers.WhisperForConditionalGeneration(config)
    generation = made.generation_config
    generation.alignment_heads = [[0, 0]]
    generation.no_timestamps_token_id = ids["<|notimestamps|>"]
    generation.lang_to_id = {"<|en|>": ids["<|en|>"]}
    generation.suppress_tokens, generation.begin_suppress_tokens = [], [end]
    saved = base / "transformers"
    made.save_pretrained(saved)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(saved)
    (saved / "preprocessor_config.json").write_text('{"feature_size": 80}')
    folder = base / "ctranslate2"
    converter = ctranslate2.converters.TransformersConverter(
        str(saved), copy_files=["tokenizer.json", "preprocessor_config.json"]
    )
    converter.convert(str(folder))
    return str(folder)
