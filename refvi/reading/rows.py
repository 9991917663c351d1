"""A chain as a grid: each row its formula, tag, verdict, sentence and the source of its function."""
import html
import re

from refvi.reading.sources import called, function_of, place_of, source
from refvi.reading.typeset import mathml
from refvi.reading.verdicts import SIGNS, WORDS, number
from refvi.verify.document import rows_of


def grid(chain, latex, sentences, env):
    """The rows of a chain; env: the page's path, the Site, and the names of rows that have been used."""
    parts = []
    for at, (row, (_, text)) in enumerate(zip(chain.rows, rows_of(latex))):
        instead = chain.rows[at + 1].tag if row.relation == r"\ne" and at + 1 < len(chain.rows) else ""
        parts.append(one_row(chain.name, row, formula_of(text), instead, sentences.get(row.tag, ""), env))
    return f'<div class="chain" role="list" aria-label="{html.escape(chain.name)}">{"".join(parts)}</div>'


def formula_of(row):
    """A row's LaTeX by itself: without its tag, and without the marks that align it with others."""
    latex = re.sub(r"\\tag\s*\{[^}]*\}", "", row).strip().lstrip("&")
    return latex if r"\begin" in latex else re.sub(r"(?<!\\)&", "", latex)


def one_row(chain, row, latex, instead, sentence, env):
    """One row of a grid."""
    key = env["path"].stem, chain, row.tag
    slip = row.relation == r"\ne"
    name = env["site"].ids[key]
    return (f'<div class="row{" slip" * slip}" role="listitem" id="{name}">'
            f'<div class="tex" tabindex="0" role="group" aria-label="{row.tag}">{mathml(latex, True)}</div>'
            f'<a class="tag" href="#{name}">{row.tag}</a>'
            f"{verdict(key, slip, instead, env['site'])}{code(env['path'], row.tag, env['site'])}"
            + (f'<div class="sentence">{sentence}</div>' if sentence else "") + "</div>")


def verdict(key, slip, instead, site):
    """A row's own verdict and that of its ground, and folded below them what was seen."""
    seen, ground = site.report.verdict(key), site.ground.worst(key)
    word = "differs" if slip and seen.kind == "PASS" else WORDS[seen.kind]
    gap = f" by {number(seen.gap)}" if slip and seen.gap is not None else ""
    below = f' <span class="{ground.lower()}">{SIGNS[ground]} ground</span>' if ground else ""
    lines = [seen.told, seen.pinned, seen.mutants, rests(key, site)]
    if instead:
        lines.insert(0, f"a slip: what it computes instead is {linked(key, instead, site)}")
    return (f'<details class="verdict"><summary><span class="{seen.kind.lower()}">{SIGNS[seen.kind]} {word}{gap}</span>'
            f"{below}</summary><ul>{''.join(f'<li>{line}</li>' for line in filter(None, lines))}</ul></details>")


def rests(key, site):
    """What a row was held against and which functions it calls, and how many rows stand below it in all."""
    against = [linked(key, tag, site) for tag in site.report.verdict(key).against]
    function = site.ground.functions.get(key)
    calls = [site.code(place_of(value), name) for name, value in (called(function) if function else ())]
    under = site.ground.under(key)
    held = sum(site.report.verdict(row).kind in ("PASS", "given") for row in under)
    rows = f"{len(under)} row{'s' * (len(under) > 1)}"
    total = f"its ground: {rows}, {held} of them held or given" if under and site.report.date else ""
    told = ["held against " + ", ".join(against)] * bool(against) + ["calls " + ", ".join(calls)] * bool(calls)
    return "; ".join(filter(None, [*told, total]))


def linked(key, tag, site):
    """A row of the chain, as a link where it still stands on the page: a report may be older."""
    there = (*key[:2], tag)
    return f'<a href="{site.row(there)}">{html.escape(tag)}</a>' if there in site.ids else html.escape(tag)


def code(page, tag, site):
    """The source of a row's function, folded, with a link to the module."""
    function = function_of(page, tag)
    if function is None:
        return '<span class="code">supplied by the stage</span>'
    place = place_of(function)
    return (f'<details class="code"><summary>{place.path.rpartition("/")[2]}:{place.line}</summary>'
            f"{site.code(place, f'{place.path}:{place.line}')}{source(function)}</details>")
