"""Every chapter's derivation passes on fresh entropy and on other parameters, and every mutant of every row is
refused; and so is what a random part of the rows' source is changed to.
"""
import secrets

import pytest

from refvi import CHAPTERS
from refvi.base import files
from refvi.verify.document import read
from refvi.verify.pages import verify_pages
from refvi.verify.run import Options, verify
from refvi.verify.trial import PASS

PAGES = {name: files.page(name) for name in CHAPTERS}
STAGES = 1                  # settings of each stage, fresh on every run, each with its mutants
CHOSEN = 3                  # pages in whose source one change a row is planted, others on every run,
SETTINGS = 2                # on so many settings of each stage


@pytest.fixture(scope="module")
def played():
    """({page: its results}, how to replay them): all pages at once, since they share the cores."""
    entropy, results = secrets.randbits(128), {page: [] for page in PAGES.values()}
    for page, kind, news in verify_pages(list(results), Options(entropy, stages=STAGES, mutants=0)):
        results[page] += news if kind == "results" else []
    return results, f"--stages {STAGES} --mutants --entropy {entropy:#x}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_row_passes_and_every_mutant_is_refused(name, played):
    results, replay = played[0][PAGES[name]], f"refvi verify {name} {played[1]}"
    assert [(r.chain, r.stage, r.row, r.message) for r in results if r.verdict != PASS] == [], replay
    assert [(r.chain, r.row, r.unpinned) for r in results if r.unpinned] == []
    chains = {chain.name: {row.tag for row in chain.rows} for chain in read(PAGES[name]).chains}
    assert {chain: {r.row for r in results if r.chain == chain} - {"mutants"} for chain in chains} == chains
    units = [(r.chain, r.stage) for r in results if r.row == "mutants"]
    assert len(units) == len(set(units)) == len({(r.chain, r.stage) for r in results}) >= STAGES * len(chains)


def test_changes_in_the_source_of_rows_are_refused_or_explained(rng):
    """One in every row of a few pages."""
    chosen, entropy = rng.choice(list(PAGES), CHOSEN, replace=False), secrets.randbits(128)
    news = verify_pages([PAGES[name] for name in chosen], Options(entropy, stages=SETTINGS, mutants=1))
    results = [(page.stem, r) for page, kind, news in news if kind == "results" for r in news]
    alive = [(name, r.row, r.message) for name, r in results if r.verdict != PASS]
    assert alive == [], f"refvi verify {' '.join(chosen)} --stages {SETTINGS} --mutants 1 --entropy {entropy:#x}"
    assert sum(r.planted[0] for _, r in results if r.planted) > 10 * CHOSEN


@pytest.mark.parametrize(
    "name, section, stages",
    [("elbo", "The bound", {"normal", "mixture", "regression"}),
     ("score_function", "The gradient of an expectation", {"normal", "categorical", "plane"})],
)
def test_the_first_two_derivations_have_a_continuous_a_discrete_and_a_two_dimensional_stage(
    name, section, stages, entropy
):
    plan = verify(PAGES[name], Options(entropy))
    (kind, units), chains = next(plan), read(PAGES[name]).chains
    plan.close()
    assert kind == "plan" and stages <= {unit.stage for unit in units if chains[unit.chain].name == section}
