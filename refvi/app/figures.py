"""refvi figures: redraw the figures from the code that checks them."""
import importlib.util
import os
import signal
from contextlib import contextmanager
from functools import partial

from refvi.base import files
from refvi.base.progress import Progress
from refvi.verify.run import start_server, workers


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
    names = load_press().require_names(options.names)
    write = partial(written, out=folder(options), form=options.format, fresh=options.fresh, update=options.update)
    with Progress("figures", len(names)) as bar, pool(min(len(names), os.cpu_count() or 1)) as each:
        for number, paths in enumerate(each(write, names), 1):
            bar(number, names[number - 1])
            yield from paths


def written(name, **how):
    """The paths of one figure, written; in whichever process."""
    return list(load_press().write(name, **how))


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
    with workers().Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as started:
        yield started.imap


def folder(options):
    """Where the figures go; an error of the file system if nothing can be written there."""
    home = files.checkout() / "figures"
    return files.require_folder(home if options.update else options.out or home / "drawn", "the figures")
