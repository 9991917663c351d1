"""refvi fit: fit models on real data, beside what is exact."""
import importlib
import pkgutil
import secrets

import numpy as np

from refvi import fits


def run(options):
    stopped = False
    for name, lines in fit(options):
        print("\n".join([name, *("  " + line for line in lines)]), flush=True)
        stopped = stopped or cut_short(lines)
    return 130 if stopped else 0


def cut_short(lines):
    """Whether a fit's report says that Ctrl-C ended it."""
    return any("interrupted after step" in line for line in lines)


def names():
    return [module.name for module in pkgutil.iter_modules(fits.__path__)]


def fit(options):
    """(name, lines of its report) of each fit asked for."""
    known = {name: importlib.import_module(f"refvi.fits.{name}") for name in names()}
    for name in options.names:
        if name not in known:
            raise LookupError(f"no fit {name!r}, expected one of {', '.join(known)}")
        if options.data and options.data not in known[name].DATA:
            raise LookupError(f"no data {options.data!r} for {name}, expected one of {', '.join(known[name].DATA)}")
    chosen = options.names or [name for name in known if options.data in (None, *known[name].DATA)]
    if not chosen:
        raise LookupError(f"no data {options.data!r}, expected one of {', '.join(sorted({data for fit in known.values() for data in fit.DATA}))}")
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    for name in chosen:
        rng = np.random.Generator(np.random.SFC64(entropy))
        yield f"{name} (--entropy {entropy:#034x})", list(known[name].run(rng, options.data))
