"""Mistakes planted in the source of rows: found where a row rests on nothing else, named where nothing refuses them."""
import numpy as np
import pytest

from refvi.verify.run import Options, verify
from refvi.verify.source_mutants import EVERY, helpers, mutants, own_function
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import write_page

PAGE = r"""
    ```math
    \begin{align}
    & a             \tag{truth} \\
    &= b            \tag{by hand} \\
    &\approx c      \tag{average}
    \end{align}
    ```
    """
COMPANION = """
    import numpy as np
    from scipy import stats
    from refvi import noise, normal

    def stage(rng):
        lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
        def truth(lam):
            return stats.norm.expect(np.square, loc=lam[0], scale=np.exp(lam[1]), epsabs=1e-12)
        return dict(lam=lam, S=2, noise=noise(normal, lam), truth=truth)

    def square(x):
        if np.any(np.isnan(x)):
            raise ValueError("no number")
        return x**2

    def by_hand(lam):
        '''The second moment.'''
        return square(lam[0]) + np.exp(2 * lam[1])

    def average(eps):
        return np.mean(eps * eps, axis=-1)
    """


def survivors(folder, entropy, companion=COMPANION, **options):
    page = write_page(folder, PAGE, companion)
    results = [
        r for kind, news in verify(page, Options(entropy, mutants=EVERY, **options)) if kind == "results" for r in news
    ]
    return ([r for r in results if r.how == "source mutant"], np.sum([r.planted for r in results if r.planted], axis=0),
            results)


def test_every_change_of_what_a_row_computes_is_refused(tmp_path, entropy):
    alive, count, results = survivors(tmp_path, entropy)
    assert alive == [] and {r.verdict for r in results} == {PASS}
    assert count[0] == count[1] + count[2] > 15 and count[1] > 10 > count[2] and count[3] == 0


def test_what_alters_nothing_is_named_and_may_have_a_reason(tmp_path, entropy):
    idle = COMPANION.replace("return square(lam[0])", "return 0 * lam[1] * lam[0] + square(lam[0])")
    alive, _, _ = survivors(tmp_path, entropy, idle)
    changes = {r.message.split(": ")[2] for r in alive}
    assert "0 * lam[1] -> 0 / lam[1]" in changes and all(
        "page.py:" in r.message and r.verdict == FAIL and r.row == "by hand" for r in alive
    )
    reasons = "".join(f"page\tby_hand\t{change}\tnothing times anything\n" for change in changes)
    (tmp_path / "survivors.tsv").write_text("chapter\tfunction\tchange\treason\n" + reasons, encoding="utf-8")
    alive, count, _ = survivors(tmp_path, entropy, idle)
    assert alive == [] and count[3] == len(changes)


def test_a_mutant_that_does_not_end_is_refused(tmp_path, entropy):
    loop = COMPANION.replace(
        "return square(lam[0])", "k = 3\n        while k > 0:\n            k = k - 1\n        return k + square(lam[0])"
    )
    alive, _, _ = survivors(tmp_path, entropy, loop)
    assert all("3 -> 4" in r.message for r in alive)


def one_of_all(x, y, sigma=2.):
    """What a row may say, 3 times."""
    if x > 5:
        raise ValueError(f"{x + 1} is too large")
    total = np.sum(x * y) - np.max(-x) @ y
    return total if x < y else quadrature(x, epsabs=1e-9, n=7)


def quadrature(x, epsabs, n):
    return x**n


def two_of_all(x, *, y):
    sum = x * y + 2
    return sum


def test_changes_are_of_what_is_computed_only():
    assert sorted(mutant.change for mutant in mutants(two_of_all)) == [
        "2 -> 3", "sum -> mean", "x * y + 2 -> x * y - 2", "x * y -> x", "x * y -> x / y", "x -> y", "y -> x"]
    told = {mutant.change for mutant in mutants(one_of_all)}
    assert {"np.sum -> np.mean", "np.max -> np.min", "x * y -> x / y", "x * y -> x", "-x -> x", "x < y -> x > y",
            "7 -> 8", "y -> x", "np.max(-x) @ y -> turned(np.max(-x), y)",
            "np.sum(x * y) - np.max(-x) @ y -> np.sum(x * y)"} <= told
    assert not any("5" in change or "1e-09" in change or "x + 1" in change or "2.0" in change for change in told)
    assert {"x ** n -> x * n", "n -> epsabs", "x -> n"} == {mutant.change for mutant in mutants(quadrature)}
    assert helpers(one_of_all) == [one_of_all, quadrature]


@pytest.mark.parametrize("row", [np.exp, lambda x: x + 1, len])
def test_what_has_no_source_of_its_own_has_no_mutants(row):
    assert own_function(row) is None
