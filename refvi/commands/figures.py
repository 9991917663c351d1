"""refvi figures: redraw the figures from the code that checks them."""
import importlib.util

from refvi import files
from refvi.progress import Progress


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
    """Draw the figures one by one, yielding each path as it is written."""
    press = load_press()
    names, out = press.require_names(options.names), folder(options)
    with Progress("figures", len(names)) as bar:
        for number, name in enumerate(names):
            bar(number, name)
            yield from press.write(name, out, options.format, fresh=options.fresh, update=options.update)


def folder(options):
    """Where the figures go; an error of the file system if nothing can be written there."""
    home = files.checkout() / "figures"
    return files.require_folder(home if options.update else options.out or home / "drawn", "the figures")
