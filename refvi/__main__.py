"""The command line: refvi [verify | figures | slides | fit | data]; without a word, it verifies, draws and fits."""
import argparse
import importlib
import importlib.util
import os
import sys

from refvi import __version__

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
LOWEST = {"numpy": (1, 24), "scipy": (1, 10), "autograd": (1, 6), "matplotlib": (3, 7)}


def main(arguments=None):
    """Run one command; returns the exit status: 0 if all is PASS, 1 if not, 2 for a wrong call, 130 after Ctrl-C."""
    # before NumPy is imported: products this small gain little from a second thread, and lose tenfold on a busy
    # machine
    for name in THREADS:
        os.environ.setdefault(name, "1")
    # of the worker processes: a random.py in the current folder is none of theirs
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    if sys.stdout is not None:
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        require_libraries()
        command = importlib.import_module(f"refvi.app.{options.command}")
        return getattr(command, getattr(options, "work", "run"))(options)
    except BrokenPipeError:     # whoever reads the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (FileNotFoundError, OSError, ValueError, LookupError, ImportError) as error:
        print(f"refvi: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("refvi: interrupted", file=sys.stderr)
        return 130


def build_parser():
    parser = argparse.ArgumentParser(
        prog="refvi",
        description="Every equals sign of the lectures, checked by a computer. "
        "Without a command: verify every chapter, redraw the figures, run the fits.",
    )
    parser.set_defaults(command="everything", parse=parser.parse_args)
    parser.add_argument("--version", action="version", version=f"refvi {__version__}")
    commands = parser.add_subparsers(metavar="[COMMAND]")

    verify = commands.add_parser(
        "verify",
        help="play the rows of derivations",
        description="Play the rows of chapters, or of any Markdown page with a companion.",
    )
    verify.add_argument("pages", nargs="*", metavar="CHAPTER|PATH.md", help="default: every chapter")
    verify.add_argument(
        "--stages", type=positive(int), default=1, metavar="N", help="set every stage N times, with fresh parameters"
    )
    verify.add_argument("--stage", metavar="LABEL", help="play only this stage, as named in the report")
    verify.add_argument("--entropy", type=entropy_of, metavar="HEX", help="replay a run: the number its report printed")
    verify.add_argument(
        "--timeout", type=positive(float), default=60.0, metavar="SECONDS", help="for a single row (default: 60)"
    )
    verify.add_argument(
        "--mutants", action="store_true", help="plant small mistakes in every row, and see them refused"
    )
    verify.add_argument(
        "--strict", action="store_true", help="refuse what is unpinned: equal to no row that is computed another way"
    )
    verify.add_argument("--json", metavar="FILE", help="write the report for a machine")
    verify.add_argument("--plot", metavar="DIR", help="draw the running mean of every random row")
    verify.set_defaults(command="verify")

    figures = commands.add_parser(
        "figures", help="redraw the figures", description="Redraw figures from the code that checks them."
    )
    figures.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    figures.add_argument("--format", choices=("svg", "png", "pdf"), help="default: svg, or png for photographs")
    figures.add_argument("--out", metavar="DIR", help="where to (default: figures/drawn, which git ignores)")
    choice = figures.add_mutually_exclusive_group()
    choice.add_argument("--fresh", action="store_true", help="recompute everything, with fresh entropy")
    choice.add_argument("--update", action="store_true", help="recompute and renew the committed pictures and numbers")
    figures.set_defaults(command="figures")

    slides = commands.add_parser("slides", help="find the row, the function and the picture of a slide",
                                 description="Find where a slide is checked: its rows, their functions, its pictures.")
    slides.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="words of the slide's title, or of a row or figure (default: a summary of the decks)",
    )
    slides.set_defaults(command="slides")

    fit = commands.add_parser(
        "fit", help="fit a model on real data", description="Fit models on real data, beside what is exact."
    )
    fit.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    fit.add_argument(
        "--data", metavar="SET", help="a UCI set, mnist, toy or typeset (default: real data where they are at hand)"
    )
    fit.add_argument("--entropy", type=entropy_of, metavar="HEX", help="replay a run")
    fit.add_argument(
        "--epochs", type=positive(int), metavar="N", help="of the VAE: in all, those of a stored fit included"
    )
    fit.add_argument("--latent", type=positive(int), metavar="D", help="of the VAE: dimensions of its latent variable")
    fit.add_argument(
        "--out",
        metavar="FILE",
        help="of the VAE: where the fit is kept, and from where it goes on (default: the user's cache)",
    )
    fit.add_argument(
        "--fresh", action="store_true", default=None, help="of the VAE: begin anew, and replace a stored fit"
    )
    fit.set_defaults(command="fit")

    data = commands.add_parser(
        "data",
        help="say which data are at hand, or fetch MNIST",
        description="Say which data are at hand; fetch MNIST, checked to the last byte.",
    )
    data.set_defaults(command="data")
    actions = data.add_subparsers(metavar="[ACTION]")
    fetch = actions.add_parser("fetch", help="download a data set into the user's cache")
    fetch.add_argument("set", choices=("mnist",))
    fetch.add_argument("--out", metavar="DIR", help="another folder than the cache")
    fetch.add_argument(
        "--mirror", action="append", metavar="URL", help="fetch from here instead; may be given several times"
    )
    fetch.set_defaults(command="data", work="fetch")
    return parser


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be greater than zero, got {text}")
        return value
    convert.__name__ = "positive whole number" if kind is int else "positive number"
    return convert


def entropy_of(text):
    value = int(text, 16)
    if not 0 <= value < 2**128:
        raise argparse.ArgumentTypeError("expected a 128-bit number in hexadecimal, as a report prints it")
    return value


entropy_of.__name__ = "hexadecimal number"


def require_libraries():
    """A missing or an old library is named, with the way out, before anything runs."""
    for name, lowest in LOWEST.items():
        wanted = f"refvi needs {name} >= {'.'.join(map(str, lowest))}"
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"{wanted}, which is not installed: pip install -e .")
        if name in ("numpy", "scipy"):
            version = importlib.import_module(name).__version__
            if tuple(int(part) for part in version.split(".")[:2]) < lowest:
                raise ImportError(f"{wanted}, found {version}: pip install -U {name}")


if __name__ == "__main__":
    sys.exit(main())
