"""The command line: refvi [verify | figures | fit | data]; without a word, the first three."""
import argparse
import importlib
import importlib.util
import os
import pkgutil
import re
import secrets
import sys
import time
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
LOWEST = {"numpy": (1, 24), "scipy": (1, 10), "autograd": (1, 6), "matplotlib": (3, 7)}


def main(arguments=None):
    """Run one command; returns the exit status: 0 if all is PASS, 1 if not, 2 for a wrong call, 130 after Ctrl-C."""
    for name in THREADS:        # before NumPy is imported: products this small gain little from a second thread, and lose tenfold on a busy machine
        os.environ.setdefault(name, "1")
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        require_libraries()
        return options.run(options)
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
    parser = argparse.ArgumentParser(prog="refvi", description="Every equals sign of the lectures, checked by a computer. "
                                     "Without a command: verify every chapter, redraw the figures, run the fits.")
    parser.set_defaults(run=everything)
    commands = parser.add_subparsers(metavar="COMMAND")

    verify = commands.add_parser("verify", help="play the rows of derivations", description="Play the rows of chapters, or of any Markdown page with a companion.")
    verify.add_argument("pages", nargs="*", metavar="CHAPTER|PATH.md", help="default: every chapter")
    verify.add_argument("--stages", type=positive(int), default=1, metavar="N", help="set every stage N times, with fresh parameters")
    verify.add_argument("--stage", metavar="LABEL", help="play only this stage, as named in the report")
    verify.add_argument("--entropy", type=entropy_of, metavar="HEX", help="replay a run: the number its report printed")
    verify.add_argument("--timeout", type=positive(float), default=60., metavar="SECONDS", help="for a single row (default: 60)")
    verify.add_argument("--mutants", action="store_true", help="plant small mistakes in every row, and see them refused")
    verify.add_argument("--json", metavar="FILE", help="write the report for a machine")
    verify.add_argument("--plot", metavar="DIR", help="draw the running mean of every random row")
    verify.set_defaults(run=run_verify)

    figures = commands.add_parser("figures", help="redraw the figures", description="Redraw figures from the code that checks them.")
    figures.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    figures.add_argument("--format", choices=("svg", "png", "pdf"), help="default: svg, or png for photographs")
    figures.add_argument("--out", metavar="DIR", help="where to (default: figures/drawn, which git ignores)")
    choice = figures.add_mutually_exclusive_group()
    choice.add_argument("--fresh", action="store_true", help="recompute everything, with fresh entropy")
    choice.add_argument("--update", action="store_true", help="recompute and renew the committed pictures and numbers")
    figures.set_defaults(run=run_figures)

    fit = commands.add_parser("fit", help="fit a model on real data", description="Fit models on real data, beside what is exact.")
    fit.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    fit.add_argument("--data", metavar="SET", help="a UCI set, mnist, toy or typeset (default: real data where they are at hand)")
    fit.add_argument("--entropy", type=entropy_of, metavar="HEX", help="replay a run")
    fit.set_defaults(run=run_fit)

    data = commands.add_parser("data", help="say which data are at hand, or fetch MNIST", description="Say which data are at hand; fetch MNIST, checked to the last byte.")
    data.set_defaults(run=run_data)
    actions = data.add_subparsers(metavar="ACTION")
    fetch = actions.add_parser("fetch", help="download a data set into the user's cache")
    fetch.add_argument("set", choices=("mnist",))
    fetch.add_argument("--out", metavar="DIR", help="another folder than the cache")
    fetch.add_argument("--mirror", action="append", metavar="URL", help="fetch from here instead; may be given several times")
    fetch.set_defaults(run=run_fetch)
    return parser


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be greater than zero, got {text}")
        return value
    convert.__name__ = "positive number"
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


def page_of(name):
    """The Markdown page of a chapter's name or of a path."""
    from refvi import CHAPTERS, files
    if name in CHAPTERS:
        path = files.checkout() / "derivations" / f"{name}.md"
        return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    path = Path(name)
    if path.suffix != ".md":
        raise LookupError(f"no chapter {name!r}: expected one of {', '.join(CHAPTERS)}, or the path of a Markdown page ending in .md")
    if not path.is_file():
        raise FileNotFoundError(f"no page {name}: give the path of a Markdown page with its companion .py beside it")
    return path


def run_verify(options):
    from refvi import files
    from refvi.verify import report
    if options.json:
        files.require_folder(Path(options.json).absolute().parent, "the report")
    if options.plot:
        files.require_folder(options.plot, "the pictures")
    pages, entropy, seconds, interrupted = verify_pages(options, lambda lines: print("\n".join(lines), flush=True))
    if options.json:
        files.write(options.json, report.as_json(pages, entropy, interrupted))
    results = [result for page in pages.values() for result in page]
    if options.stage and not any(result.stage for result in results):
        raise LookupError(f"no stage {options.stage!r} in these pages: name one as the report does")
    print(report.summary(results, entropy, seconds, interrupted))
    return 130 if interrupted else status(results)


def status(results):
    return int(any(result.verdict != "PASS" for result in results))


def verify_pages(options, show):
    """({page: results}, entropy, seconds, how far it came if interrupted else None); show gets the lines of each chain and stage."""
    from refvi import CHAPTERS
    from refvi.progress import Progress
    from refvi.verify import report
    from refvi.verify.run import Options, verify
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    settings = Options(entropy, options.stages, options.stage, options.timeout, options.plot and str(Path(options.plot).absolute()), options.mutants)
    pages, begun, interrupted = {page_of(name): [] for name in options.pages or CHAPTERS}, time.monotonic(), None
    try:
        for page, results in pages.items():
            planned, played, waiting = 0, 0, {}
            with Progress(f"verify {page.stem}", 1) as bar:
                for kind, news in verify(page, settings):
                    if kind == "plan":
                        bar.total = planned = len(news)
                        continue
                    results += news
                    if not news:
                        continue
                    played += 1
                    interrupted = f"{page.name}: {played} of {planned} chains and stages"
                    bar(played, f"{news[0].chain} ({news[0].stage})")
                    if options.stages == 1:
                        show(report.unit_lines(news, page, entropy))
                    else:
                        gather(waiting, news, page, entropy, show)
                for (chain, stage), rows in waiting.items():
                    show(report.many_lines(rows, page, chain, stage))
        interrupted = None
    except KeyboardInterrupt:
        interrupted = interrupted or "nothing finished"
    return pages, entropy, time.monotonic() - begun, interrupted


def gather(waiting, news, page, entropy, show):
    """With many settings of a stage: collect the rows for one table, and show at once what is not PASS."""
    from refvi.verify import report
    key = news[0].chain, re.sub(r"-\d+$", "", news[0].stage)
    waiting.setdefault(key, []).extend(news)
    if status(news):
        show(report.unit_lines(news, page, entropy))


def load_press():
    """figures/press.py of the checkout."""
    from refvi import files
    path = files.checkout() / "figures" / "press.py"
    spec = importlib.util.spec_from_file_location("refvi_press", path)
    press = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(press)
    return press


def run_figures(options):
    for path in draw(options):
        print(path)
    return 0


def draw(options):
    """Draw the figures one by one, yielding each path as it is written."""
    from refvi import files
    from refvi.progress import Progress
    press = load_press()
    names = press.require_names(options.names)
    out = files.require_folder(press.HOME if options.update else options.out or press.HOME / "drawn", "the figures")
    with Progress("figures", len(names)) as bar:
        for number, name in enumerate(names):
            bar(number, name)
            yield from press.write(name, out, options.format, fresh=options.fresh, update=options.update)


def fit_names():
    from refvi import fits
    return [module.name for module in pkgutil.iter_modules(fits.__path__)]


def run_fit(options):
    stopped = False
    for name, lines in fit(options):
        print("\n".join([name, *("  " + line for line in lines)]), flush=True)
        stopped = stopped or cut_short(lines)
    return 130 if stopped else 0


def cut_short(lines):
    """Whether a fit's report says that Ctrl-C ended it."""
    return any("interrupted after step" in line for line in lines)


def fit(options):
    """(name, lines of its report) of each fit asked for."""
    import numpy as np
    known = {name: importlib.import_module(f"refvi.fits.{name}") for name in fit_names()}
    for name in options.names:
        if name not in known:
            raise LookupError(f"no fit {name!r}, expected one of {', '.join(known)}")
        if options.data and options.data not in known[name].DATA:
            raise LookupError(f"no data {options.data!r} for {name}, expected one of {', '.join(known[name].DATA)}")
    names = options.names or [name for name in known if options.data in (None, *known[name].DATA)]
    if not names:
        raise LookupError(f"no data {options.data!r}, expected one of {', '.join(sorted({data for fit in known.values() for data in fit.DATA}))}")
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    for name in names:
        rng = np.random.Generator(np.random.SFC64(entropy))
        yield f"{name} (--entropy {entropy:#034x})", list(known[name].run(rng, options.data))


def run_data(options):
    """Which data are at hand, and where."""
    from refvi.data import cache, folder, mnist, uci
    print(f"REFVI_DATA  {folder() or 'not set, or no folder'}\ncache       {cache()}")
    for name in uci.SETS:
        print(f"{name:<15}{'at hand' if folder() and (folder() / 'uci' / name / 'data.txt').exists() else 'not at hand: belongs in REFVI_DATA/uci'}")
    print(f"{'mnist':<15}{'at hand' if mnist.at_hand() else 'not at hand: refvi data fetch mnist'}")
    return 0


def run_fetch(options):
    from refvi.data import mnist
    from refvi.data.fetch import fetch_mnist
    for line in fetch_mnist(options.out, [url.rstrip("/") + "/" for url in options.mirror or mnist.MIRRORS]):
        print(line, flush=True)
    return 0


def everything(options):
    """Verify every chapter, redraw the figures, run the fits; what is not PASS in full, then one table."""
    from refvi import CHAPTERS
    options = build_parser().parse_args(["verify"])
    pages, entropy, seconds, interrupted = verify_pages(options, say)
    table = []
    for page, results in pages.items():
        checks = [r for r in results if r.how != "given"]
        passed = sum(r.verdict == "PASS" for r in checks)
        table.append(("verified", page.stem, f"{passed} of {len(checks)} checks PASS"))
    if not interrupted:
        for path in draw(build_parser().parse_args(["figures"])):
            say([f"drew {path}"])
            table.append(("drawn", path.stem, os.path.relpath(path)))
        for name, lines in fit(build_parser().parse_args(["fit"])):
            say([name, *("  " + line for line in lines)])
            table.append(("fitted", name.split()[0], lines[-1]))
            if cut_short(lines):
                interrupted = f"the fit {name.split()[0]} was cut short"
                break
    width = max(len(name) for _, name, _ in table)
    for kind, name, told in table:
        print(f"{kind:<9} {name:<{width}}  {told}")
    results = [result for page in pages.values() for result in page]
    print(f"entropy {entropy:#034x}" + (f"; interrupted: {interrupted}, {len(CHAPTERS)} chapters" if interrupted else ""))
    return 130 if interrupted else status(results)


def say(lines):
    """Progress, line by line on stderr, to a person watching; what is not PASS is said in any case."""
    if sys.stderr.isatty() or any("replay:" in line for line in lines):
        print("\n".join(lines), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
