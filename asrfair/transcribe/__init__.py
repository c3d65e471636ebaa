"""The loop that turns utterances into hypotheses (`run`), and transcripts that somebody else made (`source`).

Nothing is imported here: taking in transcripts must not load audio and process machinery.
"""
