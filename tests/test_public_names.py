import asrfair


def test_the_public_names_are_these():
    assert asrfair.__all__ == [
        "Audit",
        "Disparity",
        "ErrorCounts",
        "GroupInterval",
        "Manifest",
        "audit",
        "compare_groups",
        "count_errors",
        "group_interval",
        "load_manifest",
        "normalize",
    ]


def test_every_public_name_is_there():
    for name in asrfair.__all__:
        assert getattr(asrfair, name).__doc__
