"""The checker on small proofs: what is true passes, what is false fails, and what proves nothing is refused."""
import functools
import gc
import inspect
import socket
import subprocess
import sys
import threading
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from refvi import Estimate, Noise, noise, normal, tied
from refvi.verify.document import Row
from refvi.verify.perform import Played
from refvi.verify.play import beating
from refvi.verify.tracing import wording
from refvi.verify.trial import FAIL, INCONCLUSIVE, PASS, UNDERPOWERED
from tests.verify.proof import prove

LAM = np.array([0.7, -0.4])


def second_moment(lam):
    return lam[0]**2 + np.exp(2 * lam[1])


def moment(lam):
    """The second moment again, for rows that vary it without entering their neighbour."""
    return np.sum([lam[0]**2, np.exp(lam[1])**2])


def integral(lam):
    return stats.norm.expect(np.square, loc=lam[0], scale=np.exp(lam[1]))


def average(eps):
    return np.mean(eps**2, axis=-1)


def mean_square(eps):
    return np.sum(eps * eps, axis=-1) / eps.shape[-1]


def stage(**more):
    return dict(
        lam=LAM, S=2, noise=noise(normal, LAM), second_moment=second_moment, integral=integral, average=average, **more
    )


def verdicts(results):
    return {tag: result.verdict for tag, result in results.items()}


def test_a_true_chain_passes_by_rule_and_by_draws(entropy):
    results = prove(entropy, r"second moment; = integral; \approx average", stage())
    assert set(verdicts(results).values()) == {PASS}
    assert (results["integral"].how == "exact" and results["average"].how.startswith("rule")
            and "draws" in results["average"].how)
    assert set(
        verdicts(prove(entropy, r"second moment; = integral; \approx average", stage(), use_rule=False)).values()
    ) == {PASS}


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("chain, wrong", [("second moment; = off", lambda lam: moment(lam) * (1 + 1e-6)),
                                          (r"second moment; \approx off", lambda eps: 1.2 * mean_square(eps)),
                                          (r"second moment; \le off", lambda lam: moment(lam) - 1e-3),
                                          (r"second moment; \ge off", lambda lam: moment(lam) + 1e-3),
                                          (r"second moment; \ge off", lambda lam: moment(lam) * 1),
                                          (r"second moment; \le off", lambda eps: mean_square(eps) - 0.3),
                                          (r"second moment; \ge off", lambda eps: mean_square(eps) + 0.3),
                                          (r"second moment; \ne off", lambda lam: moment(lam) * 1.05),
                                          (r"second moment; \ne off", lambda eps: 1.02 * mean_square(eps))])
def test_a_false_relation_fails(entropy, chain, wrong, use_rule):
    result = prove(entropy, chain, stage(off=wrong), use_rule=use_rule)["off"]
    assert result.verdict in (FAIL, INCONCLUSIVE if r"\ne" in chain and not use_rule else FAIL)
    assert (result.message and result.value is not None and result.reference is not None
            and result.against == "second moment")


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("chain, right", [(r"second moment; \le on", lambda lam: moment(lam) + 1e-3),
                                          (r"second moment; \le on", lambda eps: mean_square(eps) + 0.3),
                                          (r"second moment; \ge on", lambda eps: mean_square(eps) - 0.3),
                                          (r"second moment; \ge on", lambda lam: lam[0]**2),
                                          (r"second moment; \ne on", lambda lam: moment(lam) * 1.5),
                                          (r"second moment; \ne on", lambda eps: 1.5 * mean_square(eps))])
def test_a_true_bound_and_a_wrong_row_marked_as_wrong_pass(entropy, chain, right, use_rule):
    assert prove(entropy, chain, stage(on=right), use_rule=use_rule)["on"].verdict == PASS


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_units_do_not_matter(entropy, unit, use_rule):
    values = stage(truth=lambda lam: unit * moment(lam), right=lambda eps: average(eps) * unit,
                   low=lambda eps: unit * (mean_square(eps) - 0.3),
                   off=lambda eps: 1.2 * unit * np.mean(eps * eps, axis=1))
    results = prove(entropy, r"truth; \approx right; \approx off; \ge low", values, use_rule=use_rule)
    assert verdicts(results) == dict(truth=PASS, right=PASS, off=FAIL, low=PASS)


def test_a_bound_that_holds_with_equality_is_refused_by_draws_too(entropy):
    assert prove(entropy, r"second moment; \ge average", stage())["average"].verdict == FAIL
    assert prove(entropy, r"second moment; \ge average", stage(), use_rule=False)["average"].verdict in (
        UNDERPOWERED,
        FAIL,
    )


def test_each_row_is_held_against_the_row_directly_above_it(entropy):
    values = stage(double=lambda lam: 2 * moment(lam), twice=lambda lam: 2 * (lam[0] ** 2 + np.exp(lam[1]) ** 2),
                   drawn=lambda eps: 2 * mean_square(eps))
    results = prove(entropy, r"second moment; = integral; \ne double; = twice; \approx drawn", values)
    assert verdicts(results) == dict.fromkeys(["second moment", "integral", "double", "twice", "drawn"], PASS)
    assert [result.against for result in results.values()] == ["", "second moment", "integral", "double", "twice"]
    results = prove(entropy, r"second moment; \ne double; = integral; \approx average", values)
    assert verdicts(results) == {"second moment": PASS, "double": PASS, "integral": FAIL, "average": PASS}
    assert results["integral"].against == "double" and results["average"].against == "integral"
    results = prove(entropy, r"second moment; \le double; \ge integral", values)
    assert set(verdicts(results).values()) == {PASS} and results["integral"].against == "double"


def test_an_estimate_is_held_against_a_deterministic_row_of_its_own_segment(entropy):
    values = stage(double=lambda eps: 2 * mean_square(eps), far=lambda eps: mean_square(eps) + 0.3)
    for relation in (r"\ne", r"\ge"):
        result = prove(entropy, rf"second moment; {relation} double; \approx far", values)["far"]
        assert result.verdict == FAIL and "no deterministic row above it" in result.message
    assert prove(entropy, r"second moment; \approx average; \approx far", values)["far"].against == "second moment"


def test_a_slip_as_large_as_a_giant_does_not_loosen_what_it_is_held_against_nor_the_rows_below_it(entropy):
    values = stage(
        giant=lambda lam: 1e12 + lam[0], small=lambda lam: 1.05 * moment(lam), same=lambda lam: moment(lam) + 1e-4
    )
    assert prove(entropy, r"giant; \ne second moment; = same", values)["same"].verdict == FAIL
    assert prove(entropy, r"second moment; \ne small; = giant", values)["small"].verdict == FAIL


def test_two_random_rows_are_equal_draw_by_draw(entropy):
    rewritten = stage(rewritten=lambda eps: np.einsum("rs,rs->r", eps, eps) / eps.shape[-1],
                      other=lambda eps: np.mean(eps[:, ::-1][:, :1] ** 2, axis=-1))
    results = prove(entropy, r"second moment; = integral; \approx average; = rewritten", rewritten)
    assert results["rewritten"].verdict == PASS and "2,000 draws" in results["rewritten"].how
    assert prove(entropy, r"second moment; \approx average; = other", rewritten)["other"].verdict == FAIL


def test_random_rows_below_a_bound_are_equal_draw_by_draw_without_a_declared_scale(entropy):
    values = stage(least=lambda lam: lam[0]**2, rewritten=lambda eps: np.einsum("rs,rs->r", eps, eps) / eps.shape[1],
                   other=lambda eps: 1.001 * mean_square(eps))
    assert set(verdicts(prove(entropy, r"least; \le average; = rewritten", values)).values()) == {PASS}
    assert prove(entropy, r"least; \le average; = other", values)["other"].verdict == FAIL


def test_a_bound_between_two_random_rows_is_tested_on_the_same_noise(entropy):
    values = stage(smaller=lambda eps: mean_square(eps) - 0.1 * np.abs(eps[:, 0]))
    for use_rule in (True, False):
        assert (
            prove(entropy, r"second moment; \approx average; \ge smaller", values, use_rule=use_rule)["smaller"].verdict
            == PASS
        )
        assert (
            prove(entropy, r"second moment; \approx average; \le smaller", values, use_rule=use_rule)["smaller"].verdict
            == FAIL
        )


def test_relations_that_make_no_sense_say_so(entropy):
    results = prove(entropy, r"second moment; \approx integral", stage())
    assert r"\approx before a row without eps" in results["integral"].message
    results = prove(entropy, r"second moment; = average", stage())
    assert r"write \approx" in results["average"].message


def test_an_estimate_that_varies_too_much_is_underpowered(entropy):
    wild = stage(wild=lambda eps: mean_square(eps) + 1e4 * (eps[:, 0] - LAM[0]))
    assert prove(entropy, r"second moment; \approx wild", wild, use_rule=False)["wild"].verdict == UNDERPOWERED


def test_a_row_may_carry_its_own_error_but_not_hide_behind_it(entropy):
    near = stage(near=lambda lam: Estimate(moment(lam) + 1e-5, 1e-5), vague=lambda lam: Estimate(1., 10.))
    result = prove(entropy, "second moment; = near", near)["near"]
    assert result.verdict == PASS and "error 2e-05" in result.how
    assert prove(entropy, "second moment; = vague", near)["vague"].verdict == UNDERPOWERED


def test_a_zero_truth_needs_a_declared_scale(entropy):
    values = stage(
        zero=lambda: 0.0, tiny=lambda lam: 1e-17 * lam[0], centred=lambda eps, lam: np.mean(eps - lam[0], axis=-1)
    )
    assert "declare scale" in prove(entropy, r"zero; = tiny", values)["tiny"].message
    results = prove(entropy, r"zero; = tiny; \approx centred", values | dict(scale=1.0))
    assert set(verdicts(results).values()) == {PASS}
    off = values | dict(scale=1.0, tiny=lambda lam: 1e-3 * lam[0])
    assert prove(entropy, r"zero; = tiny", off)["tiny"].verdict == FAIL


def test_the_scale_of_a_bound_does_not_loosen_the_equalities(entropy):
    """A giant below the inequality must not turn a wrong equality right."""
    values = stage(giant=lambda lam: 1e12 + lam[0], wrong=lambda lam: 1.01 * moment(lam))
    assert prove(entropy, r"second moment; = wrong; \le giant", values)["wrong"].verdict == FAIL
    assert prove(entropy, r"second moment; \ne giant; = wrong", values)["wrong"].verdict == FAIL


# ---- rows that do not stand on their own

def helper(lam):
    return second_moment(lam)


@pytest.mark.parametrize("neighbour", [lambda lam: second_moment(lam) + 0., lambda lam: helper(lam),
                                       lambda lam: max(map(second_moment, [lam]))])
def test_a_row_that_enters_its_neighbour_is_refused(entropy, neighbour):
    result = prove(entropy, "second moment; = neighbour", stage(neighbour=neighbour))["neighbour"]
    assert result.verdict == FAIL and "enters its neighbour {second moment}" in result.message


def copied(lam):
    return lam[0]**2 + np.exp(2 * lam[1])


def renamed(theta):
    return theta[0]**2 + np.exp(2 * theta[1])


def documented(lam):
    """The second moment."""
    return lam[0]**2 + np.exp(2 * lam[1])


@pytest.mark.parametrize("alias", [second_moment, copied, renamed, documented])
def test_a_row_compared_with_itself_is_refused(entropy, alias):
    result = prove(entropy, "second moment; = alias", stage(alias=alias, theta=LAM))["alias"]
    assert result.verdict == FAIL and "is the same code as {second moment}" in result.message


def power(lam, K):
    return (1 + lam[0])**K


def test_one_function_at_two_settings_may_bound_and_differ_from_itself_but_not_equal_itself(entropy):
    values = stage(
        one=functools.partial(power, K=1), two=functools.partial(power, K=2), three=functools.partial(power, K=3)
    )
    assert set(verdicts(prove(entropy, r"one; \le two; \ne three", values)).values()) == {PASS}
    assert prove(entropy, r"two; \le one", values)["one"].verdict == FAIL
    assert "is the same code" in prove(entropy, "one; = two", values)["two"].message
    assert set(verdicts(prove(entropy, r"one; \le two", values | dict(K=5))).values()) == {
        PASS
    }  # what is bound stays bound


def test_a_reader_s_chain_needs_two_rows_that_share_no_code(entropy):
    def moment(lam):
        return lam[0]**2 + np.exp(2 * lam[1])
    both = stage(one=lambda lam: moment(lam), two=lambda lam: moment(lam) * 1.)
    assert "do not share code" in prove(entropy, "one; = two", both)["the chain"].message
def test_a_number_that_a_supplied_function_computes_from_the_stage_alone_is_shared(entropy):
    """What the stage supplies may be asked anything by all rows, as an integrand is; but not for the answer."""
    answer = stage(one=lambda lam, g: g(lam), two=lambda lam, g: 1.0 * g(lam), g=moment)
    assert "do not share code" in prove(entropy, "one; = two", answer)["the chain"].message
    integrand = stage(
        one=lambda f: f(np.arange(4.0)).mean(), two=lambda f: sum(f(k) for k in range(4)) / 4, f=lambda z: z**3
    )
    assert set(verdicts(prove(entropy, "one; = two", integrand)).values()) == {PASS}


NORM = 1.5 + len("a number that was computed")
DIGITS = 12


def test_a_number_of_the_module_is_shared_and_a_whole_number_is_not(entropy):
    both = stage(one=lambda lam: lam[0] / NORM, two=lambda lam: np.exp(np.log(lam[0]) - np.log(NORM)))
    assert "do not share code" in prove(entropy, "one; = two", both)["the chain"].message
    whole = stage(one=lambda lam: lam[0] / DIGITS, two=lambda lam: np.exp(np.log(lam[0]) - np.log(DIGITS)))
    assert set(verdicts(prove(entropy, "one; = two", whole)).values()) == {PASS}


def helper_one(lam):
    return 2 * lam[0] + lam[1]


def helper_two(vector):
    """Another name, another docstring, one thought."""
    return 2 * vector[0] + vector[1]


def test_helpers_with_one_wording_are_one_helper(entropy):
    values = stage(one=lambda lam: helper_one(lam) + 0., two=lambda lam: 1. * helper_two(lam))
    assert "do not share code" in prove(entropy, "one; = two", values)["the chain"].message


MEMORY = {}


def remembers(lam):
    MEMORY["last"] = lam[0]**3
    return MEMORY["last"]


def test_a_row_begins_where_no_other_has_run(entropy):
    MEMORY.clear()
    recalls = stage(remembers=remembers, recalls=lambda lam: MEMORY["last"] * 1.)
    assert "raised KeyError" in prove(entropy, "remembers; = recalls", recalls)["recalls"].message

    def wrong(lam):
        return 0. * lam[0]

    def mends(lam):
        wrong.__code__ = (lambda lam: lam[0] * lam[0] * lam[0]).__code__
        return lam[0]**3
    mended = prove(entropy, "mends; = wrong", stage(mends=mends, wrong=wrong))
    assert {"object.__setattr__" in mended["mends"].message, mended["mends"].verdict == FAIL} == {True}


@pytest.mark.parametrize("row, touched", [
    (lambda lam: eval("lam[0]**2"), "compile"),
    (lambda lam: float(len(sys._getframe().f_back.f_locals)), "sys._getframe"),
    (lambda lam: sys.setprofile(None) or 1., "sys.setprofile"),
    (lambda lam: sys.settrace(None) or 1., "sys.settrace"),
    (lambda lam: threading.Thread(target=print).start() or 1., "_thread.start_"),
    (lambda lam: float(subprocess.run(["true"]).returncode), "subprocess.Popen"),
    (lambda lam: float(socket.socket().fileno()), "socket.__new__"),
    (lambda lam: float(open("row.txt", "w").write("1")), "open"),
    (lambda lam: gc.get_objects()[0] or 1., "gc.get_objects"),
])
def test_a_row_that_reaches_around_its_arguments_is_told_so(entropy, row, touched):
    result = prove(entropy, "second moment; = odd", stage(odd=row))["odd"]
    assert result.verdict == FAIL and f"touches what is none of a row's ({touched}" in result.message


def test_a_decorator_that_does_the_work_is_code_of_both_rows(entropy):
    def doubled(function):
        @functools.wraps(function)
        def wrapper(lam):
            return 2 * function(lam)

        return wrapper

    def deaf(function):
        @functools.wraps(function)
        def wrapper(lam):
            return lam[0] ** 2

        return wrapper

    values = stage(
        one=doubled(lambda lam: lam[0] * 2), two=doubled(lambda lam: lam[0] + lam[0]), three=deaf(lambda lam: lam[0])
    )
    assert "do not share code" in prove(entropy, "one; = two", values)["the chain"].message
    assert "never called by its own decorator" in prove(entropy, "one; = three", values)["three"].message


def test_a_random_row_has_one_value_in_whatever_company(entropy):
    def length(eps):
        return mean_square(eps) * (1 if len(eps) > 2000 else 2)

    def nodes(eps):
        return mean_square(eps) * (1 if len(np.unique(eps)) < 70 else 1.02)

    assert ("mixes its repetitions"
            in prove(entropy, r"second moment; \approx length", stage(length=length))["length"].message)
    assert (
        "mixes its repetitions" in prove(entropy, r"second moment; \approx nodes", stage(nodes=nodes))["nodes"].message
    )


def test_a_chain_on_refvi_s_rows_needs_a_referee_among_the_rows_claimed_equal(entropy):
    from refvi.gradients.score_function import expected_score, gradient_of_integral

    values = dict(f=np.square, q=normal, lam=LAM, gradient_of_integral=gradient_of_integral,
                  expected_score=expected_score, truth=lambda lam: np.array([2 * lam[0], 2 * np.exp(2 * lam[1])]),
                  far=lambda lam: np.array([9.0, 9.0]))
    assert set(verdicts(prove(entropy, "truth; = gradient of integral; = expected score", values)).values()) == {PASS}
    assert "no referee" in prove(entropy, "gradient of integral; = expected score", values)["the chain"].message
    results = prove(entropy, r"far; \ge gradient of integral; = expected score", values)
    assert "the chain" not in results and "enters a chapter of refvi" in results["gradient of integral"].unpinned


def test_a_segment_is_pinned_by_two_deterministic_rows_that_share_no_code(entropy):
    def shared(lam):
        return 4 * moment(lam)

    values = stage(double=lambda lam: 2 * moment(lam), twice=lambda lam: integral(lam) * 2,
                   drawn=lambda eps: 2 * mean_square(eps), high=lambda lam: shared(lam) + 0.0,
                   higher=lambda lam: 1 * shared(lam), highest=lambda lam: 4 * integral(lam))

    def told(chain):
        return {tag: result.pinned or result.unpinned for tag, result in prove(entropy, chain, values).items()
                if result.pinned or result.unpinned}

    assert told(r"second moment; = integral; \ne double; \approx drawn") == {
        "second moment": ("second moment", "integral"),
        "double": "nothing but the row itself says what it is worth",
    }
    assert told(r"second moment; \le double; = twice; \approx drawn") == {
        "second moment": "nothing but the row itself says what it is worth",
        "double": ("double", "twice"),
    }
    assert told(r"second moment; = integral; \le drawn")["drawn"] == "no deterministic row says what it is worth"
    assert told(r"second moment; \le high; = higher")["high"] == "its deterministic rows share code"
    assert told(r"second moment; \le high; = higher; = highest")["high"] == ("high", "highest")


def test_a_cache_hides_neither_a_shared_helper_nor_a_neighbour(entropy):
    """Nor does it once more, when it holds what the first play has left in it."""
    @functools.lru_cache
    def remembered(mu, log_sigma):
        return mu**2 + np.exp(2 * log_sigma)

    @functools.lru_cache
    def cached_row(mu, log_sigma):
        return mu**2 + np.exp(log_sigma)**2

    both = stage(one=lambda lam: remembered(*lam) + 0.0, two=lambda lam: 1.0 * remembered(*lam))
    values = dict(mu=0.3, log_sigma=-0.2, cached_row=cached_row,
                  caller=lambda mu, log_sigma: cached_row(mu=mu, log_sigma=log_sigma))
    for _ in range(2):
        assert "do not share code" in prove(entropy, "one; = two", both)["the chain"].message
        assert "enters its neighbour" in prove(entropy, "cached row; = caller", values)["caller"].message


def test_rows_claimed_equal_need_independence_among_themselves(entropy):
    def shared(lam):
        return 3 * lam[0]
    values = stage(one=lambda lam: shared(lam) + 0., two=lambda lam: 1. * shared(lam), far=lambda lam: 100. + lam[1])
    results = prove(entropy, r"one; = two; \le far", values)
    assert "no two of {one}, {two}" in results["the chain"].message and results["far"].verdict == PASS


def test_a_helper_handed_to_a_supplied_expectation_is_still_the_reader_s(entropy):
    def integrand(z):
        return z**3

    values = stage(E=lambda g: np.mean(g(np.arange(5.0))), one=lambda E: E(integrand) + 0.0,
                   two=lambda E: 1.0 * E(integrand), three=lambda E: E(lambda z: z * z * z))
    assert "do not share code" in prove(entropy, "one; = two", values)["the chain"].message
    assert set(verdicts(prove(entropy, "one; = three", values)).values()) == {PASS}


def test_a_detour_through_refvi_s_rows_hides_no_shared_code(entropy):
    from refvi.gradients.score_function import expected_score

    def shared(lam):
        return 3 * lam

    values = dict(f=np.square, q=normal, lam=LAM, one=lambda f, q, lam: shared(lam) + 0 * expected_score(f, q, lam),
                  two=lambda lam: 1.0 * shared(lam))
    assert "do not share code" in prove(entropy, "one; = two", values)["the chain"].message


class Ray(NamedTuple):
    scale: float

    def at(self, z):
        return self.scale * z

    @property
    def far(self):
        return self.scale * 100


def test_methods_of_an_object_that_the_stage_supplies_are_not_the_rows_own(entropy):
    values = stage(
        ray=Ray(2.5), one=lambda ray, lam: ray.at(lam[0]) + ray.far, two=lambda ray, lam: ray.far - ray.at(-lam[0])
    )
    assert set(verdicts(prove(entropy, "one; = two", values)).values()) == {PASS}


def test_the_constructor_of_a_tuple_is_no_shared_code(entropy):
    values = stage(one=lambda lam: Estimate(second_moment(lam), 1e-9), two=lambda lam: Estimate(integral(lam), 1e-9))
    assert set(verdicts(prove(entropy, "one; = two", values)).values()) == {PASS}


def test_decorated_rows_are_themselves(entropy):
    def checked(function):
        @functools.wraps(function)
        def wrapper(*arguments, **named):
            return function(*arguments, **named)
        return wrapper
    values = stage(one=checked(checked(lambda lam: lam[0] * 2)), two=checked(checked(lambda lam: lam[0] + lam[0])))
    assert set(verdicts(prove(entropy, "one; = two", values)).values()) == {PASS}


# ---- what hides behind something large

def test_a_giant_coordinate_does_not_hide_its_neighbour(entropy):
    values = stage(
        one=lambda lam: np.array([1e10 * lam[0], 36.0]), two=lambda lam: np.array([lam[0] * 1e10, 8.0 + 0 * lam[0]])
    )
    result = prove(entropy, "one; = two", values)["two"]
    assert result.verdict == FAIL and "differ in coordinate 1, which is small beside the scale" in result.message


@pytest.mark.parametrize("use_rule", [True, False])
def test_a_giant_coordinate_hides_nothing_in_a_random_row_either(entropy, use_rule):
    def beside_giant(small):
        return lambda eps, lam: np.stack([1e9 * np.mean(eps, axis=-1), small + np.mean(eps - lam[0], axis=-1)], axis=-1)

    values = stage(truth=lambda lam: np.array([1e9 * lam[0], 8.0]), right=beside_giant(8.0), wrong=beside_giant(12.0),
                   rewritten=lambda eps, lam: np.stack(
                       [np.mean(eps, axis=-1) * 1e9, 9.0 + np.mean(eps, axis=-1) - lam[0]], axis=-1
                   ))
    results = prove(entropy, r"truth; \approx right; = rewritten; \approx wrong", values, use_rule=use_rule)
    assert verdicts(results) == dict(truth=PASS, right=PASS, rewritten=FAIL, wrong=FAIL)


def test_the_error_of_one_coordinate_does_not_excuse_another(entropy):
    values = stage(one=lambda lam: np.array([1e6 * lam[0], 8.0]),
                   near=lambda lam: Estimate(np.array([lam[0] * 1e6 + 1.0, 8.1]), np.array([1.0, 1e-9])),
                   ragged=lambda lam: Estimate(np.array([lam[0] * 1e6, 8.0]), np.zeros(3)))
    results = prove(entropy, "one; = near; = ragged", values)
    assert results["near"].verdict == FAIL and "in coordinate 1" in results["near"].message
    assert "carries an error of shape (3,)" in results["ragged"].message


def test_a_declared_scale_counts_only_where_the_truth_is_zero(entropy):
    values = stage(zero=lambda: 0.0, wrong=lambda lam: 5.0 * lam[0], nothing=lambda lam: 0.0 * lam[0],
                   one=lambda lam: 7e-3 * lam[0])
    assert "declare scale" in prove(entropy, "zero; = wrong", values | dict(scale=np.inf))["wrong"].message
    assert prove(entropy, "one; = nothing", values | dict(scale=1e6))["nothing"].verdict == FAIL
    assert "far beyond all of its numbers" in prove(entropy, "zero; = wrong", values | dict(scale=1e9))["wrong"].message


def test_an_error_of_some_percent_is_too_vague_for_an_equality(entropy):
    values = stage(vague=lambda lam: Estimate(1.05 * moment(lam), 0.04 * moment(lam)))
    assert prove(entropy, "second moment; = vague", values)["vague"].verdict == UNDERPOWERED


# ---- rows that misbehave

@pytest.mark.parametrize(
    "row, message",
    [(lambda lam: 1 / 0, "raised ZeroDivisionError"), (lambda lam: np.log(-lam[0]), "raised RuntimeWarning"),
     (lambda lam: np.nan, "is nan at index ()"),
     (lambda lam: np.array([1.0, np.inf]), "is inf at index (1,), 1 of 2 values"),
     (lambda lam: np.ones(3), "has shape (3,), but {second moment} has ()"),
     (lambda lam: 1j * lam[0], "returns complex numbers"), (lambda lam: "0.5", "returns str"),
     (lambda lam: None, "returns NoneType"), (lambda lam: [[1.0], [2.0, 3.0]], "returns list"),
     (lambda lam: np.zeros(0), "returns an empty array"),
     (lambda lam: np.random.normal(), "draws from NumPy's global generator"),
     (lambda lam: lam.sort(), "may not change its inputs"),
     (lambda lam: np.random.default_rng().normal(), "gave two values for the same inputs"),
     (lambda *args: 1.0, "names its arguments"), (lambda eps: np.mean(eps**2), "returns shape () for 2000 repetitions"),
     (lambda eps: np.mean(eps**2, axis=0), "returns shape (2,) for 2000 repetitions"),
     (lambda eps: eps**2, "has shape (2,), but {second moment} has ()"),
     (lambda eps: np.where(eps[:, 0] > 2.0, np.nan, 1.0), "eps there is ["),
     (lambda eps: eps.sort(), "may not change its inputs"),
     (lambda eps: np.mean(eps, axis=1) - np.mean(eps), "mixes its repetitions"),
     (lambda eps: np.cumsum(eps[:, 0]) / np.arange(1, len(eps) + 1), "mixes its repetitions: among 7 of them"),
     (lambda lam: lam[0] > 0, "returns bool"), (lambda lam: Estimate(1.0, np.nan), "carries the error nan")],
)
def test_a_row_that_misbehaves_fails_alone(entropy, row, message):
    results = prove(entropy, r"second moment; = odd; = integral; \approx average", stage(odd=row))
    assert results["odd"].verdict == FAIL and message in results["odd"].message
    assert {tag: v for tag, v in verdicts(results).items() if tag != "odd"} == dict.fromkeys(
        ["second moment", "integral", "average"], PASS
    )


def test_a_row_cannot_change_a_list_or_a_dict_for_the_next(entropy):
    values = stage(one=lambda xs, table: float(sum(xs)) + table.pop("a"),
                   two=lambda xs, table: xs.pop() + xs[0] + table["a"], xs=[1.0, 2.0], table={"a": 4.0})
    assert set(verdicts(prove(entropy, "one; = two", values)).values()) == {PASS}


def test_what_follows_a_broken_first_row_or_bound_is_not_called_right(entropy):
    values = stage(broken=lambda lam: 1 / 0)
    assert verdicts(prove(entropy, "broken; = second moment; = integral", values)) == {
        "broken": FAIL,
        "second moment": INCONCLUSIVE,
        "integral": PASS,
    }
    results = prove(entropy, r"second moment; \ge broken; = integral", values)
    assert results["integral"].verdict == INCONCLUSIVE and "broken" in results["integral"].message


def broken_draw(rng, R, S):
    raise LookupError("no more cards")


@pytest.mark.parametrize("change, message",
                         [(dict(noise=Noise(broken_draw, None)), "raised LookupError: no more cards"),
                          (dict(S=0), "S must be an integer >= 1, got 0"), (dict(S=2.5), "got 2.5"),
                          (dict(noise=np.zeros(3)), "noise is a ndarray")])
def test_a_stage_says_what_is_random(entropy, change, message):
    result = prove(entropy, r"second moment; \approx average", stage() | change)["average"]
    assert result.verdict == FAIL and message in result.message


def test_an_estimator_that_does_not_vary_is_compared_exactly(entropy):
    values = stage(constant=lambda eps, lam: np.full(len(eps), lam[0]**2 + np.exp(2 * lam[1])),
                   off=lambda eps, lam: np.full(len(eps), 1.001 * (lam[0]**2 + np.exp(2 * lam[1]))))
    result = prove(entropy, r"second moment; \approx constant", values)["constant"]
    assert result.verdict == PASS and "does not vary" in result.how
    for use_rule in (True, False):
        assert prove(entropy, r"second moment; \approx off", values, use_rule=use_rule)["off"].verdict == FAIL


def test_a_rule_that_does_not_converge_leaves_the_verdict_to_the_draws(entropy):
    def half(S, order):
        ruled = noise(normal, LAM).rule(S, order)
        return ruled and (ruled[0], ruled[1] / 2)

    rough = Noise(noise(normal, LAM).draw, half)
    result = prove(entropy, r"second moment; = integral; \approx average", stage() | dict(noise=rough))["average"]
    assert result.verdict == PASS and not result.how.startswith("rule")


def test_a_noise_without_a_rule_is_left_to_draws(entropy):
    result = prove(entropy, r"second moment; = integral; \approx average",
                   stage() | dict(noise=Noise(noise(normal, LAM).draw, None)))["average"]
    assert result.verdict == PASS and "rule" not in result.how


@pytest.mark.parametrize("use_rule", [True, False])
@pytest.mark.parametrize("wrong", [lambda eps: np.sum(eps**2, axis=-1), lambda eps: np.sum(eps**2, axis=-1) / 2,
                                   lambda eps: eps[:, 0] ** 2 + eps[:, 1:].sum(axis=-1)])
def test_an_average_that_is_right_for_one_number_of_draws_only_is_refused(entropy, wrong, use_rule):
    S = 2 if wrong(np.ones((1, 2)))[0] == 1 else 1
    result = prove(
        entropy, r"second moment; = integral; \approx wrong", stage(wrong=wrong) | dict(S=S), use_rule=use_rule
    )["wrong"]
    assert result.verdict == FAIL and f"with S = {S + 1} draws: " in result.message
    values = stage(wrong=wrong) | dict(S=S, noise=tied(noise(normal, LAM), S))
    result = prove(entropy, r"second moment; = integral; \approx wrong", values, use_rule=use_rule)["wrong"]
    assert (result.verdict == PASS and result.draws == (S,)
            and f"S = {S} only: the claim is about S = {S} draws" in result.notes[0])


def test_two_random_rows_are_equal_for_another_number_of_draws_too(entropy):
    values = stage(
        half=lambda eps: (eps**2).sum(axis=1) / 2, rewritten=lambda eps: np.einsum("rs,rs->r", eps, eps) / eps.shape[1]
    )
    result = prove(entropy, r"second moment; \approx average; = half", values)["half"]
    assert result.verdict == FAIL and "with S = 3 draws" in result.message
    assert prove(entropy, r"second moment; \approx average; = rewritten", values)["rewritten"].draws == (2, 3)


def test_what_depends_on_the_number_of_draws_is_played_with_its_own(entropy):
    """The variance of an average, whose exact row takes S; and an estimate that needs an even number of draws."""

    def halves(eps):
        if eps.shape[1] % 2:
            raise ValueError("an even number of draws, please")
        return np.mean(eps[:, ::2] ** 2, axis=1)

    values = stage(variance=lambda lam, S: np.exp(2 * lam[1]) / S,
                   squared=lambda eps, lam: (np.mean(eps, axis=1) - lam[0]) ** 2, halves=halves)
    assert prove(entropy, r"variance; \approx squared", values)["squared"].draws == (2, 3)
    assert prove(entropy, r"second moment; \approx halves", values)["halves"].draws == (2, 4)


def test_a_noise_that_ignores_the_number_of_draws_is_refused(entropy):
    values = stage() | dict(noise=Noise(lambda rng, R, S: rng.normal(LAM[0], np.exp(LAM[1]), (R, 2)), None))
    result = prove(entropy, r"second moment; \approx average", values)["average"]
    assert result.verdict == FAIL and "the noise drew shape" in result.message


# ---- a rule is evidence

def kinked(eps, c):
    return np.mean(np.maximum(eps - c, 0), axis=-1)


def call_price(lam, c):
    mu, sigma = lam[0], np.exp(lam[1])
    return (mu - c) * stats.norm.cdf((mu - c) / sigma) + sigma * stats.norm.pdf((mu - c) / sigma)


def test_a_rule_that_is_rough_at_a_kink_leaves_the_verdict_to_the_draws(entropy):
    """Where the kink lies among the nodes decides whether the rule is rough: no chance in that."""
    rough = {0.55: True, 0.6: False, 0.7: True, 0.75: False, 0.85: True, 0.95: False, 1.0: True, 1.15: False}
    for c, draws_decide in rough.items():
        values = stage(call_price=call_price, kinked=kinked, c=c, double=lambda eps, c: 2 * kinked(eps, c)) | dict(S=1)
        result = prove(entropy, r"call price; \approx kinked", values)["kinked"]
        assert result.verdict == PASS and ("rule" in result.how) != draws_decide
        assert draws_decide == any("the draws decide" in note for note in result.notes)
        assert prove(entropy, r"call price; \approx double", values)["double"].verdict == FAIL


def test_a_rule_whose_nodes_all_miss_something_is_contradicted_by_draws(entropy):
    """Half of the mass of the answer lies between the nodes of every order: settled, and wrong."""

    def flat(S, order):
        return np.full((order, S), 0.7), np.full(order, 1 / order)

    values = stage(half=lambda: 0.5, above=lambda eps: np.mean(eps > 0.7 + 1e-9, axis=-1)) | dict(
        noise=Noise(noise(normal, LAM).draw, flat)
    )
    assert prove(entropy, r"half; \approx above", values)["above"].verdict == PASS
    far = values | dict(above=lambda eps: np.mean(eps > 0.4, axis=-1))
    assert prove(entropy, r"half; \approx above", far)["above"].verdict == FAIL


def test_a_rule_that_fits_no_number_of_draws_but_a_small_one_is_tried_there(entropy):
    """Self-normalized weights are biased by 1/S, which draws do not see at S = 1000."""
    def weighted(eps, lam):
        w = np.exp(-0.5 * (eps - 1)**2 + 0.5 * ((eps - lam[0]) / np.exp(lam[1]))**2)
        return np.sum(w * eps, axis=-1) / np.sum(w, axis=-1)
    wide = np.array([0.7, 0.4])
    values = dict(lam=wide, S=1000, noise=noise(normal, wide), one=lambda: 1., weighted=weighted)
    result = prove(entropy, r"one; \approx weighted", values)["weighted"]
    assert result.verdict == FAIL and "with S = 2 draws: the two rows differ" in result.message
    fair = values | dict(weighted=lambda eps, lam: np.mean(eps, axis=-1) + 1 - lam[0])
    assert prove(entropy, r"one; \approx weighted", fair)["weighted"].draws == (2, 1000, 1001)


def test_coordinates_in_which_draws_are_blind_are_named_and_refused_where_the_stage_declares_what_matters(entropy):
    def beside(eps, lam, small):
        noisy = np.mean(eps - lam[0], axis=-1)
        return np.stack([100 + noisy, small + 100 * noisy], axis=-1)
    bare = Noise(noise(normal, LAM).draw, None)
    values = stage(truth=lambda: np.array([100., 0.5]), beside=beside, small=0.5) | dict(noise=bare)
    result = prove(entropy, r"truth; \approx beside", values)["beside"]
    assert result.verdict == PASS and "draws are blind in coordinate 1: 0.5 is seen to" in result.notes[0]
    assert prove(entropy, r"truth; \approx beside", values | dict(effect=1e-3))["beside"].verdict == UNDERPOWERED
    seen = values | dict(effect=np.array([10., 2.]))
    assert prove(entropy, r"truth; \approx beside", seen)["beside"].verdict == PASS
    assert prove(entropy, r"truth; \approx beside", seen | dict(small=-5.))["beside"].verdict == FAIL


def test_integers_are_compared_exactly_and_few_digits_are_told(entropy):
    values = stage(ten=10, whole=lambda ten: ten**20, product=lambda ten: ten * ten**19,
                   off=lambda ten: ten**10 * ten**10 + 1, near=lambda lam: moment(lam) * (1 + 3e-10))
    result = prove(entropy, "whole; = product; = off", values)
    assert result["product"].how == "integers" and verdicts(result) == dict(whole=PASS, product=PASS, off=FAIL)
    assert prove(entropy, "second moment; = near", values)["near"].how == "exact to 9 digits"


def test_an_error_as_large_as_a_coordinate_is_too_vague_for_it(entropy):
    values = stage(truth=lambda lam: np.array([100.0, lam[0]]),
                   vague=lambda lam: Estimate(np.array([100.0, lam[0] * 1.0]), np.array([0.0, 0.2])))
    result = prove(entropy, "truth; = vague", values)["vague"]
    assert result.verdict == UNDERPOWERED and "carries an error of 29% of the value" in result.message


def test_results_repeat_with_the_same_entropy_and_not_with_another(entropy):
    def gap(e):
        return prove(e, r"second moment; \approx average", stage(), use_rule=False)["average"].gap
    assert gap(entropy) == gap(entropy) != gap(entropy ^ 1)


def test_a_random_row_announces_every_call_so_that_a_timeout_is_that_of_one():
    calls = []
    row = beating(Played(Row("average", "=", 2), set(), set(), {}, (), at=np.square), calls.append)
    assert list(map(row.at, (2, 3))) == [4, 9] and calls == ["average", "average"]


def test_two_rows_that_ask_scipy_s_distributions_share_no_code_of_the_reader_s(entropy):
    """What reads the arguments of scipy.stats is generated for each frozen distribution, and stands in no file."""
    results = prove(entropy, "truth; = row", dict(
        s=1.7, truth=lambda s: stats.halfnorm(scale=s).mean(),
        row=lambda s: -stats.halfnorm(scale=s).expect(lambda z: -z, epsabs=1e-12)))
    assert {r.verdict for r in results.values()} == {PASS} and results["truth"].pinned == ("truth", "row")


def variance_by_scipy(s):
    return stats.norm(scale=s).var() + stats.norm.mean(scale=s)


def test_a_copy_made_where_no_module_was_seen_imported_has_the_wording_of_its_original():
    space = {"stats": stats}
    exec(inspect.getsource(variance_by_scipy), space)
    copied, other = space["variance_by_scipy"].__code__, test_helpers_with_one_wording_are_one_helper.__code__
    assert wording(copied) == wording(variance_by_scipy.__code__) != wording(other)
