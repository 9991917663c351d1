"""Typeset digits: of the right shape and kind, all ten of them in all fonts, different on every draw, and readable."""
import numpy as np
import pytest

from refvi.data import typeset
from refvi.data.typeset import typeset_digits


def test_images_are_binary_and_labels_are_digits(rng):
    digits = typeset_digits(rng, 2500)
    assert digits.images.shape == (2500, 784) and digits.images.dtype == np.uint8 and digits.labels.dtype == np.uint8
    assert set(np.unique(digits.images)) == {0, 255} and set(digits.labels) == set(range(10))
    ink = np.mean(digits.images > 0, axis=1)
    assert np.all(ink > 0.02) and np.all(ink < 0.6) and 0.05 < np.mean(ink) < 0.3


def test_every_font_has_ten_different_digits():
    glyphs = typeset.glyphs().reshape(len(typeset.FONTS), 10, -1)
    assert np.all(glyphs.any(axis=2))
    for font in glyphs:
        assert len(np.unique(font, axis=0)) == 10
    canvas = typeset.glyphs()
    assert not canvas[..., 0, :].any() and not canvas[..., :, -1].any()


def test_the_same_generator_gives_the_same_digits_and_another_others(rng):
    seed = int(rng.integers(2**60))
    one, two = (typeset_digits(np.random.Generator(np.random.SFC64(seed)), 50) for _ in range(2))
    assert np.array_equal(one.images, two.images) and not np.array_equal(one.images, typeset_digits(rng, 50).images)


def test_jitter_moves_the_ink_but_keeps_it_on_the_page(rng):
    images = typeset_digits(rng, 2000).images.reshape(-1, 28, 28) > 0
    rows = np.einsum("nij,i->n", images, np.arange(28)) / images.sum(axis=(1, 2))
    assert 0.5 < np.std(rows) < 2.5 and abs(np.mean(rows) - 13.5) < 1
    assert np.mean(images[:, 0].any(axis=1)) < 0.05


def test_a_nearest_class_mean_reads_them(rng):
    train, test = typeset_digits(rng, 4000), typeset_digits(rng, 1000)
    means = np.stack([train.images[train.labels == k].mean(axis=0) for k in range(10)])
    distance = ((test.images[:, None].astype(float) - means)**2).sum(axis=-1)
    assert np.mean(distance.argmin(axis=1) == test.labels) > 0.6


def test_a_count_is_a_count(rng):
    with pytest.raises(ValueError, match="N must be an integer >= 1, got 0"):
        typeset_digits(rng, 0)
