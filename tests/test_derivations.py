"""Every chapter's derivation passes on fresh entropy, every mutant of every row is refused, and other parameters do as well."""
import pytest

from refvi import CHAPTERS, files
from refvi.verify.document import read
from refvi.verify.run import Options, verify
from refvi.verify.trial import PASS

PAGES = {name: files.checkout() / "derivations" / f"{name}.md" for name in CHAPTERS}


def play(page, options):
    return [r for kind, news in verify(page, options) if kind == "results" for r in news]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_row_passes_and_every_mutant_is_refused(name, entropy):
    results = play(PAGES[name], Options(entropy, mutants=True))
    assert [(r.chain, r.stage, r.row, r.message) for r in results if r.verdict != PASS] == []
    chains = {chain.name: {row.tag for row in chain.rows} for chain in read(PAGES[name]).chains}
    played = {chain: {r.row for r in results if r.chain == chain} - {"mutants"} for chain in chains}
    assert played == chains


@pytest.mark.parametrize("name", CHAPTERS)
def test_other_parameters_pass_as_well(name, entropy):
    results = play(PAGES[name], Options(entropy, stages=5))
    assert [(r.chain, r.stage, r.row, r.message) for r in results if r.verdict != PASS] == []


@pytest.mark.parametrize("name, section, stages", [("elbo", "The bound", {"normal", "mixture", "regression"}),
                                                   ("score_function", "The gradient of an expectation", {"normal", "categorical", "plane"})])
def test_the_first_two_derivations_have_a_continuous_a_discrete_and_a_two_dimensional_stage(name, section, stages, entropy):
    plan = verify(PAGES[name], Options(entropy))
    (kind, units), chains = next(plan), read(PAGES[name]).chains
    plan.close()
    assert kind == "plan" and stages <= {unit.stage for unit in units if chains[unit.chain].name == section}
