"""One process at a time may write to a remote store, where no kernel holds a lock: it holds a lock object instead.

A writer puts an object `.lock-TOKEN` that says who it is, and then lists the locks: one of another writer that was
refreshed within `FRESH_S` refuses it. As object stores list what was put before, two writers cannot both see nobody;
two that come in the same moment may both be refused. A thread refreshes the lock, appending looks at it again, leaving
deletes it. A lock is dead when it is older than `FRESH_S` by the store's clock, or at once if its process was of this
machine and has ended.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

import msgspec

from asrfair.errors import RunFolderError
from asrfair.store.remote import Remote

FRESH_S = 90.0
BEAT_S = 25.0
PREFIX = ".lock-"


class Owner(msgspec.Struct, frozen=True):
    """Who holds a lock.

    Attributes:
        host: name of the machine.
        machine: what tells its processes from others' of the same number; empty if unknown.
        pid: of the process.
        token: drawn for this lock.
        beat_s: when it was refreshed, seconds since 1970 by the owner's clock.
    """

    host: str
    machine: str
    pid: int
    token: str
    beat_s: float

    def is_dead(self) -> bool:
        """Whether it was a process of this machine that has ended."""
        if not self.machine or self.machine != _machine():
            return False
        return not Path(f"/proc/{self.pid}").exists()


class RemoteLock:
    """The lock of a remote store; use it as a context.

    Args:
        remote: the store.

    Raises:
        RunFolderError: another process holds it, or it cannot be written.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._token = secrets.token_hex(8)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True, name="asrfair-store-lock")
        self._beaten = 0.0

    def __enter__(self) -> RemoteLock:
        self._beat()
        try:
            self.check()
        except BaseException:
            self._remote.delete(PREFIX + self._token)
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._remote.delete(PREFIX + self._token)

    def check(self) -> None:
        """Look who writes, clear away locks of the dead, and refresh the own one where it is getting old.

        Raises:
            RunFolderError: another process writes; or nobody refreshed this lock for so long that another may have
                taken the store for abandoned.
        """
        found = {info.base_name: info.mtime for info in self._remote.infos() if info.base_name.startswith(PREFIX)}
        ours = PREFIX + self._token
        if ours not in found:
            raise RunFolderError(f"{self._remote.url}: the lock of this process was deleted by another; run it again")
        for name in found.keys() - {ours}:
            data = self._remote.read(name)
            owner = None if data is None else _owner(data)
            if owner is None:
                continue
            age_s = _age_s(found[name], found[ours], owner)
            if age_s < FRESH_S and not owner.is_dead():
                raise RunFolderError(
                    f"{self._remote.url}: another asrfair (process {owner.pid} on {owner.host}) writes to this store; "
                    f"wait until it ends, stop it, or use another store; if it died, wait {FRESH_S - age_s:.0f} s"
                )
            self._remote.delete(name)

    def hold(self) -> None:
        """Make sure, before rows are written, that the store is still this process's.

        Raises:
            RunFolderError: another process took it while this one did not get to refresh its lock.
        """
        age_s = time.monotonic() - self._beaten
        if age_s > FRESH_S:
            self.check()
            self._beat()
            self.check()
        elif age_s > BEAT_S:
            self._beat()

    def _beat(self) -> None:
        """Put the lock."""
        owner = Owner(socket.gethostname(), _machine(), os.getpid(), self._token, time.time())
        self._remote.make("")
        self._remote.write(PREFIX + self._token, msgspec.json.encode(owner))
        self._beaten = time.monotonic()

    def _refresh(self) -> None:
        """Put the lock again and again; a store that cannot be reached is told when rows are written."""
        while not self._ended.wait(BEAT_S):
            try:
                if time.monotonic() - self._beaten < FRESH_S:
                    self._beat()
            except RunFolderError:
                continue


def _owner(data: bytes) -> Owner | None:
    """Who a lock names; None for what is no lock."""
    try:
        return msgspec.json.decode(data, type=Owner)
    except msgspec.MsgspecError:
        return None


def _age_s(theirs: datetime | None, ours: datetime | None, owner: Owner) -> float:
    """Seconds since a lock was refreshed: by the store's clock, which put ours just now, or by the owners'."""
    if theirs is not None and ours is not None:
        return max(ours - theirs, timedelta()).total_seconds()
    return max(time.time() - owner.beat_s, 0.0)


def _machine() -> str:
    """What tells the processes of this machine, or of this container, from others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""
