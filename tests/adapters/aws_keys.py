"""Keys of Amazon's that are canaries: nothing may ever say them."""

from contextlib import contextmanager

import pytest

CANARY = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY0001",
    "AWS_SECRET_ACCESS_KEY": "canary/secret/canary/secret/canary0001",
    "AWS_SESSION_TOKEN": "canary-session-token-0001",
}


@contextmanager
def signed_in(folder):
    """The environment of somebody with canaries for keys, and with nothing of this machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CANARY.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        yield patch
