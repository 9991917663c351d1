"""refvi verify: play the rows of chapters, or of any page with its companion."""
import difflib
import os
import re
import secrets
import sys
import time
from pathlib import Path

from refvi import CHAPTERS
from refvi.base import files
from refvi.base.progress import Progress, is_terminal
from refvi.verify import report
from refvi.verify.companion import load, parts_of
from refvi.verify.page import stage_of
from refvi.verify.pages import verify_pages
from refvi.verify.run import Options

COLOURS = {"PASS": 32, "FAIL": "1;31", "INCONCLUSIVE": "1;33", "UNDERPOWERED": "1;33"}


def run(options):
    if options.values:
        return show_values(options)
    if options.json:
        if Path(options.json).is_dir():
            raise IsADirectoryError(f"--json {options.json} is a folder: name the file the report shall have in it")
        require_report(Path(options.json))
        files.require_folder(Path(options.json).absolute().parent, "the report")
    if options.plot:
        files.require_folder(options.plot, "the pictures")
    pages, entropy, seconds, interrupted = played(options, say)
    if options.json:
        files.write(options.json, report.as_json(pages, entropy, interrupted))
    results = [result for page in pages.values() for result in page]
    if options.stage and not any(result.stage for result in results) and not status(results):
        parts_of(options.stage, [stage for page in pages for stage in load(page).stages])
    if options.strict:
        print("\n".join(report.unpinned_lines(pages)))
    print(report.summary(pages, entropy, seconds, interrupted))
    if options.json:
        print(f"wrote {options.json}")
    if options.plot:
        print(f"{options.plot} holds {len(list(Path(options.plot).glob('*.svg'))) or 'no'} pictures: "
              "one for every random row on every stage")
    return 130 if interrupted else status(results, options.strict)


def show_values(options):
    """Print what one stage of one page supplies, as the run with this entropy had it."""
    if not (options.stage and options.entropy is not None and len(options.pages) == 1):
        raise ValueError("--values needs one page, --stage and --entropy: take them from the replay line of a report")
    path = page_of(options.pages[0])
    companion = load(path)
    values = stage_of(path, companion, *parts_of(options.stage, companion.stages), options.entropy)
    print("\n".join(f"{name} = {value!r}" for name, value in values.items()))
    print(f"\nfrom Python: refvi.verify.stage({str(path)!r}, {options.stage!r}, {options.entropy:#x})")
    return 0


def require_report(path):
    """A FileExistsError where something else than a report of refvi's own would be written over."""
    if path.exists() and not report.is_report(path.read_text(encoding="utf-8", errors="replace")):
        raise FileExistsError(
            f"--json {path} exists and is no report of refvi's: name another file, nothing is written over it"
        )


def say(lines, failed=False):
    """The lines of the report, as they come; whatever their verdict."""
    if lines:
        print("\n".join(map(coloured, lines) if in_colour() else lines), flush=True)


def in_colour():
    """Whether the terminal shows colours, and the reader wants them (no-color.org)."""
    return is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def coloured(line):
    return re.sub(
        r" (PASS|FAIL|INCONCLUSIVE|UNDERPOWERED)\b", lambda m: f" \033[{COLOURS[m.group(1)]}m{m.group(1)}\033[0m", line
    )


def status(results, strict=False):
    return int(any(result.verdict != "PASS" or strict and result.unpinned for result in results))


def page_of(name):
    """The Markdown page of a chapter's name or of a path."""
    if name in CHAPTERS:
        path = files.page(name)
        return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    path = Path(name)
    if path.suffix != ".md":
        page = path.parent / f"{path.stem}.md"
        near = [page] if page.is_file() else difflib.get_close_matches(name, CHAPTERS, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise LookupError(f"no chapter {name!r}: {meant}expected one of {', '.join(CHAPTERS)}, "
                          "or the path of a Markdown page ending in .md")
    if not path.is_file():
        raise FileNotFoundError(f"no page {name}: give the path of a Markdown page with its companion .py beside it")
    return path


def played(options, show):
    """({page: results}, entropy, seconds, how far it came if interrupted else None); show(lines, failed) gets those of
    each chain and stage.
    """
    entropy = options.entropy if options.entropy is not None else secrets.randbits(128)
    pages, begun, interrupted = {page_of(name): [] for name in options.pages or CHAPTERS}, time.monotonic(), None
    plot, seconds = options.plot and str(Path(options.plot).absolute()), 0.0
    if options.stages == 1 and options.stage is None:
        seconds = min(options.settings / len(pages), options.settings / 4)
    settings = Options(entropy, options.stages, options.stage, options.timeout, plot, options.mutants, seconds)
    planned, done = dict.fromkeys(pages, 0), dict.fromkeys(pages, 0)
    try:
        with Progress("verify", 1) as bar:
            for page, kind, news in verify_pages(list(pages), settings):
                if kind == "plan":
                    bar.total = planned[page] = len(news)
                elif kind == "results" and news:
                    pages[page] += news
                    done[page] += 1
                    interrupted = f"{page.name}: {done[page]} of {planned[page]} chains and stages"
                    bar(done[page], f"{page.stem}: {news[0].chain} ({news[0].stage})")
                    failed = status(news, options.strict)
                    if failed or options.stages == 1 and not options.failures:
                        show(report.unit_lines(news, page, entropy, options.failures), failed)
                elif kind == "end":
                    for (chain, stage), rows in by_stage(pages[page]).items() if options.stages > 1 else ():
                        show(report.many_lines(rows, page, chain, stage))
                    show(report.source_lines(pages[page], page))
        interrupted = None
    except KeyboardInterrupt:
        interrupted = interrupted or "nothing finished"
    return pages, entropy, time.monotonic() - begun, interrupted


def by_stage(results):
    """{(chain, stage): results}, all settings of a stage together."""
    groups = {}
    for result in results:
        groups.setdefault((result.chain, re.sub(r"-\d+$", "", result.stage)), []).append(result)
    return groups
