"""How far a run is: a bar on a terminal, a plain line every ten seconds otherwise. Both on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import click

LINE_EVERY_S = 10.0


class Progress:
    """Call it with `(done, total, failed)` as rows end; use it as a context so that the bar is closed."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._started = self._said = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, failed: int) -> None:
        """Show that `done` of `total` rows have ended, `failed` of them without a transcript."""
        if self._is_terminal:
            self._show_bar(done, total, failed)
        elif done == total or time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            elapsed = self._said - self._started
            click.echo(f"transcribed {done} of {total}, {failed} failed, {elapsed:.0f} s", err=True)

    def _show_bar(self, done: int, total: int, failed: int) -> None:
        """Move the bar."""
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="utt", file=sys.stderr, dynamic_ncols=True)
        self._bar.total = total
        self._bar.set_postfix(failed=failed, refresh=False)
        self._bar.update(done - self._bar.n)
