"""A fit in a file: .npz, whole or not there, and checked when it is read."""
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np

from refvi import files
from refvi.vae.model import Architecture, split
from refvi.vae.training import Fit, Settings

FORMAT = "refvi vae 1"
ARRAYS = ("weights", "first", "second", "history")


def stamp(name, x, **more):
    """What tells data apart: a name, N, and a digest of the pixels, packed if they are booleans."""
    content = np.packbits(x) if x.dtype == bool else np.ascontiguousarray(x)
    return dict(name=name, N=len(x), sha256=hashlib.sha256(content).hexdigest(), **more)


def save(fit, path):
    """Write the fit to path in one step; OSError says what to do, and leaves an earlier file as it was."""
    facts = dict(format=FORMAT, shape=fit.shape._asdict(), settings=fit.settings._asdict(), steps=fit.steps, chance=fit.chance, data=fit.data)
    content = io.BytesIO()
    np.savez(content, facts=json.dumps(facts, default=plain), **{name: getattr(fit, name) for name in ARRAYS})
    try:
        files.write(path, content.getvalue())
    except OSError as error:
        earlier = "the file of an earlier epoch is untouched" if Path(path).exists() else "nothing was written"
        raise OSError(f"cannot store the fit after epoch {fit.epochs} in {path}: {error.strerror or error}; {earlier}. "
                      "Free some space, or choose another --out") from None


def plain(value):
    """JSON of what the state of a generator holds."""
    return {"array": value.tolist(), "dtype": str(value.dtype)} if isinstance(value, np.ndarray) else value.item()


def unplain(value):
    return np.array(value["array"], value["dtype"]) if "array" in value else value


def load(path):
    """The Fit in path. FileNotFoundError if there is none; ValueError, with a remedy, if it is truncated, damaged or something else."""
    path = Path(path)
    remedy = "delete it, or choose another --out"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            if "facts" not in content:
                raise ValueError(f"{path} holds {', '.join(content.files[:5]) or 'nothing'}, expected a fit of a VAE: {remedy}")
            facts = json.loads(str(content["facts"]), object_hook=unplain)
            arrays = {name: content[name] for name in ARRAYS}
    except (zipfile.BadZipFile, EOFError, OSError, KeyError, json.JSONDecodeError, AttributeError, TypeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{path} is truncated, damaged or no fit ({error}): {remedy}") from None
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is truncated, damaged or no fit ({error}): {remedy}") from None
    return require_whole(facts, arrays, path, remedy)


def require_whole(facts, arrays, path, remedy):
    """The Fit of these facts and arrays, or a ValueError where they do not fit together."""
    if facts.get("format") != FORMAT:
        raise ValueError(f"{path} is of format {facts.get('format')!r}, expected {FORMAT!r}: {remedy}")
    try:
        shape = Architecture(**{name: tuple(value) if isinstance(value, list) else value for name, value in facts["shape"].items()})
        fit = Fit(shape, Settings(**facts["settings"]), steps=facts["steps"], chance=facts["chance"], data=facts["data"], **arrays)
        for moments in (fit.weights, fit.first, fit.second):
            split(moments, shape)
            if not np.all(np.isfinite(moments)):
                raise ValueError("weights or moments that are not finite")
        if fit.history.ndim != 2 or fit.history.shape[1] != 4:
            raise ValueError(f"a history of shape {fit.history.shape}, expected (epochs, 4)")
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} does not fit together ({error}): {remedy}") from None
    return fit


def require_same(fit, shape, settings, data, path):
    """fit, or a ValueError where the file holds another model, other settings or other data than those asked for."""
    remedy = "choose another --out, or --fresh to begin anew and replace it"
    for name, found, asked in (("of", fit.shape, shape), ("with", fit.settings, settings)):
        if found != asked:
            raise ValueError(f"{path} holds a fit {name} {found}, asked for was {asked}: {remedy}")
    if fit.data != data:
        raise ValueError(f"{path} holds a fit to {fit.data.get('name')}, N = {fit.data.get('N')}, these data are {data.get('name')}, N = {data.get('N')}, "
                         f"with {'the same' if fit.data.get('sha256') == data.get('sha256') else 'other'} pixels: {remedy}")
    return fit
