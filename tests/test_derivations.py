"""Every chapter's derivation passes on fresh entropy and on other parameters, and every mutant of every row is
refused.
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
STAGES = 2                  # settings of each stage, each with its mutants


@pytest.fixture(scope="module")
def played():
    """({page: its results}, how to replay them): all pages at once, since they share the cores."""
    entropy, results = secrets.randbits(128), {page: [] for page in PAGES.values()}
    for page, kind, news in verify_pages(list(results), Options(entropy, stages=STAGES, mutants=3)):
        results[page] += news if kind == "results" else []
    return results, f"--stages {STAGES} --mutants --entropy {entropy:#x}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_row_passes_and_every_mutant_is_refused(name, played):
    results, replay = played[0][PAGES[name]], f"refvi verify {name} {played[1]}"
    assert [(r.chain, r.stage, r.row, r.message) for r in results if r.verdict != PASS] == [], replay
    chains = {chain.name: {row.tag for row in chain.rows} for chain in read(PAGES[name]).chains}
    assert {chain: {r.row for r in results if r.chain == chain} - {"mutants"} for chain in chains} == chains
    units = [(r.chain, r.stage) for r in results if r.row == "mutants"]
    assert len(units) == len(set(units)) == len({(r.chain, r.stage) for r in results}) >= STAGES * len(chains)


@pytest.mark.parametrize(
    "name, section, stages",
    [
        ("elbo", "The bound", {"normal", "mixture", "regression"}),
        ("score_function", "The gradient of an expectation", {"normal", "categorical", "plane"}),
    ],
)
def test_the_first_two_derivations_have_a_continuous_a_discrete_and_a_two_dimensional_stage(
    name, section, stages, entropy
):
    plan = verify(PAGES[name], Options(entropy))
    (kind, units), chains = next(plan), read(PAGES[name]).chains
    plan.close()
    assert kind == "plan" and stages <= {unit.stage for unit in units if chains[unit.chain].name == section}
