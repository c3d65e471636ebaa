"""Being connected to a Ray cluster, of other machines or of this one, without its signals, logs and telemetry."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asrfair.adapters import Adapter, engine_class
from asrfair.errors import InputError, MissingExtraError

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Without it each start warns.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # Deaths would be printed to stdout, among the results; the rows tell of them.
}

KNOCK_S = 10.0
LONGEST_SHOWN = 100


@contextmanager
def connected(address: str | None = None, processors: int = 1) -> Iterator[None]:
    """Be connected to Ray, as long as the block lasts; where this process is already, it stays so.

    Args:
        address: of the cluster, `auto` or `ray://HOST:10001`; None starts one on this machine, which takes about ten
            seconds.
        processors: how many actors a cluster on this machine must at least have room for.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: there is no cluster at the address.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("the executor ray", "ray") from error
    if ray.is_initialized():
        yield
        return
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"include_dashboard": False, "num_cpus": max(len(os.sched_getaffinity(0)), processors)}
    if address:
        _check_listens(address)
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise InputError(f"there is no Ray cluster at {address or 'this machine'}: {error}") from error
    finally:
        _give_back_sigterm(before)
    try:
        yield
    finally:
        ray.shutdown()
        _give_back_sigterm(before)


def _check_listens(address: str) -> None:
    """Refuse an address where nobody listens: Ray itself goes on knocking for minutes.

    Raises:
        InputError: it is no address, or nobody answers there.
    """
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        raise InputError(f"--address {address[:LONGEST_SHOWN]!r}: write HOST:PORT, ray://HOST:PORT or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"there is no Ray cluster at {address[:LONGEST_SHOWN]}: {error}") from error


def room_for(engine: str, size: int | None) -> tuple[dict[str, float], int]:
    """What an actor takes of its machine, and how many there are to be; this process is connected.

    Args:
        engine: which.
        size: how many are asked for; None for one a GPU, where there are some and the engine takes one, for one where
            the engine takes several calls at once, else one a processor.

    Raises:
        InputError: the cluster has no room for one.
    """
    import ray

    resources: Any = ray.cluster_resources
    there: dict[str, float] = resources()
    cls = engine_class(engine)
    on_gpu = issubclass(cls, Adapter) and cls.on_gpu and there.get("GPU", 0.0) >= 1
    n_there = int(there.get("GPU" if on_gpu else "CPU", 0.0))
    size = size or (min(n_there, 1) if issubclass(cls, Adapter) and cls.concurrency > 1 else n_there)
    if size < 1:
        raise InputError("the Ray cluster has no processor to offer: add machines to it, or use the local executor")
    return {"num_gpus": 1, "num_cpus": 0} if on_gpu else {"num_cpus": 1}, size


def ended(refs: list[Any], timeout_s: float) -> list[Any]:
    """Those of some calls that have ended, well or not, as soon as one has.

    Args:
        refs: what Ray waits for.
        timeout_s: how long to wait for the first, seconds.

    Raises:
        InputError: the cluster is gone.
    """
    import ray

    if not refs:
        return []
    try:
        first, _ = ray.wait(refs, num_returns=1, timeout=timeout_s)
        return list(ray.wait(refs, num_returns=len(refs), timeout=0)[0]) if first else []
    except (ray.exceptions.RaySystemError, ray.exceptions.RpcError, ConnectionError) as error:
        raise InputError(f"the Ray cluster is gone: {error}; what was finished is kept") from error


def _give_back_sigterm(handler: Any) -> None:
    """Ray takes SIGTERM for itself; the run has its own way to stop."""
    try:
        signal.signal(signal.SIGTERM, handler if handler is not None else signal.SIG_DFL)
    except ValueError:
        return  # Not the main thread: then Ray took nothing either.
