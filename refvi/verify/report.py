"""The report reads like a proof: one line a row, with what it was held against and how sure the verdict is."""
import json
import shlex

import numpy as np

from refvi.verify.trial import PASS

SIGNS = {"": " ", "=": "=", r"\approx": "≈", r"\le": "≤", r"\ge": "≥", r"\ne": "≠"}
LINE = "  {sign} {row:<30} {how:<36} {gap:>8} {resolution:>10}  {verdict}"


def heading(result, page):
    """The line above a chain's rows on one stage."""
    return f"\n{page.name}: {result.chain}" + (f" ({name_of(result.stage)})" if result.stage else "")


def name_of(stage):
    return stage if stage.startswith("stage") else f"stage {stage}"


def columns():
    return LINE.format(sign=" ", row="row", how="compared", gap="gap", resolution="resolution", verdict="verdict").rstrip()


def row_line(result):
    def number(x):
        return "" if x is None else f"{x:.1e}"

    return LINE.format(sign=SIGNS[result.relation], row=result.row, how=result.how, gap=number(result.gap), resolution=number(result.resolution),
                       verdict="" if result.how == "given" else result.verdict).rstrip()


def failure_lines(result, page, entropy):
    """What is not PASS: where it stands, why, both values, and how to play it again."""
    lines = [f"      {page}:{result.line}: {result.message}"]
    if result.reference is not None and result.value is not None:
        lines.append(f"      this row {short(result.value)}, {{{result.against}}} {short(result.reference)}")
    if result.stage:
        lines.append(f"      replay: refvi verify {shlex.quote(str(page))} --entropy {entropy:#034x} --stage {result.stage}")
    return lines


def short(value):
    return np.array2string(np.asarray(value), precision=6, threshold=6, separator=", ")


def unit_lines(results, page, entropy):
    """One chain on one stage, every row."""
    lines = [heading(results[0], page), columns()]
    for result in results:
        lines.append(row_line(result))
        lines += [f"      {told}" for told in pin_lines(result, page)]
        if result.verdict != PASS:
            lines += failure_lines(result, page, entropy)
        elif result.message:
            lines.append(f"      {result.message}")
    return lines


def pin_lines(result, page):
    """Of a row that begins a segment: what pins it, or that nothing does."""
    if result.pinned:
        yield "pinned by {%s} and {%s}" % result.pinned
    if result.unpinned:
        yield f"{page}:{result.line}: unpinned: {result.unpinned}"


def unpinned(pages):
    """{(page, chain, row, line): why} of all segments that nothing pins, on whichever stage."""
    return {(page, result.chain, result.row, result.line): result.unpinned for page, results in pages.items() for result in results if result.unpinned}


def unpinned_lines(pages):
    """What --strict asks to be pinned, one line a segment."""
    lines = [f"{page}:{line}: {chain}, {{{row}}}: {why}" for (page, chain, row, line), why in unpinned(pages).items()]
    remedy = "give each an = row that computes it another way, without refvi's chapters: a closed form, an enumeration, finite differences"
    return ["", f"unpinned ({remedy}):", *lines] if lines else []


def many_lines(results, page, chain, stage):
    """Many settings of one stage in one table: of each row the setting that came closest to failing."""
    rows, settings = {}, {result.stage for result in results}
    for result in results:
        rows.setdefault(result.row, []).append(result)
    lines = [f"\n{page.name}: {chain} ({name_of(stage)}, {len(settings):,} settings; of each row the closest)", columns()]
    for tried in rows.values():
        worst = max(tried, key=lambda r: (r.verdict != PASS, (r.gap or 0.) / (r.resolution or 1.)))
        passed = sum(r.verdict == PASS for r in tried)
        lines.append(row_line(worst) + ("" if worst.how == "given" else f" {passed:,}/{len(tried):,}"))
    return lines


def summary(pages, entropy, seconds, planned=None):
    """The last line: how many checks, how many of each verdict, how many segments unpinned, and what repeats the run."""
    checks = [r for results in pages.values() for r in results if r.how != "given"]
    counts = {}
    for result in checks:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    told = ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(counts.items(), key=lambda item: item[0] != PASS))
    count = f"{len(checks):,} check{'' if len(checks) == 1 else 's'}"
    head = f"interrupted after {count} ({planned})" if planned else count
    loose = len(unpinned(pages))
    pins = f"; {loose:,} segment{'s' * (loose != 1)} unpinned" if loose else ""
    return f"\n{head}: {told or 'none'}{pins}   [{seconds:.1f} s, --entropy {entropy:#034x}]"


def as_json(pages, entropy, interrupted):
    """The whole report for a machine: pages maps each page's path to its results."""
    return json.dumps({"entropy": f"{entropy:#034x}", "interrupted": interrupted,
                       "pages": [{"page": str(page), "results": [result._asdict() for result in results]} for page, results in pages.items()]},
                      indent=1) + "\n"
