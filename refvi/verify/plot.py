"""The running mean of a random row narrowing onto its exact value."""
import io

import matplotlib
import numpy as np

from refvi.base import files

matplotlib.use("Agg")
from matplotlib.figure import Figure     # noqa: E402


def running_mean(path, title, draws, target):
    """Write one panel for each coordinate (at most four): the mean of the first n draws with its error, on the exact
    line.
    """
    R = len(draws)
    at = np.unique(np.geomspace(10, R, 60).astype(int))
    n = np.arange(1, R + 1)[:, None]
    mean = (np.cumsum(draws, axis=0) / n)[at - 1]
    square = (np.cumsum((draws - target) ** 2, axis=0) / n)[at - 1]
    error = np.sqrt(np.maximum(square - (mean - target) ** 2, 0) / at[:, None])
    P = min(draws.shape[1], 4)
    figure = Figure(figsize=(5.2, 1.4 + 1.3 * P), layout="constrained")
    panels = figure.subplots(P, 1, sharex=True, squeeze=False)[:, 0]
    for p, axes in enumerate(panels):
        axes.fill_between(at, target[p] - 2 * error[:, p], target[p] + 2 * error[:, p], color="0.88",
                          label="exact value, two standard errors")
        axes.axhline(target[p], color="black", linewidth=1)
        axes.plot(at, mean[:, p], "o", markersize=2.5, color="0.35", label="mean of the first n repetitions")
        axes.set_ylabel(f"coordinate {p}")
    panels[0].set_title(title)
    panels[0].legend(fontsize="small", frameon=False)
    panels[-1].set_xscale("log")
    panels[-1].set_xlabel("repetitions n")
    with matplotlib.rc_context({"svg.hashsalt": "refvi"}):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    files.write(path, buffer.getvalue())
