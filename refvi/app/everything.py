"""refvi without a word: verify every chapter, redraw the figures, run the fits, and tell it in one table."""
import os
import sys

from refvi import CHAPTERS
from refvi.app import figures, fit, verify
from refvi.app.fits.outcome import CutShort
from refvi.app.fits.outcome import status as status_of_fit
from refvi.base.progress import is_terminal


def run(options):
    figures.folder(options.parse(["figures"]))      # before any work: is there a place to draw to?
    # every stage is set once: `refvi verify` alone plays further settings, as many as there is time for
    pages, entropy, _, interrupted = verify.played(options.parse(["verify", "--settings", "0"]), say)
    table = [("verified", page.stem, passed(results)) for page, results in pages.items()]
    statuses = [verify.status([result for results in pages.values() for result in results])]
    try:
        for kind, name, told, status in () if interrupted else drawn_and_fitted(options, entropy):
            table.append((kind, name, told))
            statuses.append(status)
            if isinstance(told, CutShort):
                interrupted = f"the fit {name} was cut short"
                break
    except KeyboardInterrupt:       # what is finished is told all the same
        interrupted = f"after {table[-1][1]} was {table[-1][0]}"
    width = max(len(name) for _, name, _ in table)
    for kind, name, told in table:
        print(f"{kind:<9} {name:<{width}}  {told}")
    ended = f"; interrupted: {interrupted} ({len(CHAPTERS)} chapters in all)" if interrupted else ""
    print(f"entropy {entropy:#034x}{ended}")
    return 130 if interrupted else max(statuses)


def passed(results):
    """How many checks of a page passed."""
    checks = [result for result in results if result.how != "given"]
    if not checks:
        return "nothing played"
    return f"{sum(result.verdict == 'PASS' for result in checks)} of {len(checks)} checks PASS"


def drawn_and_fitted(options, entropy):
    """(kind, name, what the table says, exit status) of every figure and fit, as they are finished."""
    for path in figures.draw(options.parse(["figures"])):
        say([f"drew {path}"])
        yield "drawn", path.stem, os.path.relpath(path), 0
    for name, lines in fit.fit(options.parse(["fit", "--entropy", f"{entropy:#x}"])):
        lines = list(lines)
        say([name, *(f"  {line}" for line in lines)])
        cut = next((line for line in lines if isinstance(line, CutShort)), None)
        yield "fitted", name.split()[0], cut or lines[-1], status_of_fit(lines)


def say(lines, failed=False):
    """Progress, line by line on stderr, to a person watching; what is not PASS is said in any case."""
    if failed or is_terminal(sys.stderr):
        print("\n".join(lines), file=sys.stderr, flush=True)
