"""refvi fit: fit models on real data, beside what is exact."""
import importlib
import pkgutil
import secrets

import numpy as np

from refvi.app import fits
from refvi.app.fits.outcome import status

EXTRA = ("epochs", "latent", "out", "fresh", "method")        # options that only fits take whose OPTIONS have them


def run(options):
    told = []
    for name, lines in fit(options):
        print(name)
        for line in lines:      # as they come: a long fit says what it does before it does it
            print(f"  {line}", flush=True)
            told.append(line)
    return status(told)


def names():
    return [module.name for module in pkgutil.iter_modules(fits.__path__) if module.name != "outcome"]


def fit(options):
    """(name, lines of its report as they come) of each fit asked for."""
    known = {name: importlib.import_module(f"refvi.app.fits.{name}") for name in names()}
    for name in options.names:
        if name not in known:
            raise LookupError(f"no fit {name!r}, expected one of {', '.join(known)}")
        if options.data and options.data not in known[name].DATA:
            raise LookupError(f"no data {options.data!r} for {name}, expected one of {', '.join(known[name].DATA)}")
    chosen = options.names or [name for name in known if options.data in (None, *known[name].DATA)]
    if not chosen:
        sets = sorted({data for module in known.values() for data in module.DATA})
        raise LookupError(f"no data {options.data!r}, expected one of {', '.join(sets)}")
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    more = {name: own_options(name, known[name], options) for name in chosen}
    for name in chosen:
        rng = np.random.Generator(np.random.SFC64(entropy))
        yield f"{name} (--entropy {entropy:#034x})", known[name].run(rng, options.data, **more[name])


def own_options(name, module, options):
    """The OPTIONS of a fit that is named, as the call has them; nothing for others, whose run has short defaults.

    LookupError for an option that is not its own.
    """
    named, own = name in options.names, getattr(module, "OPTIONS", {})
    asked = {option: getattr(options, option, None) for option in EXTRA}
    asked = {option: value for option, value in asked.items() if value is not None}
    for option in asked:
        if not named or option not in own:
            whose = name if options.names else "all fits together"
            raise LookupError(f"--{option} is no option of {whose}: it belongs to one that is named, "
                              f"as in `refvi fit vae --{option}`")
    return own | asked if named else {}
