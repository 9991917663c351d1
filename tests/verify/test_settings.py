"""Stages that prove little: what is wrong now and then is found, and a stage that hides a mistake is named."""
import numpy as np
import pytest

from refvi.verify.run import Options, verify
from refvi.verify.settings import plain
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import write_page

PAGE = r"""
    ## A chain
    ```math
    \begin{align}
    & a     \tag{one} \\
    &= b    \tag{two}
    \end{align}
    ```
    """


def play(folder, companion, entropy, page=PAGE, seconds=20.0):
    path = write_page(
        folder, page, "import numpy as np\n" + "\n".join(line.removeprefix("    ") for line in companion.splitlines())
    )
    return [r for kind, news in verify(path, Options(entropy, seconds=seconds)) if kind == "results" for r in news]


@pytest.mark.parametrize("stage, one, two",
                         [("n=int(rng.integers(3, 40))", "sum((-1)**k * k for k in range(n + 1)) + 0.",
                           "n / 2 if n % 2 == 0 else -n / 2"), ("n=rng.uniform(0, 1)", "n**2", "n * n + (n > 0.96)")])
def test_what_is_wrong_now_and_then_is_found_and_can_be_replayed(tmp_path, entropy, stage, one, two):
    companion = f"""
    def stage(rng):
        return dict({stage})
    def one(n):
        return {one}
    def two(n):
        return {two}
    """
    wrong = [r for r in play(tmp_path, companion, entropy) if r.verdict != PASS]
    assert [(r.row, r.verdict) for r in wrong] == [("two", FAIL)]
    label = wrong[0].stage
    again = [r for kind, news in verify(tmp_path / "page.md", Options(entropy, stage=label)) if kind == "results"
             for r in news]
    assert [r.verdict for r in again] == [PASS, FAIL] and again[1].gap == wrong[0].gap


@pytest.mark.parametrize("share, verdict", [(0.3, PASS), (1.1, FAIL)])
def test_a_quadrature_that_is_rough_now_and_then_is_told_and_always_is_refused(share, verdict, tmp_path, entropy):
    companion = f"""
    def stage(rng):
        return dict(n=rng.uniform(0, 1), m=rng.uniform(1, 2))
    def one(m):
        return m**2
    def two(n, m):
        return m * m * (1 + 3e-8 * (n < {share}))
    """
    results = play(tmp_path, companion, entropy)
    assert {r.verdict for r in results if r.row == "two"} == {verdict}
    if verdict == PASS:
        assert any("to 7 digits only" in note for r in results for note in r.notes)


def test_a_row_that_the_stage_supplies_is_the_one_of_its_setting(tmp_path, entropy):
    companion = """
    def stage(rng):
        n = rng.uniform(1, 2)
        return dict(n=n, one=lambda: n**2)
    def two(n):
        return n * n
    """
    results = play(tmp_path, companion, entropy)
    assert {r.verdict for r in results} == {PASS} and "on 500 more settings" in results[0].notes[0]


def test_a_fixed_stage_proves_nothing_alone(tmp_path, entropy):
    fixed = """
    def stage():
        return dict(n=2)
    def one(n):
        return n**2
    def two(n):
        return 2 * n
    """
    wrong = [r for r in play(tmp_path, fixed, entropy) if r.verdict != PASS]
    assert [r.row for r in wrong] == ["the chain"] and "gives the same values every time" in wrong[0].message
    both = (fixed.replace("2 * n", "n * n")
            + "\n    def stage_drawn(rng):\n        return dict(n=int(rng.integers(3, 9)))\n")
    results = play(tmp_path, both, entropy)
    assert {r.verdict for r in results} == {PASS} and any(
        "gives the same values" in note for r in results for note in r.notes
    )


def test_a_transpose_hides_behind_a_symmetric_matrix(tmp_path, entropy):
    companion = """
    def stage(rng):
        A = 3 * np.eye(3) + rng.uniform(-0.6, 0.6, (3, 3))
        return dict(A=A + A.T)
    def one(A):
        return np.linalg.inv(A)
    def two(A):
        return np.linalg.solve(A, np.eye(3)).T
    """
    wrong = [r for r in play(tmp_path, companion, entropy) if r.verdict != PASS]
    assert [r.row for r in wrong] == ["two"] and "only because A is symmetric" in wrong[0].message
    right = companion.replace("np.eye(3)).T", "np.eye(3))")
    results = play(tmp_path, right, entropy)
    assert {r.verdict for r in results} == {PASS} and any("A is symmetric" in note for r in results for note in r.notes)
    triangle = companion.replace("np.linalg.inv(A)", "np.linalg.cholesky(A) @ np.linalg.cholesky(A).T").replace(
        "np.linalg.solve(A, np.eye(3)).T", "1. * A"
    )
    assert {r.verdict for r in play(tmp_path, triangle, entropy)} == {PASS}


def test_numbers_that_a_mistake_may_hide_behind_are_named():
    values = dict(sigma=1.0, lam=np.array([0.5, 0.5, 0.3]), Q=np.eye(2) * 0.3, b=np.full(3, 0.7),
                  x=np.array([1.0, 0.0, 1.0]), n=1, mu=0.3)
    (told,) = plain(values, set(values))
    assert told == "the stage is plain: Q is diagonal; b holds nothing but 0.7; lam has equal entries; sigma = 1"
    assert plain(values, {"mu", "x", "n"}) == ()
    assert plain(dict(one=np.full(1, 0.7), many=np.full(65, 0.7)), {"one", "many"}) == ()


def test_a_stage_that_cannot_be_set_so_is_told_and_the_page_goes_on(tmp_path, entropy):
    companion = """
    def stage(rng):
        n = rng.uniform(0, 1)
        if n > 0.5:
            raise ValueError("n is too large")
        return dict(n=n)
    def one(n):
        return n**2
    def two(n):
        return n * n
    """
    told = [r.message for r in play(tmp_path, companion, entropy) if r.verdict != PASS]
    drawn = DRAWN.replace("return dict(", "c = int(rng.integers(0, 3))\n        0 // (c - 2)\n        return dict(")
    assert any("stage" in r.message and "raised ZeroDivisionError" in r.message
               for r in play(tmp_path, drawn.replace("c == 2", "c == 3"), entropy, RANDOM))
    assert any("raised ValueError: n is too large" in message for message in told)
    assert not any("ended its process" in message for message in told)


RANDOM = PAGE.replace("&= b ", r"&\approx b ")
DRAWN = """
    from refvi import Noise, noise, normal
    def stage(rng):
        lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
        return dict(lam=lam, S=2, c=int(rng.integers(0, 3)), noise=noise(normal, lam))
    def one(lam):
        return lam[0]
    def two(eps, c):
        return np.mean(eps, axis=-1) * (1 + (c == 2))
    """


@pytest.mark.parametrize("rule", [True, False])
def test_a_random_row_that_is_wrong_now_and_then_is_found(rule, tmp_path, entropy):
    companion = DRAWN if rule else DRAWN.replace("=noise(normal, lam))", "=Noise(noise(normal, lam).draw, None))")
    results = play(tmp_path, companion, entropy, RANDOM)
    (wrong,) = [r for r in results if r.verdict != PASS]
    assert wrong.row == "two" and (wrong.stage == "stage" or "settings of the stage" in wrong.notes[0])
    right = companion.replace("c == 2", "c == 3")
    results = play(tmp_path, right, entropy, RANDOM, seconds=0.5)
    assert {r.verdict for r in results} == {PASS} and not any("settings" in note for r in results for note in r.notes)
