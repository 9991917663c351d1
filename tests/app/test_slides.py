"""derivations/slides.tsv: every item of the five decks once, and every tag and figure it names exists; refvi slides
finds them.
"""
import re
from collections import Counter

import pytest

from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.app import fit, slides
from refvi.app.figures import load_press
from refvi.app.slides import items
from refvi.base import files
from refvi.verify.document import read

HOME = files.checkout() / "derivations"
DECKS = {"WI": 51, "UA": 106, "SA": 52, "RAI": 127, "PML": 165}
KINDS = {"system", "claim", "equation", "figure", "algorithm", "table-row", "task"}
CHAPTERS_TO_COME = {"dropout", "structure", "adversarial", "ppl"}


def tags(name):
    return {row.tag for chain in read(files.page(name)).chains for row in chain.rows}


def unknown(rows):
    """What statuses name that is no tag of its chapter, no figure and no fit."""
    known = {("row", name): tags(name) for name in CHAPTERS}
    known |= {("figure", name): set(load_press().names()) for name in [*CHAPTERS, *CHAPTERS_TO_COME]}
    known |= {("fit", name): set(fit.names()) for name in [*CHAPTERS, *CHAPTERS_TO_COME]}
    for item in rows:
        for kind, chapter, name in slides.places(item):
            if name not in known.get((kind, chapter), ()):
                yield item["id"], f"{kind} {name}"


def test_every_item_stands_once():
    rows = items()
    assert len(rows) == 501 and len({row["id"] for row in rows}) == 501
    assert Counter(row["deck"] for row in rows) == DECKS
    assert all(row["id"].startswith(row["deck"] + ".") and row["kind"] in KINDS for row in rows)
    assert {row["derivation"] for row in rows} <= set(CHAPTERS) | CHAPTERS_TO_COME


def test_every_item_says_in_a_line_of_its_own_what_it_states():
    statements = [row["statement"] for row in items()]
    assert [text for text in statements if not 15 <= len(text) <= 130 or set(text) & set('\\"')] == []
    assert [text for text, count in Counter(statements).items() if count > 1] == []


def test_every_status_names_something_that_exists():
    assert list(unknown(items())) == []


def bare_equations(rows):
    """Equations of finished chapters that no row settles."""
    done = slides.finished(rows)
    return [item["id"] for item in rows
            if item["derivation"] in done and item["kind"] == "equation" and slides.kind_of(item) != "row"]


def test_every_equation_of_a_finished_chapter_has_a_row():
    assert bare_equations(items()) == []
    item = dict(id="X.1", derivation="elbo", kind="equation", status="figure banana")
    assert bare_equations([item]) == ["X.1"] and bare_equations([item, item | dict(status="open")]) == []


def test_the_checks_above_can_fail():
    row = dict(id="X.1", deck="X", derivation="elbo", kind="equation", status="row no such row")
    assert list(unknown([row])) == [("X.1", "row no such row")]
    assert list(unknown([row | {"status": "figure mona_lisa"}])) == [("X.1", "figure mona_lisa")]
    assert list(unknown([row | {"status": "fit everest"}])) == [("X.1", "fit everest")]


def test_a_row_of_another_chapter_is_cited_with_its_name():
    item = dict(derivation="elbo", status="row expectation of log; row mle: log of product; figure banana")
    wanted = [("row", "elbo", "expectation of log"), ("row", "mle", "log of product"), ("figure", "elbo", "banana")]
    assert slides.places(item) == wanted
    assert slides.kind_of(item) == "row" and slides.kind_of(item | dict(status="open")) == "open"
    nothing = item | dict(status="nothing to check: a title")
    assert slides.places(nothing) == [] and slides.kind_of(nothing) == "nothing" and slides.settled(nothing)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_cites_slides(name):
    assert any(row["derivation"] == name and row["status"].startswith("row") for row in items())


def points_to_its_function(place, tag):
    """Whether path:line is where a row's function is defined or supplied, decorators included."""
    path, line = place.rsplit(":", 1)
    lines = (files.checkout() / path).read_text(encoding="utf-8").splitlines()[int(line) - 1:]
    return tag.replace(" ", "_") in next(text for text in lines if not text.startswith("@"))


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_row_cited_is_found_on_its_page_and_in_the_code(name, monkeypatch):
    monkeypatch.chdir(files.checkout())
    cited = {place for item in items() for place in slides.places(item)}
    for tag in {tag for kind, chapter, tag in cited if kind == "row" and chapter == name}:
        page, function = slides.row_places(name, tag)
        path, line = page.rsplit(":", 1)
        assert (f"\\tag{{{tag}}}"
                in files.checkout().joinpath(path).read_text(encoding="utf-8").splitlines()[int(line) - 1 :][0]), page
        assert points_to_its_function(function, tag), function
        assert not points_to_its_function(function, "no such row")


def test_a_slide_s_title_leads_to_its_rows_and_pictures(monkeypatch, capsys):
    monkeypatch.chdir(files.checkout())
    assert main(["slides", "INTRACTABLE", "grad"]) == 0
    told = capsys.readouterr().out
    assert (told.startswith("UA: Intractable gradient\n  UA.072  equation\n")
            and "derivations/marginal/marginal_gradient.md:" in told and "UA.051" not in told)
    assert "refvi/marginal/marginal_gradient/rows.py:" in told and "figures/marginal/identity_fails.svg" in told
    assert main(["slides", "Calculating the gradient \u2013", "in summary"]) == 0      # a dash as a deck has it
    assert "row     weighted score " in capsys.readouterr().out


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_slides_a_page_names_are_found(name):
    titles = re.findall(r"\*([^*]+)\*", (files.page(name)).read_text(encoding="utf-8").splitlines()[2])
    assert titles and all(slides.matching([title], items()) for title in titles)


def test_title_goes_before_statement_chapter_and_figure_and_every_word_counts():
    rows = [
        dict(id="A.1", deck="A", slide="One - two?", statement="five", derivation="six", status="open"),
        dict(id="A.2", deck="A", slide="Three", statement="one, Jensen", derivation="elbo", status="figure two_four"),
    ]
    assert [item["id"] for item in slides.matching(["One"], rows)] == ["A.1"]
    assert [item["id"] for item in slides.matching(["two", "ONE"], rows)] == ["A.1"]
    for told in ("two_four", "a.2", "jensen", "ELBO"):
        assert [item["id"] for item in slides.matching([told], rows)] == ["A.2"]
    for words in (["one", "three"], ["?"]):
        with pytest.raises(LookupError, match="try fewer words"):
            slides.matching(words, rows)


def test_the_field_s_words_are_found_in_either_spelling():
    first = {"reparametrization": "PML.048", "mean-field": "PML.026", "jensen": "WI.01", "control variate": "PML.158",
             "temperature": "PML.063", "dropout": "RAI.033", "beam search": "UA.037"}
    assert {words: slides.matching([words], items())[0]["id"] for words in first} == first
    for british, american in (("reparametrisation", "reparameterization"), ("optimisation", "optimization")):
        assert slides.matching([british], items()) == slides.matching([american], items())


def test_words_on_no_slide_are_told_with_what_comes_near(capsys):
    assert main(["slides", "stochastic", "optimizaton"]) == 2
    told = capsys.readouterr().err
    assert ("'optimizaton' is in no title or statement, did you mean optimization" in told
            and "'stochastic' is" not in told and "refvi slides" in told)


def test_what_is_open_says_where_it_will_be_checked_and_what_it_states(capsys):
    left = [row for row in items() if row["status"] == "open"]
    later = next(row for row in left if row["derivation"] in CHAPTERS_TO_COME)
    now = next(row for row in left if row["derivation"] in CHAPTERS)
    for row, where in ((later, "for a later chapter,"), (now, "in")):
        assert main(["slides", row["id"]]) == 0
        told = f"{row['id']}  {row['kind']}, open: {where} {row['derivation']}: {row['statement']}"
        assert told in capsys.readouterr().out


def test_an_identifier_finds_its_item_alone():
    assert [item["id"] for item in slides.matching(["UA.100"], items())] == ["UA.100"]


def test_the_decks_are_called_the_same_everywhere():
    for path in (HOME / "notation.md", HOME.parent / "README.md"):
        text = " ".join(path.read_text(encoding="utf-8").replace("*", "").split())
        assert all(f"{deck} {name}" in text for deck, name in slides.DECKS.items()), path


def test_without_words_the_decks_add_up():
    lines = [line.split() for line in slides.summary(items())][1:len(DECKS) + 2]
    assert {deck: int(count) for deck, count, *_ in lines[:-1]} == DECKS == Counter(row["deck"] for row in items())
    for _, count, *kinds in lines:
        assert sum(map(int, kinds[:len(slides.KINDS)])) == int(count)
    columns = range(1, len(slides.KINDS) + 2)
    assert [int(lines[-1][c]) for c in columns] == [sum(int(line[c]) for line in lines[:-1]) for c in columns]
