"""One call of a row: what it returned, what it drew beside its arguments, whether it agrees with another call."""
import numpy as np
import pytest

from refvi import Estimate, Noise
from refvi.verify.document import Fault
from refvi.verify.perform import as_array, call, repetitions, require_noise, same


def deeper():
    raise ArithmeticError("in a helper")


def test_the_line_of_a_row_s_error_is_that_of_the_helper_it_called():
    with pytest.raises(Fault, match=rf"test_perform.py:{deeper.__code__.co_firstlineno + 1}\)"):
        call(lambda: deeper(), {})


@pytest.mark.parametrize("n", [1, 312])     # 312 doubles take the generator's 624 words: it stands where it stood
def test_a_row_that_draws_any_number_from_numpy_s_own_generator_is_refused(n):
    with pytest.raises(Fault, match="NumPy's global generator"):
        call(lambda: np.random.random(n), {})


def test_an_error_has_no_sign():
    value, error, whole = as_array(Estimate(np.array([1.0, 2.0]), np.array([-0.5, 0.25])))
    assert value.tolist() == [1.0, 2.0] and error.tolist() == [0.5, 0.25] and whole is None


def test_integers_are_whole_only_among_their_like():
    assert as_array([10**20, 1])[2].tolist() == [10**20, 1]
    with pytest.raises(Fault, match="returns list"):
        as_array([10**20, True])


def test_the_number_of_draws_is_an_integer_of_python_or_numpy_and_no_truth_value():
    bare = Noise(lambda rng, R, S: None, None)
    assert [require_noise(dict(noise=bare, S=S))[1] for S in (1, np.int64(2))] == [1, 2]
    with pytest.raises(Fault, match="got True"):
        require_noise(dict(noise=bare, S=True))


def test_a_random_row_has_one_shape_for_every_number_of_draws():
    assert repetitions(np.ones((3, 2)), np.zeros((3, 5)), (2,)).shape == (3, 2)
    with pytest.raises(Fault, match="for 3 repetitions"):
        repetitions(np.ones((3, 2)), np.zeros((3, 5)), ())


def test_two_calls_agree_in_shape_value_and_error():
    assert same(Estimate(1.0, 0.1), Estimate(1.0 + 1e-15, 0.1)) and same([1.0, 2.0], np.array([1.0, 2.0]))
    assert not same(Estimate(1.0, 0.1), Estimate(1.0, 0.2)) and not same(Estimate(1.0, 0.1), Estimate(2.0, 0.1))
    assert not same(1.0, [1.0, 1.0]) and not same(1.0, 1.0 + 1e-11)
