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
import re
import sys
import tempfile
import textwrap
import warnings
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np

from refvi.base import files
from refvi.reading import moving

matplotlib.use("Agg")       # there may be no display
warnings.filterwarnings("ignore", "constrained_layout not applied")     # make_room says it in the reader's words
from matplotlib import rcParams, style      # noqa: E402
from matplotlib.animation import writers    # noqa: E402
from matplotlib.collections import Collection       # noqa: E402
from matplotlib.colors import to_rgba       # noqa: E402
from matplotlib.figure import Figure        # noqa: E402
from matplotlib.lines import Line2D         # noqa: E402
from matplotlib.patches import Polygon      # noqa: E402
from matplotlib.text import Text            # noqa: E402

HOME = Path(__file__).resolve().parent
LINES = 3           # of words that the lowest panel should have room for
STEP, STEPS = 0.86, 9       # words that find no room are drawn smaller by this, at most so often
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
    """The picture as a matplotlib Figure, in the house's style whatever the reader's own settings are.

    Where it has less room than it was made for, its words are as large as they find room, and at most as asked for.
    """
    with style.context(HOUSE):
        wanted = look.font_size or rcParams["font.size"]
        for size in wanted * STEP**np.arange(STEPS):
            figure = Figure(figsize=getattr(script, "SIZE", None), dpi=look.dpi)
            (draw or script.draw)(figure, **data)
            if look.size or look.font_size:
                figure.set_size_inches(*(look.size or figure.get_size_inches()))
                scale_words(figure, size / rcParams["font.size"])
                make_room(figure)
                if crowded(figure):
                    continue
            break
        if size < wanted:
            print(f"refvi: words are {size:.2g} points high, not {wanted:g}, for want of room: take a larger --size",
                  file=sys.stderr)
        keep_colours(figure)
    return figure


def keep_colours(figure):
    """Colours by their number in the cycle become those of the house, whoever draws the Figure later."""
    for artist in (*figure.findobj(Line2D), *figure.findobj(Text)):
        for part in ("color", "markerfacecolor", "markeredgecolor"):
            colour = getattr(artist, f"get_{part}", str)()
            if re.fullmatch(r"C\d", str(colour)):
                getattr(artist, f"set_{part}")(to_rgba(colour))
    for artist in figure.findobj(Collection):
        if artist.get_array() is None:
            artist.set(facecolor=artist.get_facecolor(), edgecolor=artist.get_edgecolor())


def scale_words(figure, factor):
    """Multiply the size of every word; axes know that of their numbers, so that fewer stand where they are large."""
    for axis in axes_of(figure):
        for which, ticks in (("major", axis.get_major_ticks()), ("minor", axis.get_minor_ticks())):
            if ticks:
                axis.set_tick_params(which, labelsize=factor * ticks[0].label1.get_fontsize())
    numbers = {label for axis in axes_of(figure) for label in axis.get_ticklabels(which="both")}
    for text in set(figure.findobj(Text)) - numbers:
        text.set_fontsize(factor * text.get_fontsize())


def axes_of(figure):
    """Both axes of every panel that shows them."""
    return [axis for axes in figure.axes if axes.axison for axis in (axes.xaxis, axes.yaxis)]


def make_room(figure):
    """Break words that are longer than what they stand in, and put legends that would cover much of their axes, or are
    wider than the picture, below, as one.
    """
    figure.draw_without_rendering()
    legends = [axes.get_legend() for axes in figure.axes if axes.get_legend() and covers(axes.get_legend(), axes)]
    legends += [legend for legend in figure.legends if legend.get_window_extent().width > figure.bbox.width]
    entries, titles = {}, {}
    for legend in legends:
        entries |= {label: handle for handle, label in entries_of(legend, figure) if label not in entries}
        size, titles[legend.get_title().get_text()] = legend.get_texts()[0].get_fontsize(), None
        legend.remove()
    if entries:
        longest = max(len(line) for label in entries for line in label.split("\n"))
        across = int(figure.bbox.width / figure.dpi * 72 / ((0.5 * longest + 4) * size))
        figure.legend(entries.values(), entries, loc="outside lower center", fontsize=size, title_fontsize=size,
                      title="\n".join(filter(None, titles)) or None, ncols=max(1, min(across, len(entries))))
    for _ in range(2):      # broken words leave another room for the axes
        figure.draw_without_rendering()
        for text in (*figure.texts, *(legend.get_title() for legend in figure.legends)):
            break_lines(text, figure.bbox.width)
        for axes in figure.axes:
            box = axes.get_window_extent()
            for text in (axes.title, axes.xaxis.label):
                break_lines(text, max(1.2 * box.width, share_of(axes)))
            for text in axes.texts:
                break_lines(text, box.width)
            break_lines(axes.yaxis.label, 1.1 * box.height)


def share_of(axes):
    """The width in pixels that a title may have beside those of the neighbours; zero where axes do not fill theirs."""
    place = axes.get_subplotspec()
    if not place or axes.get_aspect() != "auto":
        return 0.
    return 0.9 * axes.get_figure().bbox.width * len(place.colspan) / place.get_gridspec().ncols


def crowded(figure):
    """Whether a word leaves the picture, meets another or crosses the edge of a shape of a diagram, a panel is lower
    than a few lines of its words, or a legend takes nearly half of the picture.
    """
    figure.draw_without_rendering()
    seen = [*seen_words(figure)]
    shapes = [patch.get_transform().transform_path(patch.get_path()) for axes in figure.axes if not axes.axison
              for patch in axes.patches if not isinstance(patch, Polygon)]
    left, low, right, high = figure.bbox.padded(1).extents
    for place, word in enumerate(seen):
        if word.x0 < left or word.y0 < low or word.x1 > right or word.y1 > high:
            return True
        if any(map(word.overlaps, seen[:place])) or any(edge.intersects_bbox(word, filled=False) for edge in shapes):
            return True
    if any(legend.get_window_extent().height > 0.4 * figure.bbox.height for legend in figure.legends):
        return True
    lines = LINES * figure.axes[0].xaxis.label.get_fontsize() / 72 * figure.dpi
    return bool(seen) and min(axes.get_window_extent().height for axes in figure.axes) < lines


def seen_words(figure):
    """The box in pixels of every upright or level word, less the room between lines: words of a line may not touch."""
    unseen = {label for axes in figure.axes if not axes.axison
              for axis in (axes.xaxis, axes.yaxis) for label in (*axis.get_ticklabels(which="both"), axis.label)}
    for axis in axes_of(figure):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - 1e-9 * (high - low) <= tick.get_loc() <= high + 1e-9 * (high - low):
                unseen |= {tick.label1, tick.label2}
    for text in set(figure.findobj(Text)) - unseen:
        if text.get_visible() and text.get_text().strip() and text.get_rotation() % 90 == 0:
            less = -0.12 * text.get_fontsize() / 72 * figure.dpi
            level = text.get_rotation() % 180 == 0
            yield text.get_window_extent().padded(*((0., less) if level else (less, 0.)))


def covers(legend, axes):
    """Whether a legend takes more than a fifth of the area of its axes, or is wider than most of them."""
    own, box = legend.get_window_extent(), axes.get_window_extent()
    return own.width * own.height > 0.2 * box.width * box.height or own.width > 0.75 * box.width


def entries_of(legend, figure):
    """(handle, label) of every line of a legend, what the panels name drawn as they draw it."""
    own = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}
    for handle, text in zip(legend.legend_handles, legend.get_texts()):
        yield own.get(text.get_text(), handle), text.get_text()


def break_lines(text, room):
    """Break a text that is longer than this, in pixels, along the way it is written, into lines that fit."""
    lines, box = text.get_text().split("\n"), text.get_window_extent()
    length = box.height if text.get_rotation() else box.width
    if length > room:
        most = max(8, int(max(map(len, lines)) * room / length))
        text.set_text("\n".join(textwrap.fill(line, most, break_long_words=False) for line in lines))


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
