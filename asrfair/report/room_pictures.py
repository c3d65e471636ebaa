"""The picture of a room beside its synthesis: spectrum, what happens in time, and how the envelope moves.

It takes plain arrays, so that whoever has two sounds can be shown. The same arrays give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asrfair.report.figures import COLOURS, MARKERS, STYLE

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import NDArray

NAMES = ("recording", "synthesis")
DPI = 130
RANGE_DB = 60.0
SHOWN_HZ = (31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
SHOWN_MODULATION_HZ = (0.63, 1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class RoomPictures:
    """What is drawn; of each pair the first is the recording, the second the synthesis.

    Attributes:
        band_hz: third octaves, nominal, shape (bands,).
        levels_dbfs: their levels, two of shape (bands,).
        modulation_hz: modulation bands, shape (modulations,).
        modulations_db: power of the envelope over its squared mean, two of shape (modulations,).
        spectrograms_db: two of shape (rows, frames).
        edges_hz: edges of the rows of both spectrograms, logarithmic, shape (rows + 1,).
        seconds: how long each spectrogram is.
    """

    band_hz: Sequence[float]
    levels_dbfs: tuple[Sequence[float], Sequence[float]]
    modulation_hz: Sequence[float]
    modulations_db: tuple[Sequence[float], Sequence[float]]
    spectrograms_db: tuple[NDArray[np.float64], NDArray[np.float64]]
    edges_hz: NDArray[np.float64]
    seconds: tuple[float, float]


def room_figure(pictures: RoomPictures) -> Figure:
    """Recording and synthesis: third-octave spectrum, spectrograms on one colour scale, envelope spectra.

    Returns:
        A matplotlib figure; `png` and `figures.svg` make files of it.
    """
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(7.6, 9.6), layout="constrained")
        parts: Any = figure.subfigures(3, 1, height_ratios=(3.1, 3.6, 2.7))
        spectrum, grams, modulation = parts
        axes = spectrum.subplots()
        _lines(axes, pictures.band_hz, pictures.levels_dbfs, SHOWN_HZ)
        axes.set_title("Spectrum in third octaves", loc="left")
        axes.set_xlabel("frequency, Hz")
        axes.set_ylabel("level, dBFS")
        _spectrograms(grams, pictures)
        axes = modulation.subplots()
        _lines(axes, pictures.modulation_hz, pictures.modulations_db, SHOWN_MODULATION_HZ)
        axes.set_title("How the level moves: envelope spectrum", loc="left")
        axes.set_xlabel("changes per second, Hz")
        axes.set_ylabel("dB re mean squared")
    return figure


def png(figure: Figure) -> bytes:
    """A figure as a PNG on white, without a date or the version of the program that drew it."""
    out = io.BytesIO()
    with _style():
        figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib as it comes, with the style of all plots of asrfair."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _lines(axes: Axes, hz: Sequence[float], pair: tuple[Sequence[float], Sequence[float]], ticks: Any) -> None:
    """Two series over frequency; the second is drawn as open markers, so that both can be seen where they agree."""
    styles: tuple[dict[str, Any], dict[str, Any]] = (
        {"linewidth": 2.2, "markersize": 5},
        {"linewidth": 1.4, "markersize": 8, "markerfacecolor": "none", "linestyle": "--"},
    )
    for number, (values, style) in enumerate(zip(pair, styles, strict=True)):
        axes.plot(hz, values, color=COLOURS[number], marker=MARKERS[number], label=NAMES[number], **style)
    axes.set_xscale("log")
    shown = [tick for tick in ticks if hz and hz[0] <= tick <= hz[-1]]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_xticks([], minor=True)
    top = max(max(values) for values in pair) if hz else 0.0
    bottom = min(min(values) for values in pair) if hz else 0.0
    axes.set_ylim(max(bottom, top - 80) - 3, top + 4)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def _spectrograms(figure: SubFigure, pictures: RoomPictures) -> None:
    """Side by side, with one colour scale."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    top = float(np.percentile(pictures.spectrograms_db[0], 99.9))
    both: Any = figure.subplots(1, 2, sharey=True)
    rows = len(pictures.edges_hz) - 1
    image = None
    for axes, name, levels, seconds in zip(both, NAMES, pictures.spectrograms_db, pictures.seconds, strict=True):
        image = axes.imshow(
            levels,
            origin="lower",
            aspect="auto",
            extent=(0.0, seconds, 0.0, float(rows)),
            vmin=top - RANGE_DB,
            vmax=top,
            cmap="magma",
            interpolation="nearest",
        )
        axes.set_title(f"{name}, {seconds:.0f} s" if seconds >= 3 else f"{name}, {seconds:.1f} s", loc="left")
        axes.set_xlabel("time, s")
        axes.xaxis.set_major_locator(MaxNLocator(5, prune="upper"))
    shown = [hz for hz in SHOWN_HZ if pictures.edges_hz[0] <= hz <= pictures.edges_hz[-1]]
    places = np.interp(np.log(shown), np.log(pictures.edges_hz), np.arange(rows + 1))
    both[0].set_yticks(places, [f"{hz:g}" for hz in shown])
    both[0].set_ylabel("frequency, Hz")
    if image is not None:
        figure.colorbar(image, ax=list(both), label="dBFS", pad=0.02)
