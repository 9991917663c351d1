"""A linear decoder bends nothing, and hidden layers raise the bound, the more the wider they are; but 300 images are
soon learned by heart, and others lose by it.

PML.150, PML.151, PML.152, the code task: 100 images each of the digits 5, 6 and 7, on or off from 128; full-batch
Adam, 1000 epochs, one draw an image. Linear decoder: encoder 784-500-(2,2), rate 0.01, as the notebook hands it out.
One hidden layer of 16, 64 or 256: the same encoder, rate 0.001. Solution: 784-256-64-(2,2), 2-64-256-784, rate 0.001.
The spread of q is the exponential of the second head, where the notebook has a softplus. Left: the bound of the 300
images while training, and at the end beside that of test images of the same digits (two standard errors). Middle:
means of the codes of the 300. Right: mean images on a grid of equal probability. Above the linear decoder, below the
solution.
"""
import numpy as np

from digits import circles, load, packed, scatter, show, unpacked
from refvi.generative.vae import evaluate, training
from refvi.generative.vae.model import architecture
from vae_manifold import grid

FORMAT, EXPENSIVE, QUICK = "png", True, dict(epochs=2, N=1000)
NAMES = ("linear", "16", "64", "256", "64-256")
DIGITS, EACH, SIDE, POINTS = (5, 6, 7), 100, 9, 60


def data(rng, **how):
    return decoders(rng, "mnist", **how)


def shapes():
    """(architecture, rate) of every decoder."""
    hidden = [((500,), ()), *(((500,), (width,)) for width in (16, 64, 256)), ((256, 64), (64, 256))]
    return [(architecture(encoder=inner, decoder=outer), 0.001 if outer else 0.01) for inner, outer in hidden]


def chosen(rng, part, each):
    """(images, labels) of so many of each of the three digits at random, without replacement."""
    places = np.concatenate([rng.choice(np.flatnonzero(part.labels == digit), each, replace=False) for digit in DIGITS])
    return part.images[places], part.labels[places]


def decoders(rng, kind, epochs=1000, N=None):
    """Every decoder's curve, its bound on test images, and codes and mean images of the first and the last."""
    digits = load(rng, kind, N)
    few = min(EACH, *(np.sum(digits.train.labels == digit) for digit in DIGITS))
    (x, labels), (test, _) = chosen(rng, digits.train, few), chosen(rng, digits.test,
                                                                    min(min(np.sum(digits.test.labels == digit)
                                                                            for digit in DIGITS), 800))
    epoch, curves, held, codes, means = np.unique(np.rint(np.geomspace(1, epochs, POINTS)).astype(int)), [], [], [], []
    for shape, rate in shapes():
        fit = training.begin(rng, shape, training.Settings(M=len(x), rate=rate))
        fit = next(fit for fit in training.epochs(fit, x) if fit.epochs >= epochs)
        curves.append((fit.history[:, 0] - fit.history[:, 1])[epoch - 1])
        held.append(evaluate.average(evaluate.bound(shape, fit.weights, test, rng, S=5)))
        codes.append(np.round(evaluate.encoded(shape, fit.weights, x)[:, :2].astype(float), 3))
        means.append(evaluate.means(shape, fit.weights, grid(SIDE)))
    return dict(random_epoch=epoch, random_elbo=np.round(curves, 3), random_held_out=np.array(held),
                random_code=[codes[0], codes[-1]], random_label=labels,
                random_means_linear=packed(means[0]), random_means_solution=packed(means[-1]), random_test=len(test))


def draw(figure, random_epoch, random_elbo, random_held_out, random_code, random_label, random_means_linear,
         random_means_solution, random_test):
    figure.set_size_inches(7.4, 4.6)
    places = figure.add_gridspec(2, 3, width_ratios=(1.25, 1, 1))
    curves, ends = figure.add_subplot(places[0, 0]), figure.add_subplot(places[1, 0])
    styles = zip(("C0", "C1", "C2", "C3", "C4"), ("-", ":", "-.", "--", (0, (5, 1, 1, 1))))
    for (color, line), name, elbo in zip(styles, NAMES, random_elbo):
        curves.plot(random_epoch, elbo, linestyle=line, color=color, linewidth=1.6, label=name)
    curves.set(xscale="log", xlabel="epoch", xlim=(random_epoch[-1]**0.4, None),
               ylim=(-250, np.max(random_elbo) + 10), title="while training, 300 images")
    curves.legend(title="decoder", fontsize=8, title_fontsize=8, handlelength=2.5)
    (held, errors), place = random_held_out.T, np.arange(len(NAMES))
    ends.plot(place, random_elbo[:, -1], "s", color="C3", label="300 images seen")
    ends.errorbar(place, held, 2 * errors, fmt="o", color="C0", capsize=3, label=f"{random_test} test images")
    ends.set(xticks=place, xlabel="decoder", ylabel="ELBO in nats per image", title="after the last epoch",
             ylim=(None, np.max(random_elbo) + 45))
    ends.set_xticklabels(NAMES)
    ends.legend(loc="upper left", fontsize=8)
    edge = np.max(np.abs(random_code)) * 1.05
    for row, (name, codes, means) in enumerate((("linear", random_code[0], random_means_linear),
                                                ("64-256", random_code[1], random_means_solution))):
        plane, sheet = figure.add_subplot(places[row, 1], aspect="equal"), figure.add_subplot(places[row, 2])
        circles(plane)
        scatter(plane, codes, random_label, size=4)
        plane.set(xlim=(-edge, edge), ylim=(-edge, edge), title=f"{name}: codes")
        show(sheet, unpacked(means), SIDE, gap=0)
        sheet.set_title("mean images")
