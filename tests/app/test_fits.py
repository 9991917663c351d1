"""The real fit ends where it should: at the best factorized approximation, below the evidence, and says which data it
used.
"""
import numpy as np
import pytest

from refvi import diagonal_normal
from refvi.__main__ import main
from refvi.app.fits import automatic, classifier, gaussian, heteroscedastic, regression
from refvi.base import models
from refvi.base.progress import Interrupted
from refvi.data import mnist, store as data, uci
from refvi.gradients.bbvi.algorithm import bbvi


@pytest.fixture
def problem(rng):
    return regression.problem(data.toy_regression(rng))


def test_bbvi_ends_at_the_mean_field_optimum(problem, rng):
    x, theta = problem
    ascent, best = regression.fit(x, theta, rng), models.mean_field(x, theta)
    D = theta.y.shape[1]
    assert np.all(np.abs(ascent.lam[:D] - best[:D]) < 0.5 * np.exp(best[D:]))
    assert np.all(np.abs(ascent.lam[D:] - best[D:]) < 0.2)
    gain = models.elbo(ascent.lam, x, theta) - models.elbo(regression.start(D), x, theta)
    assert (models.elbo(best, x, theta) - 0.5 < models.elbo(ascent.lam, x, theta) <= models.elbo(best, x, theta)
            < models.log_evidence(x, theta))
    assert gain > 10


def test_the_steps_of_a_downhill_fit_would_be_seen(problem, rng):
    """Planted fault: the sign of the log joint turned; the bound falls."""
    x, theta = problem
    D = theta.y.shape[1]
    ascent = bbvi(lambda z: -models.linear_gaussian.log_joint(z, x, theta), diagonal_normal, regression.start(D), rng,
                  50, 16, 0.05)
    assert models.elbo(ascent.lam, x, theta) < models.elbo(regression.start(D), x, theta)


def test_watching_a_fit_does_not_change_it(problem, entropy):
    x, theta = problem
    runs = [bbvi(lambda z: models.linear_gaussian.log_joint(z, x, theta), diagonal_normal,
                 regression.start(theta.y.shape[1]), np.random.Generator(np.random.SFC64(entropy)), 20, 8, 0.05, watch)
            for watch in (None, lambda step, lam: None)]
    assert np.array_equal(runs[0].lam, runs[1].lam)


def test_a_number_of_draws_is_a_count(problem, rng):
    x, theta = problem
    with pytest.raises(ValueError, match="S must be an integer >= 1, got 0"):
        bbvi(lambda z: models.linear_gaussian.log_joint(z, x, theta), diagonal_normal, np.zeros(8), rng, 5, 0, 0.05)


def test_a_bound_above_the_evidence_is_an_error(rng, monkeypatch):
    monkeypatch.setattr(models, "elbo", lambda lam, x, theta: models.log_evidence(x, theta) + 1e-3)
    with pytest.raises(ArithmeticError, match="exceeds the log evidence"):
        list(regression.run(rng, "toy", steps=2))


def test_the_report_names_its_data_and_repeats_with_its_entropy(monkeypatch, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setattr(regression.run, "__defaults__", (None, 50))
    assert main(["fit", "regression"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: this is a toy set" in told and "log evidence" in told and "intercept" in told
    entropy = told.split("--entropy ")[1].split(")")[0]
    assert main(["fit", "regression", "--entropy", entropy]) == 0
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("fit", [automatic, gaussian, heteroscedastic, regression], ids=lambda fit: fit.__name__)
def test_a_folder_without_the_sets_has_toy_sets_stand_in(fit, tmp_path, monkeypatch, rng):
    monkeypatch.setenv("REFVI_DATA", str(tmp_path))
    assert f"REFVI_DATA is {tmp_path}, without uci/yacht: this is a toy set, drawn anew on every run" in fit.run(rng)


def test_the_classifier_s_report_on_typeset_digits(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(classifier.run, "__defaults__", (None, 3))
    assert main(["fit", "classifier"]) == 0
    told = capsys.readouterr().out
    assert "MNIST is not at hand (`refvi data fetch mnist`): these are typeset digits" in told and "float32" in told
    assert float(told.split("accuracy ")[1].split(" %")[0]) > 93


@pytest.mark.skipif(not mnist.at_hand(), reason="MNIST is not at hand")
def test_five_epochs_on_mnist_reach_97_and_a_half_percent(rng):
    *_, line = classifier.run(rng, "mnist")
    assert (line.startswith("MNIST train: held-out log-likelihood -0.0")
            and float(line.split("accuracy ")[1].split(" %")[0]) >= 97.5)


def test_a_predicted_sigma_gains_where_the_noise_varies(monkeypatch, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    assert main(["fit", "heteroscedastic"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: this is a toy set" in told
    gain, error = map(float, told.split("toy sine ")[-1].split(" +- "))
    assert gain > 3 * error > 0


def test_a_fit_cut_short_says_so_by_its_exit_status(monkeypatch, capsys):
    whole = regression.fit

    def cut(x, theta, rng, steps):
        return whole(x, theta, rng, 3)._replace(stopped=Interrupted("interrupted after step 3 of 4000"))

    monkeypatch.setattr(regression, "fit", cut)
    assert main(["fit", "regression", "--data", "toy"]) == 130
    assert "3 steps, interrupted after step 3 of 4000" in capsys.readouterr().out


def test_wrong_calls_say_what_was_expected(capsys, monkeypatch):
    assert main(["fit", "everest"]) == 2
    told = capsys.readouterr().err
    assert "no fit 'everest', expected one of alignment, automatic, bnn, check, classifier, " in told
    assert main(["fit", "--data", "wine"]) == 2
    assert ("no data 'wine', expected one of bostonHousing, concrete, energy, hansards, mnist, polarity, toy, typeset, "
            "yacht" in capsys.readouterr().err)
    assert main(["fit", "classifier", "--data", "yacht"]) == 2
    assert "no data 'yacht' for classifier, expected one of mnist, typeset" in capsys.readouterr().err


@pytest.mark.skipif(data.folder() is None, reason="REFVI_DATA is not set: the real data sets are not at hand")
@pytest.mark.parametrize("name", uci.SETS)
def test_every_uci_set_has_a_posterior(name):
    x, theta = regression.problem(uci.load(name))
    assert models.elbo(models.mean_field(x, theta), x, theta) < models.log_evidence(x, theta)
