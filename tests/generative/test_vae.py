"""The VAE.

The fast step against autograd and differences, planted faults, fits that resume to the bit, files that are whole,
numbers that bound.
"""
import json
import tracemalloc

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import stats

from refvi.__main__ import main
from refvi.app.fits import vae as fits_vae
from refvi.base import files
from refvi.base.optimize import adam as house_adam
from refvi.data import mnist
from refvi.data.typeset import typeset_digits
from refvi.generative.amortization.model import closed_divergence, drawn, encode, log_likelihood
from refvi.generative.vae import autoencoder, evaluate, fast, model, rows as vae, store, training
from refvi.likelihood.heads import bernoulli, output
from refvi.verify.trial import PASS, escalate, moments

SMALL = model.architecture(n=12, D=2, encoder=(9, 5))
ALIVE = model.architecture(n=12, D=2, encoder=(32, 32))     # all rectifiers of a smaller layer may die on the way


def images(rng, N=200, n=12):
    """Binary images of two kinds: the left or the right half on, a tenth of the pixels turned."""
    kind = rng.random(N) < 0.5
    return (np.arange(n) < n // 2)[None] ^ kind[:, None] ^ (rng.random((N, n)) < 0.1)


def awake(rng, shape, dtype=float):
    """Weights that are not small: every path through the network carries something."""
    weights = model.start(rng, shape, dtype)
    return (weights + 0.3 * rng.standard_normal(len(weights))).astype(dtype)


def value_of(weights, x, eps, shape):
    """The readable bound of one draw at fixed noise (N, D), for autograd."""
    (phi, theta), (encoder, decoder) = model.split(weights, shape), shape.networks
    lam = encode(x, phi, encoder)
    return anp.mean(log_likelihood(drawn(eps, lam), x, theta, decoder) - closed_divergence(lam))


def stepped(weights, x, eps, shape):
    """(bound per datum, gradient) of fast.step."""
    room, into = fast.buffers(shape, len(x), weights.dtype), np.empty_like(weights)
    room.x[:], room.eps[:] = x, eps
    reconstruction, kl = fast.step(fast.both(weights, shape), fast.both(into, shape), shape, room)
    return (reconstruction - kl) / len(x), into / len(x)


SHAPES = [SMALL, model.architecture(12, 3, (7,), ()), model.architecture(12, 1, (), (6, 4)),
          model.architecture(12, 2, (9, 5), (4,), "gaussian", 0.4)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_fast_step_is_autograd_s_and_differences(shape, rng):
    x, eps = images(rng, 7).astype(float), rng.standard_normal((7, shape.D))
    weights = awake(rng, shape)
    value, gradient = stepped(weights, x, eps, shape)
    assert value == pytest.approx(value_of(weights, x, eps, shape), rel=1e-12)
    truth = grad(value_of)(weights, x, eps, shape)
    np.testing.assert_allclose(gradient, truth, atol=1e-11 * np.max(np.abs(truth)))
    direction = rng.standard_normal((20, len(weights)))
    for d in direction:
        slope = (value_of(weights + 1e-6 * d, x, eps, shape) - value_of(weights - 1e-6 * d, x, eps, shape)) / 2e-6
        assert slope == pytest.approx(gradient @ d, abs=1e-3 * np.linalg.norm(gradient) * np.linalg.norm(d))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_float32_is_float64_to_its_rounding(shape, rng):
    x, eps = images(rng, 32), rng.standard_normal((32, shape.D))
    weights = awake(rng, shape)
    (value, gradient), (rough, single) = stepped(weights, x, eps, shape), stepped(weights.astype(np.float32), x, eps,
                                                                                  shape)
    assert single.dtype == np.float32 and abs(rough - value) < 1e-5 * abs(value)
    assert np.max(np.abs(single - gradient)) < 1e-5 * np.max(np.abs(gradient))


def bound_with(change):
    """The bound of one draw with one thing done otherwise, for autograd to differentiate."""
    def value(weights, x, eps, shape):
        (phi, theta), (encoder, decoder) = model.split(weights, shape), shape.networks
        lam = encode(x, phi, encoder)
        mu, log_sd = lam[:, :shape.D], lam[:, shape.D:]
        sd = anp.exp(2 * log_sd if change == "exp of the log variance" else log_sd)
        noise = eps[:1] if change == "noise shared" else eps
        logits = output(theta, mu if change == "z = mu" else mu + sd * noise, decoder)
        if change == "sigmoid twice":
            logits = 1 / (1 + anp.exp(-logits))
        pixels = x * logits - anp.logaddexp(0., logits)
        seen = (anp.mean if change == "mean over pixels" else anp.sum)(pixels, axis=1)
        kl = (anp.mean if change == "mean over latents" else anp.sum)(0.5 * (mu**2 + anp.exp(2 * log_sd) - 1)
                                                                      - log_sd, axis=1)
        return anp.mean(seen - kl) * (len(x) / 5 if change == "N/M" else 1)
    return value


@pytest.mark.parametrize("fault",
                         ["exp of the log variance", "mean over latents", "mean over pixels", "noise shared", "N/M",
                          "sigmoid twice", "z = mu"])
def test_planted_faults_differ_from_the_fast_step(fault, rng):
    x, eps = images(rng, 7).astype(float), rng.standard_normal((7, 2))
    weights = awake(rng, SMALL)
    gradient = stepped(weights, x, eps, SMALL)[1]
    tolerance = 1e-9 * np.max(np.abs(gradient))
    assert np.max(np.abs(grad(bound_with("nothing"))(weights, x, eps, SMALL) - gradient)) < tolerance
    assert np.max(np.abs(grad(bound_with(fault))(weights, x, eps, SMALL) - gradient)) > 1e6 * tolerance


def test_a_pixel_that_is_sure_and_wrong_costs_what_it_must(rng):
    """300 nats: the odds overflow float32, and the value is that of the logits all the same."""
    shape = model.architecture(4, 1, (), ())
    weights = np.zeros(sum(shape.counts), np.float32)
    model.split(weights, shape)[1][-4:] = [300., -300., 2., -0.5]
    x = np.array([[False, True, True, False]])
    value, gradient = stepped(weights, x, np.zeros((1, 1)), shape)
    assert value == pytest.approx(-600 - np.log1p(np.exp(-2.)) - np.log1p(np.exp(-0.5)), rel=1e-6)
    assert np.all(np.isfinite(gradient))
    np.testing.assert_allclose(gradient[-4:], [-1, 1, 1 / (1 + np.exp(2.)), -1 / (1 + np.exp(0.5))], atol=1e-6)


@pytest.mark.parametrize("size", [*range(1, 20), 64])
def test_logs_are_summed_in_eights_whatever_their_number(size, rng):
    values = rng.uniform(1, 2, size)
    assert fast.sum_of_logs(values) == pytest.approx(np.sum(np.log(values)), rel=1e-12)


@pytest.mark.parametrize("n", [3, 12, 13])
def test_softplus_is_summed_in_fours_whatever_the_number_of_pixels(n, rng):
    l = np.append(rng.normal(size=(5, n)) * 4, np.full((2, n), [[800.], [-800.]]), axis=0)
    np.testing.assert_allclose(evaluate.sum_of_softplus(l), np.sum(np.logaddexp(0., l), axis=1), rtol=1e-12)
    x = rng.random((7, n)) < 0.5
    np.testing.assert_allclose(evaluate.log_likelihood(model.architecture(n), l, x), bernoulli.log_prob(x, l),
                               rtol=1e-12)


def test_in_float32_a_tanh_is_one_too_soon_and_the_odds_are_not(rng):
    l, x = np.array([[20.]], np.float32), np.array([[0.]], np.float32)
    with np.errstate(divide="ignore"):
        assert vae.half_angle(x, l)[0] == -np.inf
    assert vae.odds_against(x, l)[0] == pytest.approx(-20)


def test_the_counts_of_the_slide_and_the_notebook():
    assert model.SLIDE.counts == (217_668, 218_320) and model.NOTEBOOK.counts == (394_504, 2_352)
    assert str(model.SLIDE) == "784-256-64-(2,2), 2-64-256-784, bernoulli"


# ---- Adam, epochs

def test_adam_is_the_house_s_and_folding_changes_nothing(rng):
    gradients, start = rng.standard_normal((9, 5)), rng.standard_normal(5)
    weights, first, second = start.copy(), *np.zeros((2, 5))
    for step, gradient in enumerate(gradients, 1):
        since = (step - 1) % 4 + 1
        training.adam(weights, first, second, gradient.copy(), step, 0.02, since)
        if since == 4:
            training.fold(first, second, since)
    left = iter(gradients)
    # far below the rate; the house adds TINY to its roots
    np.testing.assert_allclose(weights, house_adam(lambda lam: next(left), start, 9, 0.02).lam, rtol=0, atol=1e-8)


def test_a_weight_without_a_gradient_stays_where_it_is(rng):
    """A pixel that is off in every image.

    Its weights neither move nor turn into nan, however many times moments are folded.
    """
    x = images(rng)
    x[:, 3] = False
    fit = begin(rng, x, M=1)
    own = [model.split(f.weights, SMALL)[0][:12 * 9].reshape(12, 9) for f in (fit, after(fit, x, 2))]
    assert np.array_equal(own[0][3], own[1][3]) and not np.array_equal(own[0][4], own[1][4])


def after(fit, x, epochs, held_out=None):
    run = training.epochs(fit, x, held_out)
    for _ in range(epochs):
        fit = next(run)
    return fit


def begin(rng, x, own=SMALL, **settings):
    return training.begin(rng, own, training.Settings(**{"M": 32, "rate": 1e-2, **settings}),
                          store.stamp("halves", x))


def same(one, other):
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in store.ARRAYS)
    return arrays and one.steps == other.steps and str(one.chance) == str(other.chance)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_resumed_fit_is_the_uninterrupted_one_to_the_bit(threads, rng, tmp_path):
    x = images(rng)
    fit = begin(rng, x, threads=threads, delay=3.)
    whole, half = after(fit, x, 5, x[:50]), after(fit, x, 2, x[:50])
    store.save(half, tmp_path / "fit.npz")
    assert same(after(store.load(tmp_path / "fit.npz"), x, 3, x[:50]), whole)
    assert whole.epochs == 5 and half.epochs == 2 and fit.epochs == 0 and whole.steps == 5 * 7
    # planted: chance forgotten
    assert not same(after(store.load(tmp_path / "fit.npz")._replace(chance=fit.chance), x, 3, x[:50]), whole)
    # planted: a moment forgotten
    assert not same(after(store.load(tmp_path / "fit.npz")._replace(second=2 * half.second), x, 3, x[:50]), whole)


def test_an_epoch_takes_every_datum_once_with_its_own_noise_and_adam_gets_sums(rng, monkeypatch):
    """One noise for a batch or for an epoch, or a factor N/M: Adam hardly shows them, what it is handed does."""
    x, seen, handed = images(rng), [], []

    def step(own, into, shape, room):
        seen.append((room.x.copy(), room.eps.copy()))
        for layer in (*into[0], *into[1]):
            layer[:] = len(room.x)
        return 0., 0.

    monkeypatch.setattr(training, "adam", lambda weights, first, second, gradient,
                        *more: handed.append(gradient.copy()))
    fit = begin(rng, x)
    run = training.epochs(fit, x, step=step)
    next(run), next(run)
    for epoch in (seen[:7], seen[7:]):
        taken = np.concatenate([batch for batch, _ in epoch])
        assert np.array_equal(np.unique(taken, axis=0, return_counts=True)[1],
                              np.unique(x, axis=0, return_counts=True)[1])
    # float32 may draw a number twice
    assert len(np.unique(np.concatenate([eps for _, eps in seen]))) > 0.99 * 2 * 200 * 2
    assert np.array_equal(handed, np.outer(([32] * 6 + [8]) * 2, np.ones(len(fit.weights))))


def test_what_is_held_out_is_looked_at_through_the_bound_and_not_at_the_mean(rng, monkeypatch):
    x, seen = images(rng), []

    def own(shape, weights, held_out, rng):
        seen.append((held_out, evaluate.bound(shape, weights, held_out, rng)))
        return seen[-1][1]

    monkeypatch.setattr(training, "bound", own)
    fit = after(begin(rng, x), x, 1, x[:50])
    (held_out, values), = seen
    assert np.array_equal(held_out, x[:50])
    assert np.array_equal(fit.history[-1, 2:], [np.mean(values), np.std(values) / np.sqrt(50)])


def test_every_datum_is_evaluated_with_its_own_noise(rng):
    linear = SHAPES[1]          # no unit of its decoder sleeps
    assert len(np.unique(evaluate.bound(linear, awake(rng, linear), np.tile(images(rng, 1), (50, 1)), rng))) == 50
    weights, x = awake(rng, SMALL), images(rng, 50)
    room, own = fast.buffers(SMALL, 50, float), fast.stacked(model.split(weights, SMALL)[1], SMALL.decoder)
    room.x[:] = x
    _, eps = evaluate.slope_in_z(own, SMALL, room, np.zeros((50, 2)), np.ones((50, 2)), rng)
    assert len(np.unique(eps)) == 100


def test_a_mean_image_is_one_of_probabilities(rng):
    z, weights = rng.standard_normal((5, 2)), awake(rng, SMALL)
    # 1 + tanh
    np.testing.assert_allclose(evaluate.means(SMALL, weights, z),
                               1 / (1 + np.exp(-evaluate.decoded(SMALL, weights, z))), rtol=1e-12, atol=1e-15)


def test_a_pixel_is_on_from_128():
    assert model.binarized(np.array([[0, 1, 127, 128, 255]], np.uint8)).tolist() == [[False, False, False, True, True]]


def test_a_line_of_the_report_adds_up(rng):
    fit = begin(rng, images(rng))._replace(history=np.array([[-10., 3., -14., 0.5]]))
    assert fits_vae.told(fit) == "ELBO -13.00 = -10.00 - 3.00, held out -14.00 +- 0.50"


def test_neither_watching_nor_looking_changes_a_fit(rng):
    x = images(rng)
    fit, seen = begin(rng, x), []
    watched = training.epochs(fit, x, x[:20], seen.append)
    next(watched)
    looked = next(watched)
    assert np.array_equal(after(fit, x, 2).weights, looked.weights)
    assert seen == [32, 64, 96, 128, 160, 192, 200] * 2


def test_two_threads_agree_with_one_to_rounding(rng):
    x = images(rng)
    fit = begin(rng, x, rate=1e-3)
    one, two = after(fit, x, 1), after(fit._replace(settings=fit.settings._replace(threads=2)), x, 1)
    assert np.max(np.abs(one.weights - two.weights)) < 2e-3 and abs(one.history[-1] - two.history[-1])[0] < 1e-3


def test_an_epoch_s_history_adds_up_and_training_climbs(rng):
    """Fault 10 of the list: metrics that do not add.

    The reconstruction less the KL is the bound, each image counted once.
    """
    x = images(rng)
    fit = after(begin(rng, x, ALIVE), x, 40, x)
    reconstruction, kl, seen, error = fit.history[-1]
    assert kl > 0 and abs(reconstruction - kl - seen) < 6 * error + 0.3
    assert seen - fit.history[0, 2] > 1 and seen > -12 * np.log(2)
    # what is left when the kind of image is known
    uniform = -12 * (0.1 * np.log(10) + 0.9 * np.log(1 / 0.9)) - np.log(2)
    assert seen < uniform + 6 * error


def test_with_no_step_the_history_is_the_bound_at_the_start(rng):
    x = images(rng, 300)
    fit = begin(rng, x, rate=1e-12)
    reconstruction, kl, *_ = after(fit, x, 1).history[-1]
    values = np.stack([evaluate.bound(SMALL, fit.weights, x, rng) for _ in range(50)])
    # the KL of ones that cancel
    assert kl == pytest.approx(np.mean(evaluate.divergence(evaluate.encoded(SMALL, fit.weights, x))), rel=1e-5,
                               abs=float(np.finfo(np.float32).eps))
    error = np.std(np.mean(values, axis=1), ddof=1) * np.sqrt(1 + 1 / 50)        # of one epoch's estimate, and of fifty
    assert abs(reconstruction - kl - np.mean(values)) < stats.t.isf(1e-8, 49) * error + 1e-4


def test_what_is_not_finite_stops_and_says_where(rng):
    x = images(rng)
    fit = begin(rng, x, rate=1e30)
    message = r"not finite\. The fit after epoch 0 is kept; a rate below 1e\+30"
    with pytest.raises(ArithmeticError, match=message), np.errstate(all="ignore"):
        after(fit, x, 3)


@pytest.mark.skipif(not mnist.at_hand(), reason="MNIST is not at hand")
def test_training_and_validation_do_not_meet_the_test_set(rng):
    """Fault 9 of the list: training and test images in one array."""
    digits = fits_vae.choose(rng, "mnist")
    assert len(digits.train) == 55_000 and len(digits.validation) == 5_000 and len(digits.test) == 10_000
    assert np.array_equal(np.concatenate([digits.validation, digits.train]), mnist.load("train").images >= 128)
    assert np.array_equal(digits.test, mnist.load("test").images >= 128) and digits.train.dtype == bool


def test_typeset_digits_to_climb_with_to_watch_and_to_report_on_are_others(rng, monkeypatch):
    """Where MNIST is not at hand: every image of one drawing is in one part."""
    monkeypatch.setattr(fits_vae, "TYPESET", dict(train=30, validation=5, test=10))
    digits = fits_vae.choose(rng, "typeset")
    drawn = typeset_digits(np.random.Generator(np.random.SFC64(digits.stamp["seed"])), 45).images >= 128
    assert np.array_equal(digits.train, drawn[:30]) and np.array_equal(digits.validation, drawn[30:35])
    assert np.array_equal(digits.test, drawn[35:])


def test_training_watching_and_reporting_each_take_their_own_images(little, monkeypatch, rng):
    digits, taken = fits_vae.choose(rng, "typeset"), []
    monkeypatch.setattr(fits_vae, "choose", lambda *_: digits)
    own_epochs, own_bound = training.epochs, evaluate.bound
    monkeypatch.setattr(training, "epochs", lambda fit, x, held_out,
                        *more: taken.extend((x, held_out)) or own_epochs(fit, x, held_out, *more))
    monkeypatch.setattr(evaluate, "bound", lambda shape, weights, x,
                        rng: taken.append(x) or own_bound(shape, weights, x, rng))
    list(fits_vae.run(rng, epochs=1))
    assert [x is part for x, part in zip(taken, (digits.train, digits.validation, digits.test))] == [True] * 3


# ---- bad input

@pytest.mark.parametrize("x, message", [
    (np.full((3, 12), 255, np.uint8), "expected pixels that are booleans, got uint8 max 255: binarize them, images "
                                      ">= 128"),
    (np.full((3, 12), 255.), r"pixels of a Bernoulli are 0 or 1, got values from 255 to 255: divide by 255\."),
    (np.full((3, 12), -1.), "got values from -1 to -1"),
    (np.full((3, 12), 0.3), "got gray values such as 0.3: binarize them"),
    (np.full((3, 12), np.nan), r"x\[0, 0\] is nan; 36 of 36 values non-finite"),
    (np.ones((3, 11)), r"x has shape \(3, 11\), expected \(any, 12\)"),
    (np.ones((3, 11), bool), r"x has shape \(3, 11\), expected \(any, 12\)"),
    (np.ones(12, bool), r"x has shape \(12,\)"),
    (np.ones((0, 12), bool), "no data: x has no rows"),
    (np.full((3, 12), "a"), "expected pixels that are booleans or floats, got <U1"),
    (np.ones((3, 12), complex), "expected pixels that are booleans or floats, got complex128"),
])
def test_data_that_are_none_are_refused(x, message, rng):
    with pytest.raises(ValueError, match=message):
        next(training.epochs(training.begin(rng, SMALL, training.Settings(M=2)), x))


def test_other_bad_input_is_told(rng):
    gaussian = model.architecture(12, likelihood="gaussian")
    with pytest.raises(ValueError, match=r"expected pixels that are floats, got uint8 max 7: divide by 255\."):
        model.require_data(np.full((3, 12), 7, np.uint8), gaussian)
    with pytest.raises(ValueError, match="no likelihood 'poisson', expected one of bernoulli, gaussian"):
        model.architecture(likelihood="poisson")
    with pytest.raises(ValueError, match="a layer's size must be an integer >= 1, got 0"):
        model.architecture(D=0)
    with pytest.raises(ValueError, match="sd must be > 0, got 0"):
        model.architecture(likelihood="gaussian", sd=0.)
    with pytest.raises(ValueError, match="images are uint8 from 0 to 255, got float64"):
        model.binarized(np.zeros((2, 12)))
    with pytest.raises(ValueError, match="a minibatch of M=128 out of N=100 data"):
        next(training.epochs(training.begin(rng, SMALL), images(rng, 100)))
    with pytest.raises(ValueError, match="M must be an integer >= 1, got 0"):
        training.begin(rng, SMALL, training.Settings(M=0))
    with pytest.raises(ValueError, match=r"weights have shape \(3,\), expected"):
        model.split(np.zeros(3), SMALL)
    with pytest.raises(ValueError, match="quadrature over D=3 dimensions needs 400\\^3 nodes: take importance_bound"):
        evaluate.log_evidence(SHAPES[1], np.zeros(sum(SHAPES[1].counts)), images(rng))
    with pytest.raises(ValueError, match=r"lam has shape \(200, 2\), expected \(200, 4\)"):
        evaluate.bound(SMALL, np.zeros(sum(SMALL.counts)), images(rng), rng, lam=np.zeros((200, 2)))


@pytest.mark.parametrize("x, message",
                         [(np.full((3, 12), 255, np.uint8), "binarize them"), (np.full((3, 12), 0.3), "gray values"),
                          (np.ones((0, 12), bool), "no data"),
                                        (np.full((3, 12), np.nan), "36 of 36 values non-finite")])
def test_data_are_looked_at_even_where_lam_is_given(x, message, rng):
    weights, lam = awake(rng, SMALL), np.zeros((len(x), 4))
    for value in (evaluate.bound, evaluate.reconstruction, evaluate.importance_bound):
        with pytest.raises(ValueError, match=message):
            value(SMALL, weights, x, rng, lam=lam)


def test_settings_of_an_evaluation_that_make_no_sense_are_told(rng):
    weights, x = awake(rng, SMALL), images(rng, 5)
    for wrong, message in ((dict(S=0), "S must be an integer >= 1, got 0"), (dict(rate=-1.), "rate must be > 0"),
                           (dict(lam=np.full((5, 4), np.nan)), r"lam\[0, 0\] is nan")):
        with pytest.raises(ValueError, match=message):
            evaluate.refined(SMALL, weights, x, rng, 3, **wrong)
    for wrong, message in ((dict(order=1), "a grid of order=1 has no spacing"), (dict(reach=-1.), "reach must be > 0")):
        with pytest.raises(ValueError, match=message):
            evaluate.log_evidence(SMALL, weights, x, **wrong)
    with pytest.raises(ValueError, match="encoder=5 is no list of hidden layers"):
        model.architecture(encoder=5)
    for rate in (np.inf, [0.1, 0.2]):
        with pytest.raises(ValueError, match="rate must be one finite number"):
            training.begin(rng, SMALL, training.Settings(rate=rate))
    with pytest.raises(ValueError, match=r"codes of shape \(2, 2\), expected \(N, D\) with N > D"):
        autoencoder.spread(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="N=1 images have no pairs"):
        autoencoder.kernel_distance(x[:1], x, 1.)


# ---- the file

@pytest.fixture
def stored(rng, tmp_path):
    x = images(rng)
    fit = after(begin(rng, x), x, 1)
    store.save(fit, tmp_path / "fit.npz")
    return fit, tmp_path / "fit.npz"


def test_a_file_holds_all_of_a_fit(stored):
    fit, path = stored
    other = store.load(path)
    assert same(fit, other) and other.shape == fit.shape and other.settings == fit.settings
    assert other.data == fit.data and other.weights.dtype == np.float32


def rewritten(path, **changes):
    with np.load(path) as content:
        arrays = {name: content[name] for name in content.files}
    facts = json.loads(str(arrays["facts"])) | changes.pop("facts", {})
    np.savez(path, **arrays | dict(facts=json.dumps(facts)) | changes)


def test_files_that_are_damaged_or_foreign_are_refused_with_a_remedy(stored):
    _, path = stored
    whole = path.read_bytes()
    middle = len(whole) // 2
    for content in (b"", whole[:-300], whole[:1000], b"<html>", whole[:middle] + bytes(50) + whole[middle + 50:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"fit\.npz is truncated, damaged or no fit .*: delete it, or choose "
                                             r"another --out"):
            store.load(path)
    np.savez(path, a=np.zeros(3), b=np.ones(2))
    with pytest.raises(ValueError, match="holds a, b, expected a fit of a VAE"):
        store.load(path)
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").replace(path)
    with pytest.raises(ValueError, match="truncated, damaged or no fit"):
        store.load(path)
    with pytest.raises(FileNotFoundError):
        store.load(path.with_name("none.npz"))


@pytest.mark.parametrize("change, message", [
    (dict(weights=np.zeros(5, np.float32)), r"weights have shape \(5,\), expected"),
    (dict(history=np.zeros((1, 3))), r"a history of shape \(1, 3\)"),
    (dict(facts=dict(format="refvi vae 0")), "of format 'refvi vae 0', expected 'refvi vae 1'"),
    (dict(facts=dict(settings=dict(colour=3))), "does not fit together .*colour"),
])
def test_files_whose_parts_do_not_fit_are_refused(stored, change, message):
    rewritten(stored[1], **change)
    with pytest.raises(ValueError, match=message):
        store.load(stored[1])
    with pytest.raises(ValueError, match="delete it, or choose another --out"):
        store.load(stored[1])


def test_a_fit_of_another_shape_other_settings_or_other_data_is_refused(stored, rng):
    fit, path = stored
    asked = (fit.shape, fit.settings, fit.data)
    assert store.require_same(fit, *asked, path) is fit
    for k, other, message in ((0, model.SLIDE, "holds a fit of 12-9-5-.2,2., .* asked for was 784-256-64"),
                              (1, training.Settings(), "holds a fit with Settings"),
                              (2, store.stamp("halves", images(rng)), "with other pixels")):
        with pytest.raises(ValueError, match=message + ".*choose another --out, or --fresh to begin anew"):
            store.require_same(fit, *asked[:k], other, *asked[k + 1:], path)


def test_a_full_disk_leaves_the_earlier_file_and_the_training(stored, monkeypatch, rng):
    fit, path = stored
    x, whole = images(rng), path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    later = after(fit, x, 1)
    with pytest.raises(OSError, match="cannot store the fit after epoch 2 in .*No space left on device; the earlier "
                                      "file is untouched. Free some space"):
        store.save(later, path)
    assert path.read_bytes() == whole and [p.name for p in path.parent.iterdir()] == ["fit.npz"]
    digits = fits_vae.Digits(x, x, x, {})
    ended, _, trouble = fits_vae.climb(later, digits, 4, path)
    assert ended.epochs == 4 and "No space left on device" in trouble and path.read_bytes() == whole
    monkeypatch.undo()
    assert fits_vae.climb(ended, digits, 5, path)[2] == "" and store.load(path).epochs == 5


# ---- what a fit is worth

@pytest.fixture
def fitted(rng):
    x = images(rng, 300)
    return after(begin(rng, x), x, 30), images(rng, 12)


def test_bounds_stand_in_order_and_below_the_evidence(fitted, rng):
    """The last one's draws are from twice the encoder's spread.

    From the encoder's own, narrower than the posterior, weights need have no variance.
    """
    fit, x = fitted
    wide = evaluate.encoded(SMALL, fit.weights, x) + np.log(2) * np.repeat([0., 1.], SMALL.D)
    evidence = evaluate.log_evidence(SMALL, fit.weights, x)
    np.testing.assert_allclose(evidence, evaluate.log_evidence(SMALL, fit.weights, x, 600), atol=5e-3)
    bounds = [np.mean(evaluate.bound(SMALL, fit.weights, x, rng, 400)),
              np.mean([evaluate.importance_bound(SMALL, fit.weights, x, rng, 5) for _ in range(80)]),
              np.mean(evaluate.importance_bound(SMALL, fit.weights, x, rng, 20_000, wide))]
    # nothing where all units are off: q is then the prior, and the posterior
    gap = np.mean(evidence) - bounds[0]
    assert gap > -0.01 and bounds[0] + gap / 4 - 0.01 < bounds[1] < bounds[2] + 0.02
    assert bounds[2] == pytest.approx(np.mean(evidence), abs=0.02)


def test_a_gaussian_s_evidence_is_that_of_a_linear_model(rng):
    """A linear decoder: x is normal with covariance W'W + sd^2 I."""
    shape = model.architecture(4, 2, (), (), "gaussian", 0.5)
    weights, x = awake(rng, shape), rng.standard_normal((6, 4))
    theta = model.split(weights, shape)[1]
    W, b = theta[:8].reshape(2, 4), theta[8:]
    C = W.T @ W + 0.25 * np.eye(4)
    exact = -0.5 * np.sum((x - b) * np.linalg.solve(C, (x - b).T).T, axis=1) - 0.5 * np.linalg.slogdet(2 * np.pi * C)[1]
    # data far out have posteriors there
    np.testing.assert_allclose(evaluate.log_evidence(shape, weights, x, reach=14.), exact, rtol=1e-9, atol=1e-11)


def test_one_draw_is_unbiased(rng):
    """A linear decoder, so that the expectation is smooth and a rule knows it."""
    shape = model.architecture(12, 2, (9,), ())
    weights, x = awake(rng, shape), images(rng, 6)
    lam = evaluate.encoded(shape, weights, x)
    t, w = np.polynomial.hermite_e.hermegauss(60)
    grid, mass = np.stack(np.meshgrid(t, t), -1).reshape(-1, 2), np.outer(w, w).ravel() / (2 * np.pi)
    seen = np.array([evaluate.log_likelihood(shape,
                                             evaluate.decoded(shape, weights,
                                                              lam[:, :2] + np.exp(lam[:, 2:]) * e), x) for e in grid])
    exact = np.mean(mass @ seen - evaluate.divergence(lam))

    def draw(n, strike):
        return moments([np.mean(evaluate.bound(shape, weights, np.tile(x, (n, 1)), rng).reshape(n, 6), axis=1,
                                keepdims=True)])

    assert escalate(draw, np.array([exact]), 2000).verdict == PASS
    # planted: the divergence forgotten
    assert escalate(draw, np.array([exact + np.mean(evaluate.divergence(lam))]), 2000).verdict != PASS


def test_refining_gains_and_stays_below_the_evidence(fitted, rng):
    fit, x = fitted
    lam = evaluate.refined(SMALL, fit.weights, x, rng, 200, 4)
    before, behind = (np.mean(evaluate.bound(SMALL, fit.weights, x, rng, 500, lam)) for lam in (None, lam))
    assert before < behind + 0.02 and behind < np.mean(evaluate.log_evidence(SMALL, fit.weights, x)) + 0.02
    far = evaluate.encoded(SMALL, fit.weights, x) + np.float32(0.7)
    assert np.mean(evaluate.bound(SMALL, fit.weights, x, rng, 500,
                                  evaluate.refined(SMALL, fit.weights, x, rng, 300, 4, 0.05,
                                                   far))) == pytest.approx(behind, abs=0.1)


def test_memory_does_not_grow_with_the_draws(fitted, rng):
    fit, x = fitted
    peaks = []
    for S in (2000, 20_000):
        tracemalloc.start()
        evaluate.importance_bound(SMALL, fit.weights, x[:2], rng, S)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


# ---- the command

@pytest.fixture
def little(monkeypatch, tmp_path):
    """The fit on a few typeset digits, with a cache of its own."""
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fits_vae, "TYPESET", dict(train=300, validation=50, test=100))
    return tmp_path


def test_the_command_stores_and_goes_on(little, capsys):
    assert main(["fit", "vae", "--epochs", "1"]) == 0
    told = capsys.readouterr().out
    assert "MNIST is not at hand" in told and "217,668 + 218,320 parameters in float32" in told
    assert "test ELBO -" in told
    assert [p.name for p in (little / "refvi" / "fits").iterdir()] == ["vae-typeset-2d.npz"]
    assert main(["fit", "vae", "--epochs", "2"]) == 0
    assert "goes on from epoch 1 in " in capsys.readouterr().out
    assert main(["fit", "vae", "--epochs", "2"]) == 0
    assert "nothing to do: 2 epochs are done, --epochs 12 would go on" in capsys.readouterr().out
    place = str(little / "refvi" / "fits" / "vae-typeset-2d.npz")
    assert main(["fit", "vae", "--latent", "3", "--out", place]) == 2
    assert "--fresh to begin anew" in capsys.readouterr().err
    assert main(["fit", "vae", "--latent", "3", "--epochs", "1", "--out", place, "--fresh"]) == 0
    assert "784-256-64-(3,3)" in capsys.readouterr().out and store.load(place).shape.D == 3


def test_without_a_name_nothing_is_stored(little, rng):
    *_, line = fits_vae.run(rng)
    assert "typeset digits: test ELBO" in line and "after 2 epochs" in line and not list(little.iterdir())


def test_ctrl_c_keeps_the_last_whole_epoch(little, monkeypatch, capsys):
    whole, calls = training.one_epoch, []

    def cut(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(training, "one_epoch", cut)
    assert main(["fit", "vae", "--epochs", "4", "--out", str(little / "fit.npz")]) == 130
    assert "interrupted after step 6, epoch 2 of 4, kept in " in capsys.readouterr().out
    assert store.load(little / "fit.npz").epochs == 2


def test_options_of_the_vae_are_refused_elsewhere(capsys):
    assert main(["fit", "classifier", "--epochs", "3"]) == 2
    wanted = "--epochs is no option of classifier: it belongs to one that is named, as in `refvi fit vae --epochs`"
    assert wanted in capsys.readouterr().err
    assert main(["fit", "--latent", "3"]) == 2
    assert "--latent is no option of all fits together" in capsys.readouterr().err


def told_without_work(monkeypatch, capsys, *arguments):
    """What stands on stderr after a call that is refused, exit status 2, before the first step."""
    monkeypatch.setattr(fits_vae, "climb", lambda *_: pytest.fail("it went to work"))
    assert main(["fit", "vae", *map(str, arguments)]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--fresh"]], ids=str)
def test_a_place_that_cannot_be_written_is_told_before_the_work(little, monkeypatch, capsys, more):
    (little / "file").write_text("")
    assert "cannot store a fit in " in told_without_work(monkeypatch, capsys, "--out", little / "file" / "fit.npz",
                                                         *more)
    wanted = f"is a folder, expected a file, there or not yet: choose another --out, such as {little / 'vae.npz'}"
    assert wanted in told_without_work(monkeypatch, capsys, "--out", little, *more)
    assert "/dev/full is a device, expected a file" in told_without_work(monkeypatch, capsys, "--out", "/dev/full",
                                                                         *more)
    assert sorted(path.name for path in little.iterdir()) == ["file"]


def test_a_folder_that_takes_no_file_is_told_before_a_fit_goes_on(stored, monkeypatch):
    def locked(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", locked)
    for fresh in (False, True):
        with pytest.raises(OSError, match="cannot store a fit in .*fit.npz: Permission denied; nothing was written. "
                                          "Choose another --out"):
            store.require_place(stored[1], fresh)


def test_a_file_that_may_not_be_read_is_told_with_a_remedy(stored, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(stored[1]), "read_bytes", locked)
    with pytest.raises(OSError, match="cannot read a fit from .*fit.npz: Permission denied. Make it readable, or "
                                      "choose another --out"):
        store.load(stored[1])


def test_fresh_replaces_fits_and_nothing_else(stored, monkeypatch, capsys):
    path = stored[1]
    whole = path.read_bytes()
    for content in (whole, whole[:1000], b""):
        path.write_bytes(content)
        assert store.require_place(path, fresh=True) == path
    np.savez(path, a=np.zeros(3))
    foreign = path.read_bytes()
    for content in (b"my thesis", foreign):
        path.write_bytes(content)
        told = told_without_work(monkeypatch, capsys, "--data", "typeset", "--out", path, "--fresh")
        assert "is no fit of a VAE, and --fresh replaces nothing else" in told
        assert path.read_bytes() == content


def test_a_text_is_told_by_how_it_begins_and_nothing_is_said_of_pickles(tmp_path):
    (tmp_path / "a.txt").write_text("my thesis")
    with pytest.raises(ValueError, match="truncated, damaged or no fit .it begins with b'my thesi'.: delete it, or "
                                         "choose another --out"):
        store.load(tmp_path / "a.txt")


@pytest.mark.parametrize("facts",
                         [dict(steps="many"), dict(steps=0), dict(data=[]), dict(chance={}),
                          dict(chance=dict(bit_generator="SFC64", state=3))], ids=str)
def test_facts_that_cannot_be_gone_on_from_are_refused(stored, facts):
    rewritten(stored[1], facts=facts)
    with pytest.raises(ValueError, match="fit.npz does not fit together .*: delete it, or choose another --out"):
        store.load(stored[1])


def test_more_latent_dimensions_than_pixels_are_refused(little, monkeypatch, capsys):
    wanted = "785 latent dimensions for images of 784 pixels: take --latent of at most 784"
    assert wanted in told_without_work(monkeypatch, capsys, "--latent", 785)
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "vae", "--epochs", "2.5"])
    assert "argument --epochs: invalid positive whole number value: '2.5'" in capsys.readouterr().err


def test_without_data_said_a_file_s_own_are_taken(little, monkeypatch, capsys):
    place = str(little / "fit.npz")
    assert main(["fit", "vae", "--data", "typeset", "--epochs", "1", "--out", place]) == 0
    monkeypatch.setattr(mnist, "at_hand", lambda: True)
    assert main(["fit", "vae", "--epochs", "2", "--out", place]) == 0 and store.load(place).epochs == 2
    told = capsys.readouterr().out
    assert "goes on from epoch 1" in told and "MNIST is not at hand" not in told


def test_a_fit_that_could_not_be_kept_ends_with_status_1(little, monkeypatch, capsys):
    written = files.write

    def full(path, content):
        if path.exists():
            raise OSError(28, "No space left on device")
        written(path, content)

    monkeypatch.setattr(files, "write", full)
    assert main(["fit", "vae", "--epochs", "1", "--out", str(little / "fit.npz")]) == 1
    told = capsys.readouterr().out
    assert "cannot store the fit after epoch 1" in told and "not stored" not in told and "kept in" not in told
    assert store.load(little / "fit.npz").epochs == 0


def test_ctrl_c_while_storing_stores_once_more(little, monkeypatch, capsys):
    saved, calls = store.save, []

    def cut(fit, path):
        calls.append(fit.epochs)
        if calls == [0, 1, 2]:
            raise KeyboardInterrupt
        saved(fit, path)

    monkeypatch.setattr(store, "save", cut)
    assert main(["fit", "vae", "--epochs", "4", "--out", str(little / "fit.npz")]) == 130
    told = capsys.readouterr().out
    assert "epoch 2 of 4, kept in " in told and "not stored" not in told and store.load(little / "fit.npz").epochs == 2


def test_ctrl_c_in_the_first_epoch_leaves_an_earlier_file_as_it_was(little, stored, monkeypatch, capsys):
    before = stored[1].read_bytes()

    def cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "one_epoch", cut)
    assert main(["fit", "vae", "--data", "typeset", "--out", str(stored[1]), "--fresh"]) == 130
    told = capsys.readouterr().out
    assert "epoch 0 of 20, no whole epoch to keep" in told and "nothing to do" not in told
    assert stored[1].read_bytes() == before


def test_what_a_fit_goes_on_from_is_told_before_it_works(little, monkeypatch, capsys):
    told = []
    monkeypatch.setattr(fits_vae, "climb", lambda fit, *_: told.append(capsys.readouterr().out) or (fit, 1., ""))
    main(["fit", "vae", "--epochs", "3"])
    assert "typeset digits, N = 300" in told[0]


def test_a_second_fit_into_the_same_file_says_so(little, capsys):
    """While the first holds it; afterwards it goes on from there, and nothing is left lying about."""
    place = little / "fit.npz"
    call = ["fit", "vae", "--epochs", "1", "--out", str(place)]
    with store.alone(place):
        assert main(call) == 2
        assert f"another fit is being stored in {place}: wait until it is done, or choose another --out" in (
            capsys.readouterr().err)
        with store.alone(little / "other.npz"):
            pass
    assert main(call) == 0 and not list(little.glob("*.lock"))
