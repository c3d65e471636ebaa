"""What the engines of Amazon Transcribe have in common: boto3's credentials, its failures told apart, items to words.

Credentials are those of boto3's own chain (environment, profile, container, the machine's role) and are cut out of
every message. botocore's own log prints the access key and the session token when it is at DEBUG; it is held at INFO.
"""

from __future__ import annotations

import configparser
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from asrfair.adapters._cloud import SHORTEST_SECRET, CloudAdapter, failure_of_status
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import Word

if TYPE_CHECKING:
    import boto3

API_VERSION = "2017-10-26"
THROTTLED = {
    *("Throttling", "ThrottlingException", "ThrottledException", "LimitExceededException", "SlowDown"),
    *("TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException"),
}
DENIED = {
    *("AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId"),
    *("InvalidClientTokenId", "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken"),
    *("MissingAuthenticationTokenException", "SignatureDoesNotMatch", "UnrecognizedClientException"),
}
SECRETS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"),
    *("secret_key", "token", "access_key", "_secret_key", "_token", "_access_key"),
)
"""Where keys are, in the environment and in the credentials of botocore."""

CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
SOURCES = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE (or another source that boto3 knows)"
OF_A_PROFILE = {"aws_access_key_id", "role_arn", "credential_process", "sso_session", "sso_start_url", "login_session"}
LONGEST_REQUEST_S = 30.0
"""S3 and the control plane answer at once; a job is what takes its time."""


class AwsAdapter(CloudAdapter):
    """An engine of Amazon Web Services. A subclass calls `_sign_in` first in its constructor."""

    EXTRA: ClassVar[str] = "aws"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("boto3",)

    def _sign_in(self, engine: str, region: str | None) -> tuple[boto3.Session, str]:
        """A session with credentials, and the region.

        Raises:
            MissingExtraError: boto3 is not installed.
            InputError: no credentials or no region, or a profile that does not exist.
        """
        try:
            import boto3
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise MissingExtraError(f"the engine {engine}", "aws") from error
        log = logging.getLogger("botocore")
        log.setLevel(max(log.getEffectiveLevel(), logging.INFO))
        try:
            session = boto3.Session(region_name=region)
            self._credentials = session.get_credentials()
        except BotoCoreError as error:
            raise InputError(f"the engine {engine}: {error}; {SOURCES}") from error
        if self._credentials is None:
            raise InputError(f"the engine {engine} needs credentials: {SOURCES}; never in a config")
        if not session.region_name:
            raise InputError(f"the engine {engine} needs a region: set AWS_REGION or give region=, such as us-east-1")
        return session, str(session.region_name)

    @classmethod
    def missing(cls) -> list[str]:
        """Libraries and credentials that are not there; the network is not asked for a machine's role."""
        found = super().missing()
        return found if _has_credentials() else [*found, SOURCES]

    def redacted(self, text: str) -> str:
        """A text without the keys and tokens that were used."""
        # vars, not the attributes: to read those may ask the network for new ones.
        known = {**os.environ, **vars(self._credentials)}
        for value in (known.get(name) for name in SECRETS):
            if value and len(value) >= SHORTEST_SECRET:
                text = text.replace(value, "***")
        return text

    def failure(self, error: Exception) -> EngineError | None:
        """What an exception of botocore means."""
        from botocore import exceptions as boto
        from botocore.parsers import ResponseParserError

        if isinstance(error, boto.ClientError):
            meta = error.response.get("ResponseMetadata", {})
            said = error.response.get("Error", {})
            code, status = str(said.get("Code", "")), int(meta.get("HTTPStatusCode", 0))
            return failure_of_code(code, f"{said.get('Message', '')}", status, meta.get("HTTPHeaders"))
        if isinstance(error, boto.ReadTimeoutError | boto.ConnectTimeoutError):
            return TransientError(f"no answer in time ({type(error).__name__})", kind="timeout")
        if isinstance(error, boto.HTTPClientError | boto.IncompleteReadError | boto.ConnectionError):
            return TransientError(f"the connection failed ({type(error).__name__})", kind="connection")
        if isinstance(error, ResponseParserError):
            return AdapterError(f"an answer that cannot be read: {error}", kind="malformed")
        if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError | boto.CredentialRetrievalError):
            return AdapterError(f"no credentials ({type(error).__name__})", kind="denied")
        return AdapterError(str(error), kind="refused") if isinstance(error, boto.ParamValidationError) else None


def clients_of(session: boto3.Session, endpoint: str | None, timeout_s: float, concurrency: int) -> tuple[Any, Any]:
    """Clients of S3 and of Transcribe's control plane, each request sent once."""
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=min(timeout_s, LONGEST_REQUEST_S),
        read_timeout=min(timeout_s, LONGEST_REQUEST_S),
        max_pool_connections=max(10, concurrency),
        s3={"addressing_style": "path"} if endpoint else {},
    )
    s3 = session.client("s3", endpoint_url=endpoint, config=config)
    service = session.client("transcribe", endpoint_url=endpoint, config=config)
    service.meta.events.register("after-call.transcribe", _check_whole)
    return s3, service


def _check_whole(http_response: Any, **_: Any) -> None:
    """Refuse an answer that was cut: botocore reads one that ends early as if it were whole."""
    from botocore.exceptions import IncompleteReadError

    promised = http_response.headers.get("content-length")
    if promised is not None and int(promised) != len(http_response.content):
        raise IncompleteReadError(actual_bytes=len(http_response.content), expected_bytes=int(promised))


def failure_of_code(code: str, message: str, status: int, headers: dict[str, str] | None = None) -> EngineError:
    """What an error of an AWS service means.

    Args:
        code: its name, such as `ThrottlingException`.
        message: what the service says of it.
        status: of the answer; 0 where there is none.
        headers: of the answer.
    """
    said = f"{code}: {message}"
    if status and status < 300:
        return AdapterError(f"an answer that cannot be read: {said}", kind="malformed")
    if code in THROTTLED:
        return failure_of_status(429, said, headers)
    if code in DENIED:
        return AdapterError(said, kind="denied")
    return failure_of_status(408 if code == "RequestTimeout" else status or 400, said, headers)


def joined(items: Iterable[tuple[str, str, Any, Any, Any]]) -> tuple[Word, ...]:
    """The words of a transcript, each with the punctuation that follows it.

    Args:
        items: type (`pronunciation` or `punctuation`), text, start and end in seconds, confidence, in order.
    """
    found: list[Word] = []
    for kind, text, start_s, end_s, confidence in items:
        if kind == "punctuation" and found:
            last = found[-1]
            found[-1] = Word(last.text + text, last.start_s, last.end_s, last.confidence)
        elif kind != "punctuation":
            found.append(Word(text, _number(start_s), _number(end_s), _number(confidence)))
    return tuple(found)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _has_credentials() -> bool:
    """Whether boto3's chain has where to look, without the network."""
    have = os.environ.get
    if have("AWS_ACCESS_KEY_ID") and have("AWS_SECRET_ACCESS_KEY"):
        return True
    if have("AWS_WEB_IDENTITY_TOKEN_FILE") or any(map(have, CONTAINER)):
        return True
    profile = have("AWS_PROFILE") or have("AWS_DEFAULT_PROFILE") or "default"
    for name, usual in (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")):
        file = configparser.RawConfigParser(strict=False)
        try:
            file.read(have(name) or Path.home() / ".aws" / usual, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        for section in (profile, f"profile {profile}"):
            if file.has_section(section) and OF_A_PROFILE & set(file.options(section)):
                return True
    return False
