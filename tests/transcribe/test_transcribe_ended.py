from asrfair.transcribe.ended import RECENT, Ended


def test_tables_of_keys_say_what_a_dictionary_would():
    pairs = [(f"{number * 7919:064x}", f"utterance-é{number}") for number in range(5 * RECENT + 7)]
    ended = Ended(pairs)
    for key, utterance_id in pairs[::97]:
        assert key in ended
        assert ended[key] == utterance_id
    assert not any(f"{number * 7919 + 1:064x}" in ended for number in range(0, 5 * RECENT, 97))


def test_a_key_that_is_set_again_has_one_of_its_utterances():
    ended = Ended((f"key{number}", "first") for number in range(RECENT))
    ended["key5"] = "second"
    assert ended["key5"] in ("first", "second")
