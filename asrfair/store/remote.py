"""Stores that are no folder of this machine: S3, Google Cloud Storage, Azure, and whatever else fsspec knows, by URL.

    s3://bucket/prefix    gs://bucket/prefix    abfss://container@account.dfs.core.windows.net/prefix    memory://prefix

S3, Google and Azure are reached through pyarrow alone, anything else through fsspec and its library for that scheme.
Credentials come from the service's own chain (the environment, its files, the machine's role); a URL with credentials
in it is refused. Another S3 server is named by `AWS_ENDPOINT_URL` or by `?endpoint_override=HOST:PORT&scheme=http`.

An object store shows an object only when the request that brings it has ended, so a part needs one request and no
renaming. Elsewhere (HDFS, SFTP) a part is written under another name and moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from asrfair.errors import InputError, MissingExtraError, RunFolderError
from asrfair.store.place import Place

BY_PYARROW = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs"})
OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})
"""Where an object is there whole or not at all."""

QUERY = frozenset({"endpoint_override", "region", "scheme"})
WITH_ACCOUNT = frozenset({"abfs", "abfss"})
"""What stands before the @ of these is a container, not a user."""


class Remote:
    """A prefix of a filesystem that is not this machine's.

    Args:
        url: see the module.

    Raises:
        InputError: not such a URL, credentials in it, or a library that is not installed.
        RunFolderError: it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        check_url(url)
        self._is_object_store = urlsplit(url).scheme in OBJECT_STORES
        self._filesystem, path = _filesystem(url)
        self._path = path.rstrip("/")

    def place(self, folder: str) -> RemotePlace:
        """A folder of it."""
        return RemotePlace(self, folder)

    def path(self, name: str) -> str:
        """The path of a name, as the filesystem has it."""
        return f"{self._path}/{name}" if self._path else name

    def infos(self, folder: str = "") -> list[pafs.FileInfo]:
        """The files of a folder, newest state; empty if it is absent."""
        path = self.path(folder) if folder else self._path
        with _told(f"{self.url} cannot be listed"):
            found = self._filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        return [info for info in found if info.type == pafs.FileType.File]

    def read(self, name: str) -> bytes | None:
        """A whole file; None if it is not there."""
        with _told(f"{self.url}: {name} cannot be read"):
            try:
                with self._filesystem.open_input_file(self.path(name)) as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

    def parquet(self, name: str) -> pq.ParquetFile:
        """A Parquet file, whose columns are asked for together."""
        return pq.ParquetFile(self.path(name), filesystem=self._filesystem, pre_buffer=True)

    def make(self, folder: str) -> None:
        """Make a folder, where the filesystem has such a thing."""
        with _told(f"{self.url} cannot be written"):
            if not self._is_object_store or urlsplit(self.url).scheme == "memory":
                self._filesystem.create_dir(self.path(folder), recursive=True)

    def write(self, name: str, data: pa.Buffer | bytes) -> None:
        """Write a whole file: it is there whole when this returns, else as before.

        Raises:
            RunFolderError: it cannot be written.
        """
        path = self.path(name)
        folder, _, last = path.rpartition("/")
        target = path if self._is_object_store else f"{folder}/.{last}.tmp"
        with _told(f"{self.url}: {name} cannot be written; nothing was changed"):
            try:
                with self._filesystem.open_output_stream(target) as stream:
                    stream.write(data)
                if target != path:
                    self._filesystem.move(target, path)
            except BaseException:
                # A stream that is closed early, by Ctrl-C say, leaves a short object.
                with suppress(OSError):
                    self._filesystem.delete_file(target)
                raise

    def delete(self, name: str) -> None:
        """Delete a file; it may be gone."""
        with _told(f"{self.url}: {name} cannot be deleted"), suppress(FileNotFoundError):
            self._filesystem.delete_file(self.path(name))


class RemotePlace(Place):
    """A folder of a remote filesystem.

    The one writer lists it once: nobody else adds parts (see `remote_lock`).

    Args:
        remote: the filesystem with the prefix.
        folder: under the prefix.
    """

    def __init__(self, remote: Remote, folder: str) -> None:
        self._remote, self._folder = remote, folder
        self._names: set[str] | None = None

    def shown(self, name: str = "") -> str:
        """The URL."""
        base, mark, query = self._remote.url.partition("?")
        return f"{base.rstrip('/')}/{self._folder}/{name}".rstrip("/") + mark + query

    def exists(self) -> bool:
        """Whether anything is there."""
        return bool(self.names())

    def make(self) -> None:
        """Make the folder, remove what a killed process left, and remember what is there."""
        self._remote.make(self._folder)
        self._names = None
        for info in self._remote.infos(self._folder):
            if info.base_name.endswith(".tmp"):
                self._remote.delete(f"{self._folder}/{info.base_name}")
        self._names = set(self.names())

    def names(self) -> list[str]:
        """What is there and is called a part."""
        if self._names is not None:
            return list(self._names)
        names = [info.base_name for info in self._remote.infos(self._folder)]
        return [name for name in names if name.startswith("part-") and name.endswith(".parquet")]

    def parquet(self, name: str) -> pq.ParquetFile:
        """Open a part."""
        return self._remote.parquet(f"{self._folder}/{name}")

    @contextmanager
    def written(self, name: str) -> Iterator[pa.BufferOutputStream]:
        """Memory that becomes the part at the end."""
        buffer = pa.BufferOutputStream()
        yield buffer
        self._remote.write(f"{self._folder}/{name}", buffer.getvalue())
        if self._names is not None:
            self._names.add(name)

    def delete(self, name: str) -> None:
        """Delete a part."""
        self._remote.delete(f"{self._folder}/{name}")
        if self._names is not None:
            self._names.discard(name)


def check_url(url: str) -> None:
    """Refuse a URL that holds credentials, or that is none; the message does not repeat it.

    Raises:
        InputError: with what may be in a URL.
    """
    parts = urlsplit(url)
    keys = dict(parse_qsl(parts.query, keep_blank_values=True))
    has_user = "@" in parts.netloc and (parts.scheme not in WITH_ACCOUNT or ":" in parts.netloc.partition("@")[0])
    if has_user or "@" in keys.get("endpoint_override", ""):
        raise InputError(
            "the store's URL holds credentials, and it would be written to files: take them out, and give them through "
            "the service's own environment variables or files"
        )
    if set(keys) - QUERY:
        raise InputError(
            f"the store's URL has {', '.join(sorted(set(keys) - QUERY))} after the question mark; it may have "
            f"{', '.join(sorted(QUERY))}, and credentials come from the service's own environment variables or files"
        )
    if not parts.scheme or parts.fragment:
        raise InputError(f"{url!r} is no URL of a store: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, ...")


def _filesystem(url: str) -> tuple[pafs.FileSystem, str]:
    """The filesystem of a URL, and the path in it."""
    scheme = urlsplit(url).scheme
    try:
        if scheme in BY_PYARROW:
            found: tuple[pafs.FileSystem, str] = pafs.FileSystem.from_uri(_in_one_put(url))
            return found
        import fsspec
    except ImportError as error:
        raise MissingExtraError(f"the store {url}", "ray") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunFolderError(f"{url} cannot be opened: {error}") from error
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(f"{url} cannot be opened: {error}; install the fsspec library for {scheme}://") from error
    return pafs.PyFileSystem(pafs.FSSpecHandler(filesystem)), str(path)


def _in_one_put(url: str) -> str:
    """The URL by which pyarrow brings a small object to S3 in one request, not in an upload of parts."""
    if urlsplit(url).scheme != "s3":
        return url
    return f"{url}{'&' if '?' in url else '?'}allow_delayed_open=true"


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what a filesystem's error means."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(f"{what}: {error}") from error
