"""The report reads like a proof: one line a row, with what it was held against and how sure the verdict is."""
import json
import shlex
import textwrap

import numpy as np

from refvi.verify.trial import PASS

SIGNS = {"": " ", "=": "=", r"\approx": "≈", r"\le": "≤", r"\ge": "≥", r"\ne": "≠"}
LINE = "  {sign} {row:<22} {how:<24} {gap:>7} {seen:>7} {verdict}"
WIDTH = 80
INDENT = " " * 6


def heading(result, page):
    """The line above a chain's rows on one stage."""
    return f"\n{page.name}: {result.chain}" + (f" ({name_of(result.stage)})" if result.stage else "")


def name_of(stage):
    return stage if stage.startswith("stage") else f"stage {stage}"


def columns():
    return LINE.format(sign=" ", row="row", how="compared", gap="gap", seen="sees", verdict="verdict").rstrip()


def number(x):
    return "" if x is None else f"{x:.1e}"


def row_line(result):
    return LINE.format(sign=SIGNS[result.relation], row=result.row, how=result.how, gap=number(result.gap),
                       seen=number(result.resolution), verdict="" if result.how == "given" else result.verdict).rstrip()


def wrapped(text):
    """A sentence in lines that fit, none of its words broken: paths and commands stay whole."""
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ", break_long_words=False,
                         break_on_hyphens=False)


def failure_lines(result, page, entropy):
    """What is not PASS: where it stands, why, both values, and how to play it again."""
    first, *rest = wrapped(result.message) or [""]
    lines = [f"{INDENT}{page}:{result.line}: {first.strip()}", *rest]
    if result.reference is not None and result.value is not None:
        mine, other = apart(result.value, result.reference)
        lines.append(f"{INDENT}this row {mine}, {{{result.against}}} {other}")
    if result.stage:
        lines.append(
            f"{INDENT}replay: refvi verify {shlex.quote(str(page))} --entropy {entropy:#034x} --stage {result.stage}"
        )
        lines.append(f"{INDENT}with --values it prints what the stage supplied")
    return lines


def apart(value, reference):
    """Two values in as many digits as it takes to tell them apart, six at least."""
    for digits in range(6, 18):
        mine, other = short(value, digits), short(reference, digits)
        if mine != other:
            break
    return mine, other


def short(value, digits=6):
    return np.array2string(np.asarray(value), precision=digits, threshold=6, separator=", ", floatmode="maxprec")


def unit_lines(results, page, entropy, failures=False):
    """One chain on one stage, every row; failures: those alone that are not PASS."""
    lines = [heading(results[0], page), columns()]
    for result in results:
        if failures and result.verdict == PASS:
            continue
        lines.append(row_line(result))
        for told in pin_lines(result, page):
            lines += wrapped(told)
        if result.verdict != PASS:
            lines += failure_lines(result, page, entropy)
        for note in result.notes:
            lines += wrapped(note)
    return lines


def pin_lines(result, page):
    """Of a row that begins a segment: what pins it, or that nothing does."""
    if result.pinned:
        taken = f"; both take {', '.join(result.taken)}" if result.taken else ""
        yield "pinned by {%s} and {%s}" % result.pinned + taken
    if result.unpinned:
        yield f"{page}:{result.line}: unpinned: {result.unpinned}"


def unpinned(pages):
    """{(page, chain, row, line): why} of all segments that nothing pins, on whichever stage."""
    return {(page, result.chain, result.row, result.line): result.unpinned for page, results in pages.items()
            for result in results if result.unpinned}


def unpinned_lines(pages):
    """What --strict asks to be pinned, one line a segment."""
    lines = [f"{page}:{line}: {chain}, {{{row}}}: {why}" for (page, chain, row, line), why in unpinned(pages).items()]
    remedy = ("give each an = row that computes it another way, without refvi's chapters: "
              "a closed form, an enumeration, finite differences")
    return ["", f"unpinned ({remedy}):", *lines] if lines else []


def many_lines(results, page, chain, stage):
    """Many settings of one stage in one table: of each row the setting that came closest to failing."""
    rows, settings = {}, {result.stage for result in results}
    for result in results:
        rows.setdefault(result.row, []).append(result)
    lines = [f"\n{page.name}: {chain} ({name_of(stage)}, {len(settings):,} settings; of each row the closest)",
             columns()]
    for tried in rows.values():
        worst = max(tried, key=lambda r: (r.verdict != PASS, (r.gap or 0.0) / (r.resolution or 1.0)))
        passed = sum(r.verdict == PASS for r in tried)
        lines.append(row_line(worst) + ("" if worst.how == "given" else f" {passed:,} of {len(tried):,}"))
    return lines


def source_lines(results, page):
    """How many changes in the source of a page's rows were planted, in one line, if any."""
    planted, refused, raised, explained = np.sum([(0,) * 4, *(r.planted for r in results if r.planted)], axis=0)
    told = (f"{planted:,} changes planted in source, {refused:,} refused, {raised:,} raised, "
            f"{explained:,} explained in survivors.tsv")
    return ["", f"{page.name}: {told}"] if planted else []


def summary(pages, entropy, seconds=None, planned=None):
    """The last line: how many checks, how many of each verdict, how many segments unpinned, and what repeats the run.
    """
    checks = [r for results in pages.values() for r in results if r.how != "given"]
    counts = {}
    for result in checks:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    told = ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(counts.items(), key=lambda item: item[0] != PASS))
    count = f"{len(checks):,} check{'' if len(checks) == 1 else 's'}"
    head = f"interrupted after {count} ({planned})" if planned else count
    loose = len(unpinned(pages))
    pins = f"; {loose:,} segment{'s' * (loose != 1)} unpinned" if loose else ""
    took = "" if seconds is None else f"{seconds:.1f} s, "
    return f"\n{head}: {told or 'none'}{pins}   [{took}--entropy {entropy:#034x}]"


def is_report(text):
    """Whether a file's text is a report that as_json wrote."""
    try:
        return {"entropy", "interrupted", "pages"} <= json.loads(text).keys()
    except (ValueError, AttributeError):
        return False


def as_json(pages, entropy, interrupted):
    """The whole report for a machine: pages maps each page's path to its results."""
    return (
        json.dumps(
            {
                "entropy": f"{entropy:#034x}",
                "interrupted": interrupted,
                "pages": [{"page": str(page), "results": [result._asdict() for result in results]}
                          for page, results in pages.items()],
            },
            indent=1,
        )
        + "\n"
    )
