"""refvi fit: fit models on real data, beside what is exact."""
import importlib
import pkgutil
import secrets

import numpy as np

from refvi.app import fits
from refvi.app.fits.outcome import Failure

EXTRA = ("epochs", "latent", "out", "fresh")        # options that only fits take whose OPTIONS have them


def run(options):
    told = []
    for name, lines in fit(options):
        for number, line in enumerate(lines):           # as they come: a long fit says what it does before it does it
            print(f"  {line}" if number else f"{name}\n  {line}", flush=True)
            told.append(line)
    return status(told)


def status(lines):
    """The exit status of these lines of reports: 130 if Ctrl-C ended one, 1 if one failed, else 0."""
    return 130 if cut_short(lines) else int(any(isinstance(line, Failure) for line in lines))


def cut_short(lines):
    """Whether a fit's report says that Ctrl-C ended it."""
    return any("interrupted after step" in line for line in lines)


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
        raise LookupError(f"no data {options.data!r}, expected one of {', '.join(sorted({data for fit in known.values() for data in fit.DATA}))}")
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    more = {name: own_options(name, known[name], options) for name in chosen}
    for name in chosen:
        rng = np.random.Generator(np.random.SFC64(entropy))
        yield f"{name} (--entropy {entropy:#034x})", known[name].run(rng, options.data, **more[name])


def own_options(name, module, options):
    """What a fit's OPTIONS say, or the call instead; nothing for a fit that is not named, for which its run has short defaults. LookupError for what is none of its own."""
    own, asked = getattr(module, "OPTIONS", {}), {option: getattr(options, option, None) for option in EXTRA}
    foreign = [option for option, value in asked.items() if value is not None and (name not in options.names or option not in own)]
    if foreign:
        raise LookupError(f"--{foreign[0]} is no option of {name if options.names else 'all fits together'}: it belongs to one that is named, as in `refvi fit vae --{foreign[0]}`")
    return own | {option: value for option, value in asked.items() if value is not None} if name in options.names else {}
