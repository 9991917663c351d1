"""refvi without a word: verify every chapter, redraw the figures, run the fits; what is not PASS in full, then one table."""
import os
import sys

from refvi import CHAPTERS
from refvi.app import figures, fit, verify


def run(options):
    figures.folder(options.parse(["figures"]))      # before any work: is there a place to draw to?
    pages, entropy, _, interrupted = verify.played(options.parse(["verify"]), say)
    table, failed = [], 0
    for page, results in pages.items():
        checks = [r for r in results if r.how != "given"]
        passed = sum(r.verdict == "PASS" for r in checks)
        table.append(("verified", page.stem, f"{passed} of {len(checks)} checks PASS"))
    try:
        if not interrupted:
            for path in figures.draw(options.parse(["figures"])):
                say([f"drew {path}"])
                table.append(("drawn", path.stem, os.path.relpath(path)))
            for name, lines in fit.fit(options.parse(["fit", "--entropy", f"{entropy:#x}"])):
                lines = list(lines)
                say([name, *("  " + line for line in lines)])
                failed = max(failed, fit.status(lines))
                table.append(("fitted", name.split()[0], lines[-1]))
                if fit.cut_short(lines):
                    interrupted = f"the fit {name.split()[0]} was cut short"
                    break
    except KeyboardInterrupt:       # what is finished is told all the same
        interrupted = f"after {table[-1][1]} was {table[-1][0]}"
    width = max(len(name) for _, name, _ in table)
    for kind, name, told in table:
        print(f"{kind:<9} {name:<{width}}  {told}")
    print(f"entropy {entropy:#034x}" + (f"; interrupted: {interrupted} ({len(CHAPTERS)} chapters in all)" if interrupted else ""))
    return 130 if interrupted else max(failed, verify.status([result for page in pages.values() for result in page]))


def say(lines):
    """Progress, line by line on stderr, to a person watching; what is not PASS is said in any case."""
    if sys.stderr.isatty() or any("replay:" in line for line in lines):
        print("\n".join(lines), file=sys.stderr, flush=True)
