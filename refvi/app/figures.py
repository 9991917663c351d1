"""refvi figures: redraw the figures from the code that checks them."""
import importlib.util
import os
import signal
from contextlib import contextmanager
from functools import partial

from refvi.base import files
from refvi.base.progress import Progress
from refvi.data.store import cache
from refvi.verify.run import no_script, start_server, workers


def run(options):
    for path in draw(options):
        print(path)
    return 0


def load_press():
    """figures/press.py of the checkout."""
    path = files.checkout() / "figures" / "press.py"
    spec = importlib.util.spec_from_file_location("refvi_press", path)
    press = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(press)
    return press


def draw(options):
    """Draw the figures, as many at a time as there are cores, yielding the paths of each in the order asked for."""
    press = load_press()
    names = press.require_names(options.names)
    look = dict(size=options.size, font_size=options.font_size, dpi=options.dpi, transparent=options.transparent)
    if options.update and any(look.values()):
        raise ValueError("--update renews the pictures of the pages as they are: leave out --size, --font-size, --dpi "
                         "and --transparent")
    write = partial(written, out=folder(options), form=options.format, fresh=options.fresh, update=options.update,
                    **look)
    with Progress("figures", len(names)) as bar, pool(min(len(names), os.cpu_count() or 1)) as each:
        for number, paths in enumerate(each(write, names), 1):
            bar.clear()
            yield from paths
            bar(number, names[number - 1])


def written(name, *, size, font_size, dpi, transparent, **how):
    """The paths of one figure, written; in whichever process."""
    press = load_press()
    return list(press.write(name, look=press.Look(size, font_size, dpi, transparent), **how))


def figure(name, *, size=None, font_size=None, fresh=False):
    """(matplotlib Figure, numbers) of one of refvi's pictures, to change labels or language in a notebook.

    size: width and height in inches; font_size in points; fresh: compute with fresh entropy. The numbers are arrays by
    the names of the picture's script. LookupError with the list of names where there is none of that name.
    """
    press = load_press()
    press.require_names([name])
    script = press.load(name)
    data = press.numbers(name, script, fresh)
    return press.drawn(script, data, press.Look(size, font_size)), data


@contextmanager
def pool(processes):
    """A map over worker processes that come to an end with the with-block; the built-in map where one process is
    enough.
    """
    if processes == 1:
        yield map
        return
    start_server()
    # Ctrl-C is the parent's to answer
    with no_script():
        started = workers().Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    with started:
        yield started.imap


def folder(options):
    """Where the figures go: as asked for, else into the checkout, else, where that is read-only, into the user's cache.

    An OSError if nothing can be written there.
    """
    home = files.checkout() / "figures"
    if options.update or options.out:
        return files.require_folder(home if options.update else options.out, "the figures")
    try:
        return files.require_folder(home / "drawn", "the figures")
    except OSError:
        return files.require_folder(cache() / "figures", "the figures")
