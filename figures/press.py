"""The press: runs a figure's script, writes its picture and its numbers.

A script holds its claim (the docstring), data(rng) -> dict of arrays, and draw(figure, **data). Arrays named measured_x
come with error_x, their standard errors, and exact_x, where they should lie; random_x depends on draws and has no line.
FORMAT = "png" marks photographs, EXPENSIVE = True a figure that is drawn from its stored numbers unless they are to be
computed afresh, and QUICK the keywords with which a test calls its data. Committed pictures take their seed from their
name. SIZE is the picture's own size in inches. A script with FRAMES, FRAMES_PER_SECOND, FRAME_SIZE and
draw_frame(figure, frame, **data) moves as well: <name>.gif. With SLIDER = (what it moves, a label for each frame) in
place of FRAMES and FRAMES_PER_SECOND, it is moved by hand, where `refvi html` shows it: <name>_frames.svg.
"""
import hashlib
import importlib.util
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np

from refvi.base import files
from refvi.reading import moving

matplotlib.use("Agg")       # there may be no display
from matplotlib import rcParams, style      # noqa: E402
from matplotlib.animation import writers    # noqa: E402
from matplotlib.figure import Figure        # noqa: E402
from matplotlib.text import Text            # noqa: E402

HOME = Path(__file__).resolve().parent
UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
HOUSE = ["default", HOME / "house.mplstyle"]       # whatever the reader's own matplotlibrc says


def names():
    """Every figure: the scripts in the folders of the parts."""
    return sorted(path.stem for path in HOME.glob("*/*.py"))


def place(name):
    """The path of a figure's script; its numbers and its committed pictures lie beside it."""
    return next(HOME.glob(f"*/{name}.py"))


def require_names(wanted):
    """The figures asked for, all by default; LookupError with the list where one is unknown."""
    for name in wanted:
        if name not in names():
            raise LookupError(f"no figure {name!r}, expected one of {', '.join(names())}")
    return list(wanted) or names()


def load(name):
    """A figure's script as a module."""
    path = place(name)
    folders = [HOME, *(folder for folder in HOME.iterdir() if folder.is_dir())]     # for what several pictures share
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]
    spec = importlib.util.spec_from_file_location(name, path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def seeded(name):
    """The generator of a committed picture, from its name."""
    return np.random.Generator(np.random.SFC64(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")))


def stored(name):
    """The committed numbers of a figure, or None."""
    path = place(name).with_suffix(".json")
    return arrays(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def arrays(data):
    return {key: np.asarray(value) for key, value in data.items()}


def numbers(name, script, fresh=False, update=False):
    """A figure's data: stored if it is expensive, else computed; with fresh entropy only if that is asked for."""
    kept = stored(name)
    if getattr(script, "EXPENSIVE", False) and kept and not fresh and not update:
        return kept
    return arrays(script.data(np.random.default_rng() if fresh else seeded(name)))


class Look(NamedTuple):
    """How a picture is to be drawn where it is not for these pages: None leaves a thing as the house has it."""
    size: tuple | None = None           # width and height in inches
    font_size: float | None = None      # of most words, in points; smaller ones shrink or grow along
    dpi: float | None = None
    transparent: bool = False


def drawn(script, data, look=Look(), draw=None):
    """The picture as a matplotlib Figure, in the house's style whatever the reader's own settings are."""
    with style.context(HOUSE):
        figure = Figure(figsize=getattr(script, "SIZE", None), dpi=look.dpi)
        (draw or script.draw)(figure, **data)
        if look.font_size:
            factor = look.font_size / rcParams["font.size"]
            for text in figure.findobj(Text):
                text.set_fontsize(factor * text.get_fontsize())
        if look.size:
            figure.set_size_inches(*look.size)
    return figure


def render(script, data, form, look=Look()):
    """The picture as bytes, the same for the same numbers."""
    figure, buffer = drawn(script, data, look), io.BytesIO()
    with style.context(HOUSE):
        figure.savefig(buffer, format=form, metadata=UNDATED[form], transparent=look.transparent)
    return buffer.getvalue()


def animate(script, data):
    """The moving picture as the bytes of a GIF, the same for the same numbers; None, and why, without a writer for it.
    """
    if not writers.is_available("pillow"):
        print("refvi: no moving picture, only the still one: Pillow is missing (pip install pillow)", file=sys.stderr)
        return None
    with style.context(HOUSE), tempfile.TemporaryDirectory() as folder:
        figure, path = Figure(figsize=script.FRAME_SIZE, dpi=80), Path(folder) / "moving.gif"
        writer = writers["pillow"](fps=script.FRAMES_PER_SECOND)
        with writer.saving(figure, path, dpi=80):
            for frame in range(script.FRAMES):
                figure.clear()
                script.draw_frame(figure, frame, **data)
                writer.grab_frame()
        return path.read_bytes()


def frames(script, data):
    """The SVGs of all frames, their axes where those of the first are, their words as text."""
    places = None
    with style.context([*HOUSE, {"svg.fonttype": "none"}]):
        for frame in range(len(script.SLIDER[1])):
            figure, buffer = Figure(figsize=script.FRAME_SIZE), io.BytesIO()
            script.draw_frame(figure, frame, **data)
            figure.draw_without_rendering()
            places = places or [axes.get_position() for axes in figure.axes]
            figure.set_layout_engine("none")
            for axes, where in zip(figure.axes, places):
                axes.set_position(where)
            figure.savefig(buffer, format="svg", metadata=UNDATED["svg"])
            yield buffer.getvalue()


def write(name, out=HOME / "drawn", form=None, fresh=False, update=False, look=Look()):
    """Compute and draw one figure, and yield the paths of its pictures.

    Its numbers are written first, then its pictures, all drawn before the first is written. update renews the committed
    files beside the script, whatever out is.
    """
    out = place(name).parent if update else Path(out)
    script = load(name)
    data = numbers(name, script, fresh, update)
    form = form or getattr(script, "FORMAT", "svg")
    files.write(out / f"{name}.json", json.dumps({key: value.tolist() for key, value in data.items()}) + "\n")
    pictures = {f".{form}": render(script, data, form, look)}
    if hasattr(script, "FRAMES") and look == Look():
        pictures[".gif"] = animate(script, data)
    if hasattr(script, "SLIDER") and look == Look():
        pictures["_frames.svg"] = moving.picture(list(frames(script, data)), *script.SLIDER)
    for ending, picture in pictures.items():
        if picture:
            path = out / f"{name}{ending}"
            files.write(path, picture)
            yield path
