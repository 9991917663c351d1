"""Small proofs for testing the checker: chains written in one line, pages written in a folder."""
from functools import partial
from textwrap import dedent

from refvi.verify.document import Chain, Row
from refvi.verify.chance import stream_of
from refvi.verify.play import Scene, play


def prove(entropy, chain, values, **options):
    """Results by tag of a chain such as "truth; = row; \\approx estimate"; values hold the stage's symbols and the rows' functions."""
    rows = []
    for line, text in enumerate(map(str.strip, chain.split(";")), 1):
        relation, _, tag = text.partition(" ") if rows else ("", "", text)
        rows.append(Row(tag, relation, line))
    functions = {row.tag: values[row.function] for row in rows}
    stage = {name: value for name, value in values.items() if name not in {row.function for row in rows}}
    stream = partial(stream_of, entropy, "a page", "a chain", "stage")
    results = play(Scene(Chain("a chain", 1, tuple(rows)), "stage", stage, functions, stream), **options)
    return {result.row: result for result in results}


def write_page(folder, markdown, companion, name="page"):
    """A page and its companion in a folder; returns the page's path."""
    page = folder / f"{name}.md"
    page.write_text(dedent(markdown), encoding="utf-8")
    page.with_suffix(".py").write_text(dedent(companion), encoding="utf-8")
    return page
