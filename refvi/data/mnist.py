"""MNIST: the four IDX files, each checked down to the last byte. LeCun, Bottou, Bengio and Haffner (1998)."""
import gzip
import hashlib
import zlib
from typing import NamedTuple

import numpy as np

from refvi.data.store import Digits, named, places


class File(NamedTuple):
    """What one of the files must be."""
    name: str
    magic: int                  # 2051 for images, 2049 for labels
    shape: tuple
    sha256: str                 # of the uncompressed bytes


FILES = {
    ("train", "images"): File("train-images-idx3-ubyte", 2051, (60000, 28, 28),
                              "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train", "labels"): File(
        "train-labels-idx1-ubyte", 2049, (60000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    ("test", "images"): File("t10k-images-idx3-ubyte", 2051, (10000, 28, 28),
                             "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("test", "labels"): File(
        "t10k-labels-idx1-ubyte", 2049, (10000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


def names_of(file):
    """The names under which a file is found: as it was published, compressed or not, and with a dot for the dash."""
    return [name + ending for name in (file.name, file.name.replace("-idx", ".idx")) for ending in (".gz", "")]


def size_of(file):
    """Bytes of a file, uncompressed."""
    return 4 + 4 * len(file.shape) + int(np.prod(file.shape))


def whole(path, file):
    """Whether a file has the right size: its own, or the one that the last four bytes of a gzip file tell."""
    content_size = path.stat().st_size
    if path.suffix != ".gz":
        return content_size == size_of(file)
    with open(path, "rb") as opened:
        opened.seek(max(0, content_size - 4))
        return int.from_bytes(opened.read(4), "little") == size_of(file)


def find(file):
    """The path of a file, a whole one before any other, or FileNotFoundError with all that is needed to supply it."""
    found = [path for place in places("mnist") for name in names_of(file) if (path := place / name).is_file()]
    for path in found:
        if whole(path, file):
            return path
    if found:
        return found[0]         # reading it says what is wrong
    looked = places("mnist")
    raise FileNotFoundError(f"no {file.name}[.gz] in {' or '.join(map(str, looked))} ({named()}): "
                            f"run `refvi data fetch mnist`, or {by_hand(looked[-1])}")


def by_hand(place):
    """How to supply the files without a network."""
    hashes = "".join(f"\n  {file.name}.gz  (uncompressed SHA-256 {file.sha256})" for file in FILES.values())
    return f"put these four files into {place}:{hashes}"


def at_hand():
    """Whether all four files are there and have the right size; their content is checked when they are read."""
    try:
        return all(whole(find(file), file) for file in FILES.values())
    except FileNotFoundError:
        return False


def is_web_page(content):
    """Whether bytes begin as a web page does: a log-in, or an error, in place of a file."""
    return content[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))


def parse(content, file, source):
    """The array in the bytes of a file, compressed or not; ValueError says what is wrong with them, and where they
    came from.
    """
    if is_web_page(content):
        raise ValueError(f"{source} is a web page, not {file.name}: delete it and run `refvi data fetch mnist` again")
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{source} is a damaged or truncated gzip file ({error}): delete it and run "
                             "`refvi data fetch mnist` again") from None
    magic, size, wanted = int.from_bytes(content[:4], "big"), len(content), size_of(file)
    if not size:
        raise ValueError(f"{source} is empty: delete it and run `refvi data fetch mnist` again")
    if magic != file.magic:
        raise ValueError(
            f"{source} begins with {magic}, expected the magic number {file.magic} of {file.name}: it is another file"
        )
    if size != wanted:
        raise ValueError(
            f"{source} holds {size:,} bytes uncompressed, expected {wanted:,}: it is truncated or another file"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise ValueError(f"{source} has SHA-256 {digest}, expected {file.sha256}: its content was changed")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(file.shape)).reshape(file.shape)


def load(part):
    """Digits of "train" (60,000) or "test" (10,000)."""
    if part not in ("train", "test"):
        raise ValueError(f"no part {part!r} of MNIST, expected train or test")
    arrays = []
    for kind in ("images", "labels"):
        file = FILES[part, kind]
        path = find(file)
        arrays.append(parse(path.read_bytes(), file, path))
    return Digits(f"MNIST {part}", arrays[0].reshape(-1, 784), arrays[1])
