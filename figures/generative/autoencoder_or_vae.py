"""Both give back what they are shown; but random z ~ N(0, I) miss most of an autoencoder's codes, and their decodings
are further from images. RAI.078, RAI.080, RAI.081.

Both: 784-256-64-(2,2), 2-64-256-784, Bernoulli log-likelihood, the same epochs of the same Adam; the autoencoder
without noise and without KL. From the top: test images; their reconstructions; 16 decodings of z ~ N(0, I); the
straight line between the codes of two images; the codes of test images, with the circles of N(0, I) at 1, 2 and 3
standard deviations, both on one scale, the VAE's once more in the corner. MMD: kernel two-sample distance to 2000 test
images of 2000 decodings of random z, and of 2000 other test images decoded from their codes; its square with its
standard error, zero for images that cannot be told from the test set.
"""
import numpy as np

from digits import QUICK, circles, climbed, load, name_rows, packed, scatter, show, unpacked      # noqa: F401
from refvi.generative.vae import autoencoder, evaluate, training
from refvi.generative.vae.model import architecture

FORMAT, EXPENSIVE = "png", True
EPOCHS, COLUMNS, SHOWN = 20, 8, 1000
NAMES = ("autoencoder", "VAE")
ROWS = ("image", "decoded", "random z", "", "line")


def data(rng, **how):
    return both(rng, "mnist", **how)


def both(rng, kind, epochs=EPOCHS, N=None):
    """Pictures and numbers of both.

    MMD^2 to held-out images of random decodings and of reconstructions of other images, (model, which, value and
    error).
    """
    digits, shape = load(rng, kind, N), architecture()
    order = rng.permutation(len(digits.test.labels))
    images, labels = digits.test.images[order], digits.test.labels[order]
    half = min(len(images) // 2, 2000)
    held, other, parts = images[:half], images[half:2 * half], min(20, half // 10)
    width = autoencoder.median_distance(held[:500])
    found = dict(random_width=width, random_label=labels[:SHOWN], random_epochs=epochs,
                 random_name=digits.stamp["name"])
    sheets, codes, distance, spread = [], [], [], []
    for ascent in (autoencoder.epochs, training.epochs):
        fit = climbed(rng, digits, shape, epochs, N, ascent)
        lam = evaluate.encoded(shape, fit.weights, images)
        z = lam[:, :2] + (np.exp(lam[:, 2:]) * rng.standard_normal(lam[:, 2:].shape)
                          if ascent is training.epochs else 0)
        decodings = evaluate.means(shape, fit.weights, rng.standard_normal((half, 2)))
        reconstructions = evaluate.means(shape, fit.weights, z[half:2 * half])
        t = np.linspace(0, 1, COLUMNS)[:, None]
        line = evaluate.means(shape, fit.weights, (1 - t) * lam[0, :2] + t * lam[other_digit(labels), :2])
        sheets.append(packed([*images[:COLUMNS], *evaluate.means(shape, fit.weights, lam[:COLUMNS, :2]),
                              *decodings[:2 * COLUMNS], *line]))
        codes.append(np.round(z[:SHOWN].astype(float), 3))
        distance.append([autoencoder.two_sample(held, made, width, parts) for made in (decodings, reconstructions)])
        spread.append(autoencoder.spread(z.astype(float)))
    control = autoencoder.two_sample(held, other, width, parts)
    return found | dict(random_sheets=sheets, random_code=codes, random_mmd=np.array(distance),
                        random_control=np.array(control), random_spread=spread)


def other_digit(labels):
    """The first image that shows another digit than the first does."""
    return int(np.argmax(labels != labels[0]))


def draw(figure, random_width, random_label, random_epochs, random_name, random_sheets, random_code, random_mmd,
         random_control, random_spread):
    figure.set_size_inches(5.6, 5.0)
    panels = figure.subplots(2, 2, height_ratios=(1, 1.3))
    edge = np.quantile(np.abs(random_code), 0.997)        # both on one scale: that of the wider one
    for (above, below), name, text, codes, mmd, spread in zip(panels.T, NAMES, random_sheets, random_code, random_mmd,
                                                              random_spread):
        show(above, unpacked(text), COLUMNS)
        name_rows(above, ROWS if name == NAMES[0] else [""] * len(ROWS))
        above.set_title(f"{name}\nrandom z: MMD² = {mmd[0, 0]:.4f} ± {mmd[0, 1]:.4f}\ndecoded: MMD² = "
                        f"{mmd[1, 0]:.4f} ± {mmd[1, 1]:.4f}", fontsize=9)
        circles(below, zorder=3)
        scatter(below, codes, random_label, size=4)
        below.set(aspect="equal", xlim=(-edge, edge), ylim=(-edge, edge), xlabel="$z_1$")
        below.set_title(f"codes: {spread:.{1 if spread > 10 else 2}f} nats from N(0, I)", fontsize=9)
        if np.max(np.abs(codes)) < edge / 3:
            closer = below.inset_axes((0.56, 0.56, 0.44, 0.44), aspect="equal", xlim=(-4, 4), ylim=(-4, 4), xticks=[],
                                      yticks=[])
            closer.spines[:].set_visible(True)
            circles(closer, linewidth=0.5)
            scatter(closer, codes, random_label, size=2)
            below.indicate_inset_zoom(closer, edgecolor="C0")
    panels[1, 0].set_ylabel("$z_2$")
    control = f"{abs(random_control[0]):.4f} ± {random_control[1]:.4f}"         # zero, of either sign
    figure.supxlabel(f"{random_name}, {random_epochs} epochs each; test images among themselves: |MMD²| = {control}",
                     fontsize=8)
