"""What the engines of Azure Speech have in common: the key, and the address that it belongs to.

The key is AZURE_SPEECH_KEY; with it AZURE_SPEECH_REGION, or AZURE_SPEECH_ENDPOINT, or the option `endpoint`.
"""

from __future__ import annotations

import os
from typing import ClassVar

from asrfair.adapters._cloud import CloudAdapter, check_endpoint, credential
from asrfair.errors import InputError

KEY, REGION, ENDPOINT = "AZURE_SPEECH_KEY", "AZURE_SPEECH_REGION", "AZURE_SPEECH_ENDPOINT"


class AzureAdapter(CloudAdapter):
    """An engine of Azure Speech."""

    CREDENTIALS: ClassVar[tuple[tuple[str, ...], ...]] = ((KEY, REGION), (KEY, ENDPOINT))

    def _place(self, engine: str, endpoint: str | None) -> tuple[str, str | None, str]:
        """The key, the address if one is given (by the option or the environment), and the region.

        Raises:
            InputError: the key, or where it belongs to, is missing.
        """
        if endpoint is not None:
            if not os.environ.get(KEY):
                raise InputError(
                    f"the engine {engine} needs credentials: set {KEY} in the environment; never in a config"
                )
            return credential(KEY), endpoint, ""
        found = self.require_credentials()
        return found[KEY], check_endpoint(engine, os.environ.get(ENDPOINT) or None), found.get(REGION, "")


def split_phrases(phrases: str | None) -> tuple[str, ...]:
    """Phrases that are separated by `;`.

    >>> split_phrases("Aoife; lough neagh ;")
    ('Aoife', 'lough neagh')
    """
    return tuple(filter(None, map(str.strip, (phrases or "").split(";"))))
