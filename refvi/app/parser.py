"""What may stand on the command line, and the help that says so."""
import argparse
import pkgutil
import textwrap

from refvi import CHAPTERS, PARTS, __version__
from refvi.app import fits
from refvi.base import files
from refvi.data.sources import SOURCES


def build_parser():
    """The parser of all commands; what it returns holds the name of the command's module in refvi/app."""
    parser = argparse.ArgumentParser(
        prog="refvi", description="Every equals sign of the lectures, checked by a computer. "
        "Without a command: verify every chapter, redraw the figures, run the fits.")
    parser.set_defaults(command="everything", parse=parser.parse_args)
    parser.add_argument("--version", action="version", version=f"refvi {__version__}")
    commands = parser.add_subparsers(metavar="[COMMAND]")
    for add in (add_verify, add_figures, add_slides, add_fit, add_data, add_html, add_notebook):
        add(commands)
    return parser


def command(commands, name, short, long, epilog=""):
    """The parser of one command; epilog keeps its lines."""
    parser = commands.add_parser(name, help=short, description=long, epilog=epilog,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(command=name)
    return parser


def add_verify(commands):
    chapters = "\n".join(f"  {part:<12}{', '.join(names)}" for part, names in PARTS.items())
    verify = command(commands, "verify", "play the rows of derivations",
                     "Play the rows of chapters, or of any Markdown page with a companion.", f"chapters:\n{chapters}")
    add = verify.add_argument
    add("pages", nargs="*", metavar="CHAPTER|PATH.md", help="default: every chapter")
    add("--stages", type=positive(int), default=1, metavar="N", help="set every stage N times, with fresh parameters")
    add("--stage", metavar="LABEL", help="play only this stage, as named in the report")
    add("--entropy", type=entropy_of, metavar="HEX", help="replay a run: the number its report printed")
    add("--settings", type=not_negative, default=20., metavar="SECONDS",
        help="for further settings of stages, over all pages (default: 20; 0: none)")
    add("--timeout", type=positive(float), default=60., metavar="SECONDS", help="for a single row (default: 60)")
    add("--mutants", nargs="?", type=mutants_of, const=3, default=None, metavar="N",
        help="plant small mistakes in every row, N of them in its source (default: 3, or all), and see them refused")
    add("--strict", action="store_true", help="refuse what is unpinned: equal to no row that is computed another way")
    add("--failures", action="store_true", help="show only what is not PASS")
    add("--json", metavar="FILE", help="write the report for a machine")
    add("--plot", metavar="DIR", help="draw the running mean of every random row")
    add("--values", action="store_true", help="print what --stage supplied with --entropy, instead of playing it")


def add_figures(commands):
    figures = command(commands, "figures", "redraw the figures", "Redraw figures from the code that checks them.",
                      listed("figures", figure_names()))
    add = figures.add_argument
    add("names", nargs="*", metavar="NAME", help="default: all")
    add("--format", choices=("svg", "png", "pdf"), help="default: svg, or png for photographs")
    add("--out", metavar="DIR", help="where to (default: figures/drawn, which git ignores)")
    choice = figures.add_mutually_exclusive_group()
    choice.add_argument("--fresh", action="store_true", help="recompute everything, with fresh entropy")
    choice.add_argument("--update", action="store_true", help="recompute and renew the committed pictures and numbers")
    add("--size", type=size_of, metavar="WxH", help="width and height in inches, as in 6x4")
    add("--font-size", type=positive(float), metavar="POINTS", help="of most words (default: 10)")
    add("--dpi", type=positive(float), metavar="N", help="dots per inch of a png (default: 150)")
    add("--transparent", action="store_true", help="no background")


def add_slides(commands):
    slides = command(commands, "slides", "find the row, the function and the picture of a slide",
                     "Find where a slide is checked: its rows, their functions, its pictures.")
    slides.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="words of a title, a statement, a row, a figure or a page (default: a summary of the decks)",
    )
    slides.add_argument(
        "--table", metavar="FILE", help="a table of your own slides (columns: see derivations/slides.tsv)"
    )


def add_fit(commands):
    names = [module.name for module in pkgutil.iter_modules(fits.__path__) if module.name != "outcome"]
    fit = command(commands, "fit", "fit a model on real data", "Fit models on real data, beside what is exact.",
                  listed("fits", names))
    add = fit.add_argument
    add("names", nargs="*", metavar="NAME", help="default: all")
    add("--data", metavar="SET", help="a UCI set, mnist, toy or typeset (default: real data where they are at hand)")
    add("--entropy", type=entropy_of, metavar="HEX", help="replay a run")
    add("--epochs", type=positive(int), metavar="N", help="of a VAE: in all, those of a stored fit included")
    add("--latent", type=positive(int), metavar="D", help="of the VAE: dimensions of its latent variable")
    add("--method", metavar="NAME", help="of bnn: hmc, vi, laplace or swag (default: hmc)")
    add("--out", metavar="FILE",
        help="of the VAE and of bnn: where it is kept, and goes on from (default: the user's cache)")
    add("--fresh", action="store_true", default=None, help="of both: begin anew, and replace a stored fit")


def add_data(commands):
    data = command(commands, "data", "say which data are at hand, or fetch them",
                   "Say which data are at hand, where they come from and under which terms; fetch them, "
                   "checked to the last byte.")
    actions = data.add_subparsers(metavar="[ACTION]")
    fetch = actions.add_parser("fetch", help="download a data set into the user's cache")
    fetch.add_argument("set", choices=("uci", *SOURCES), metavar="SET",
                       help=f"uci (four regression sets), {', '.join(SOURCES)}")
    fetch.add_argument("--out", metavar="DIR", help="another folder than the cache")
    fetch.add_argument("--mirror", action="append", metavar="URL",
                       help="fetch from here instead; may be given several times")
    fetch.set_defaults(command="data", work="fetch")


def add_html(commands):
    pages = command(commands, "html", "write the pages as a site",
                    "Write the pages as a site to read beside the slides: formula, sentence, code "
                    "and verdict side by side (packages: pip install -e '.[html]').")
    pages.add_argument("--out", metavar="DIR", help="where to (default: site, which git ignores)")
    pages.add_argument("--report", metavar="FILE", help="a report of `refvi verify --json`, for the verdicts")


def add_notebook(commands):
    notebook = command(commands, "notebook", "write a chapter as a notebook",
                       "Write chapters as notebooks, NAME.ipynb: the text, the source of every row, a stage to play "
                       "them on, the checker, a figure, and a row to change. The first cell brings refvi in Colab.",
                       listed("chapters", CHAPTERS))
    notebook.add_argument("names", nargs="+", metavar="NAME")
    notebook.add_argument("--out", metavar="DIR", help="where to (default: the current folder)")


def listed(title, names):
    """The end of a help text: a list of names, if there are any."""
    lines = textwrap.fill(", ".join(names), 78, initial_indent="  ", subsequent_indent="  ")
    return f"{title}:\n{lines}" if names else ""


def figure_names():
    """The figures of the checkout, none where refvi is installed without one."""
    try:
        return sorted(path.stem for path in (files.checkout() / "figures").glob("*/*.py"))
    except FileNotFoundError:
        return []


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be greater than zero, got {text}")
        return value
    convert.__name__ = "positive whole number" if kind is int else "positive number"
    return convert


def not_negative(text):
    """A number of at least zero."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"must be at least zero, got {text}")
    return value


not_negative.__name__ = "number"


def size_of(text):
    """(width, height) in inches of a text such as 6x4."""
    width, height = map(float, text.split("x"))
    if not (0 < width <= 100 and 0 < height <= 100):
        raise argparse.ArgumentTypeError(f"expected a width and a height in inches, as in 6x4, got {text}")
    return width, height


size_of.__name__ = "size in inches (as in 6x4)"


def mutants_of(text):
    """A number of mutants, -1 for all."""
    if text != "all" and not (text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected a number or all, got {text!r}: name the chapters before it")
    return -1 if text == "all" else int(text)


def entropy_of(text):
    value = int(text, 16)
    if not 0 <= value < 2**128:
        raise argparse.ArgumentTypeError("expected a 128-bit number in hexadecimal, as a report prints it")
    return value


entropy_of.__name__ = "hexadecimal number"
