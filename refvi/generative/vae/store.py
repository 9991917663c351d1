"""A fit in a file: .npz, whole or not there, and checked when it is read."""
import errno
import hashlib
import io
import json
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from refvi.base import files
from refvi.generative.vae.model import Architecture, split
from refvi.generative.vae.training import Settings, Training, resumed

try:
    import fcntl
except ImportError:     # not on every system: two fits into one file are then not told apart
    fcntl = None

FORMAT = "refvi vae 1"
ARRAYS = ("weights", "first", "second", "history")
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG


def stamp(name, x, **more):
    """What tells data apart: a name, N, and a digest of the pixels, packed if they are booleans."""
    content = np.packbits(x) if x.dtype == bool else np.ascontiguousarray(x)
    return dict(name=name, N=len(x), sha256=hashlib.sha256(content).hexdigest(), **more)


def save(fit, path):
    """Write the fit to path in one step; OSError says what to do, and leaves an earlier file as it was."""
    facts = dict(format=FORMAT, shape=fit.shape._asdict(), settings=fit.settings._asdict(), steps=fit.steps,
                 chance=fit.chance, data=fit.data)
    content = io.BytesIO()
    np.savez(content, facts=json.dumps(facts, default=plain), **{name: getattr(fit, name) for name in ARRAYS})
    try:
        files.write(path, content.getvalue())
    except OSError as error:
        earlier = "the earlier file is untouched" if Path(path).exists() else "nothing was written"
        remedy = "Free some space, or choose another --out" if error.errno in FULL else "Choose another --out"
        raise OSError(f"cannot store the fit after epoch {fit.epochs} in {path}: {error.strerror or error}; "
                      f"{earlier}. {remedy}") from None


def require_place(path, fresh=False):
    """path, or a ValueError or OSError before the work.

    What is there is no file, is no fit that --fresh may replace, or its folder takes no new file.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is a {'folder' if path.is_dir() else 'device'}, expected a file, there or not "
                             f"yet: choose another --out"
                             + (f", such as {path / 'vae.npz'}" if path.is_dir() else ""))
        if fresh and path.exists() and foreign(path):
            raise ValueError(f"{path} is no fit of a VAE, and --fresh replaces nothing else: choose another --out, "
                             f"or delete it yourself")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(f"cannot store a fit in {path}: {error.strerror or error}; nothing was written. Choose another "
                      f"--out") from None
    return path


@contextmanager
def alone(path):
    """Nobody else stores a fit in path meanwhile; ValueError where somebody does. No path: nothing to hold."""
    if path is None or fcntl is None:
        yield
        return
    lock = Path(f"{path}.lock")
    with open(lock, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another fit is being stored in {path}: wait until it is done, or choose another "
                             "--out") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def foreign(path):
    """Whether a file neither is empty nor begins as a fit does, a damaged or truncated one included."""
    with open(path, "rb") as file:
        content = file.read(64)
    return content != b"" and content[30:39] != b"facts.npy"        # where a .npz names its first array


def plain(value):
    """JSON of what the state of a generator holds."""
    return {"array": value.tolist(), "dtype": str(value.dtype)} if isinstance(value, np.ndarray) else value.item()


def unplain(value):
    """What `plain` wrote, as it was."""
    return np.array(value["array"], value["dtype"]) if "array" in value else value


def load(path):
    """The Training in path.

    FileNotFoundError if there is none; ValueError, with a remedy, if it is truncated, damaged or something else.
    """
    path = Path(path)
    remedy = "delete it, or choose another --out"
    try:
        content = path.read_bytes()
        if content[:2] != b"PK":        # NumPy would speak of pickles
            raise zipfile.BadZipFile(f"it begins with {content[:8]!r}" if content else "it is empty")
        with np.load(io.BytesIO(content), allow_pickle=False) as members:
            if "facts" not in members:
                raise ValueError(f"{path} holds {', '.join(members.files[:5]) or 'nothing'}, expected a fit of a "
                                 f"VAE: {remedy}")
            facts = json.loads(str(members["facts"]), object_hook=unplain)
            arrays = {name: members[name] for name in ARRAYS}
    except (zipfile.BadZipFile, EOFError, OSError, KeyError, json.JSONDecodeError, AttributeError, TypeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        if isinstance(error, OSError) and error.errno:
            trouble = f"cannot read a fit from {path}: {error.strerror}"
            raise OSError(f"{trouble}. Make it readable, or choose another --out") from None
        raise ValueError(f"{path} is truncated, damaged or no fit ({error}): {remedy}") from None
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is truncated, damaged or no fit ({error}): {remedy}") from None
    return require_whole(facts, arrays, path, remedy)


def require_whole(facts, arrays, path, remedy):
    """The Training of these facts and arrays, or a ValueError where they do not fit together."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"{path} is of format {facts.get('format')!r}, expected {FORMAT!r}: {remedy}")
    try:
        shape = Architecture(**{name: tuple(value) if isinstance(value, list) else value for name,
                                value in facts["shape"].items()})
        fit = Training(shape, Settings(**facts["settings"]), steps=facts["steps"], chance=facts["chance"],
                  data=facts["data"], **arrays)
        for moments in (fit.weights, fit.first, fit.second):
            split(moments, shape)
            if not np.all(np.isfinite(moments)):
                raise ValueError("weights or moments that are not finite")
        if fit.history.ndim != 2 or fit.history.shape[1] != 4:
            raise ValueError(f"a history of shape {fit.history.shape}, expected (epochs, 4)")
        if not isinstance(fit.data, dict) or not isinstance(fit.steps, int) or fit.steps < fit.epochs:
            raise ValueError(f"{fit.steps!r} steps in {fit.epochs} epochs on the data {fit.data!r}")
        resumed(fit.chance)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} does not fit together ({error}): {remedy}") from None
    return fit


def require_same(fit, shape, settings, data, path):
    """fit, or a ValueError where the file holds another model, other settings or other data than those asked for."""
    remedy = "choose another --out, or --fresh to begin anew and replace it"
    for name, found, asked in (("of", fit.shape, shape), ("with", fit.settings, settings)):
        if found != asked:
            raise ValueError(f"{path} holds a fit {name} {found}, asked for was {asked}: {remedy}")
    if fit.data != data:
        pixels = "the same" if fit.data.get("sha256") == data.get("sha256") else "other"
        raise ValueError(f"{path} holds a fit to {fit.data.get('name')}, N = {fit.data.get('N')}, "
                         f"these data are {data.get('name')}, N = {data.get('N')}, with {pixels} pixels: {remedy}")
    return fit
