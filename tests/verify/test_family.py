"""A family that holds together passes; a wrong word of it is named."""

import numpy as np
import pytest

import refvi
from refvi import check_family, normal

LAM = np.array([0.4, -0.3])
MEMBERS = {"normal": LAM, "diagonal_normal": np.array([0.4, -0.6, 0.2, -0.3]),
           "full_normal": np.array([0.4, -0.6, 0.2, -0.3, 0.5]), "categorical": np.array([0.4, -0.6, 0.2]),
           "gamma": np.array([0.7, 0.3]), "cauchy": LAM, "student_t": np.array([0.3, 0.2, 0.9])}


@pytest.mark.parametrize("name", MEMBERS)
def test_families_hold_together(name, entropy):
    checks = check_family(getattr(refvi, name), MEMBERS[name], entropy)
    assert len(checks) == 7 and not any(check.message for check in checks)


@pytest.mark.parametrize(
    "word, wrong, named",
    [("log_prob", lambda z, lam: normal.log_prob(z, lam) + 0.01, "mass"),
     ("log_prob", lambda z, lam: normal.log_prob(z, lam) + lam[..., 1], "score of mean zero"),
     ("sample", lambda rng, lam, size: normal.sample(rng, lam * np.array([1.0, 0.8]), size), "draws beside nodes"),
     ("sample", lambda rng, lam, size: normal.sample(rng, lam, size)[0], "shapes"),
     ("sample", lambda rng, lam, size: normal.sample(rng, lam, size[::-1]), "shapes"),
     ("log_prob", lambda z, lam: np.where(np.abs(z) < 8.0, normal.log_prob(z, lam), np.nan), "support"),
     ("transport", lambda eps, lam: lam[0] + np.exp(0.9 * lam[1]) * eps, "transport"),
     ("log_prob", lambda z, lam: np.where(np.asarray(z) < 2.0, normal.log_prob(z, lam), -np.inf), "support"),
     ("nodes", lambda lam, order=64: 1 / 0, "raised ZeroDivisionError")],
)
def test_a_wrong_word_is_named(word, wrong, named, entropy):
    with pytest.raises(ValueError, match=named):
        check_family(normal._replace(**{word: wrong}), LAM, entropy)


def test_draws_of_a_wide_law_are_seen_in_its_own_unit(entropy):
    wide = np.array([0.4, 4.0])
    assert len(check_family(normal, wide, entropy)) == 7
    narrow = normal._replace(sample=lambda rng, lam, size: normal.sample(rng, lam * np.array([1.0, 0.95]), size))
    with pytest.raises(ValueError, match="draws beside nodes"):
        check_family(narrow, wide, entropy)
