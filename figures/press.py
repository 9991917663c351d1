"""The press: runs a figure's script, writes its picture and its numbers.

A script holds its claim (the docstring), data(rng) -> dict of arrays, and draw(figure, **data). Arrays named measured_x
come with error_x, their standard errors, and exact_x, where they should lie; random_x depends on draws and has no line.
FORMAT = "png" marks photographs, EXPENSIVE = True a figure that is drawn from its stored numbers unless they are to be
computed afresh, and QUICK the keywords with which a test calls its data. Committed pictures take their seed from their
name. A script with FRAMES, FRAMES_PER_SECOND and draw_frame(figure, frame, **data) moves as well: <name>.gif.
"""
import hashlib
import importlib.util
import io
import json
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np

from refvi.base import files

matplotlib.use("Agg")       # there may be no display
from matplotlib import style                # noqa: E402
from matplotlib.animation import writers    # noqa: E402
from matplotlib.figure import Figure        # noqa: E402

HOME = Path(__file__).resolve().parent
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
    return (
        {key: np.asarray(value) for key, value in json.loads(path.read_text(encoding="utf-8")).items()}
        if path.exists()
        else None
    )


def numbers(name, script, fresh, update):
    """A figure's data: stored if it is expensive, else computed; with fresh entropy only if that is asked for."""
    kept = stored(name)
    if getattr(script, "EXPENSIVE", False) and kept and not fresh and not update:
        return kept
    return {
        key: np.asarray(value) for key, value in script.data(np.random.default_rng() if fresh else seeded(name)).items()
    }


def render(script, data, form):
    """The picture as bytes, the same for the same numbers."""
    with style.context(HOUSE):
        figure = Figure()
        script.draw(figure, **data)
        buffer = io.BytesIO()
        figure.savefig(
            buffer,
            format=form,
            metadata={"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form],
        )
    return buffer.getvalue()


def animate(script, data):
    """The moving picture as the bytes of a GIF, the same for the same numbers; None, and a word of why, without a
    writer for it.
    """
    if not writers.is_available("pillow"):
        print("refvi: no moving picture, only the still one: Pillow is missing (pip install pillow)", file=sys.stderr)
        return None
    with style.context(HOUSE), tempfile.TemporaryDirectory() as folder:
        figure, path = Figure(dpi=80), Path(folder) / "moving.gif"
        writer = writers["pillow"](fps=script.FRAMES_PER_SECOND)
        for frame in range(script.FRAMES):
            figure.clear()
            script.draw_frame(figure, frame, **data)
            if frame == 0:      # its size is known only now
                writer.setup(figure, path)
            writer.grab_frame()
        writer.finish()
        return path.read_bytes()


def write(name, out=HOME / "drawn", form=None, fresh=False, update=False):
    """Compute and draw one figure; writes its numbers first, then its pictures, all drawn before the first is written;
    yields their paths.

    update renews the committed files beside the script, whatever out is.
    """
    out = place(name).parent if update else Path(out)
    script = load(name)
    data = numbers(name, script, fresh, update)
    form = form or getattr(script, "FORMAT", "svg")
    files.write(out / f"{name}.json", json.dumps({key: value.tolist() for key, value in data.items()}) + "\n")
    pictures = {form: render(script, data, form), "gif": animate(script, data) if hasattr(script, "FRAMES") else None}
    for ending, picture in pictures.items():
        if picture:
            path = out / f"{name}.{ending}"
            files.write(path, picture)
            yield path
