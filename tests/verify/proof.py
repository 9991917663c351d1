"""Small proofs for testing the checker: chains written in one line, pages written in a folder."""
import secrets
from functools import partial
from textwrap import dedent

from refvi.verify.document import Chain, Row
from refvi.verify.chance import stream_of
from refvi.verify.play import Scene, play
from refvi.verify.trial import ALPHA


def prove(entropy, chain, values, stream_of=stream_of, **options):
    """Results by tag of a chain such as "truth; = row; \\approx estimate"; values hold the stage's symbols and the
    rows' functions.
    """
    rows = []
    for line, text in enumerate(map(str.strip, chain.split(";")), 1):
        relation, _, tag = text.partition(" ") if rows else ("", "", text)
        rows.append(Row(tag, relation, line))
    functions = {row.tag: values[row.function] for row in rows}
    stage = {name: value for name, value in values.items() if name not in {row.function for row in rows}}
    stream = partial(stream_of, entropy, "a page", "a chain", "stage")
    results = play(Scene(Chain("a chain", 1, tuple(rows)), "stage", stage, functions, stream), **options)
    return {result.row: result for result in results}


def rule(chain, values):
    """What prove returns where the noise's rule has to decide: no verdict rests on a draw."""
    return prove(secrets.randbits(128), chain, values, no_strike, only_rule=True, alpha=ALPHA[:1])


def no_strike(entropy, *words):
    """The generator of a pilot, which shows a row's shape; a strike would decide something."""
    assert not f" {words[-1]}".endswith(" 0"), f"a strike is asked for: {words}"
    return stream_of(entropy, *words)


def write_page(folder, markdown, companion, name="page"):
    """A page and its companion in a folder; returns the page's path."""
    page = folder / f"{name}.md"
    page.write_text(dedent(markdown), encoding="utf-8")
    page.with_suffix(".py").write_text(dedent(companion), encoding="utf-8")
    return page
