"""Every chapter's derivation passes on fresh entropy and on other parameters, and every mutant of every row is
refused; and so is what a random part of the rows' source is changed to.
"""
import pytest

from refvi import CHAPTERS
from refvi.base import files
from refvi.verify.document import read
from refvi.verify.run import Options, verify
from refvi.verify.trial import PASS
from tests.playing import STAGES


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_row_passes_and_every_mutant_is_refused(name, played):
    (pages, replay), _ = played
    results, page = pages[name], files.page(name)
    assert [(r.chain, r.stage, r.row, r.message) for r in results if r.verdict != PASS] == [], f"{name} {replay}"
    assert [(r.chain, r.row, r.unpinned) for r in results if r.unpinned] == []
    chains = {chain.name: {row.tag for row in chain.rows} for chain in read(page).chains}
    assert {chain: {r.row for r in results if r.chain == chain} - {"mutants"} for chain in chains} == chains
    units = [(r.chain, r.stage) for r in results if r.row == "mutants"]
    assert len(units) == len(set(units)) == len({(r.chain, r.stage) for r in results}) >= STAGES * len(chains)


def test_changes_in_the_source_of_rows_are_refused_or_explained(played):
    """One in every row of a few pages."""
    _, (pages, replay) = played
    results = [(name, r) for name, page in pages.items() for r in page]
    alive = [(name, r.row, r.message) for name, r in results if r.verdict != PASS]
    assert alive == [], f"refvi verify {' '.join(pages)} {replay}"
    assert sum(r.planted[0] for _, r in results if r.planted) > 10 * len(pages)


@pytest.mark.parametrize(
    "name, section, stages",
    [("elbo", "The bound", {"normal", "mixture", "regression"}),
     ("score_function", "The gradient of an expectation", {"normal", "categorical", "plane"})],
)
def test_the_first_two_derivations_have_a_continuous_a_discrete_and_a_two_dimensional_stage(
    name, section, stages, entropy
):
    plan = verify(files.page(name), Options(entropy))
    (kind, units), chains = next(plan), read(files.page(name)).chains
    plan.close()
    assert kind == "plan" and stages <= {unit.stage for unit in units if chains[unit.chain].name == section}
