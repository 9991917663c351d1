"""Downloads: checked, then written in one step; from a second mirror if the first fails; never half a file under a good
name.
"""
import hashlib
import http.client
import tarfile
import urllib.request
import zlib
from pathlib import Path

from refvi.base import files
from refvi.base.progress import Progress
from refvi.data import mnist
from refvi.data.sources import SOURCES, Mirror, sums
from refvi.data.store import cache

CHUNK = 2**16


def fetch(name, place=None, mirrors=(), timeout=20.):
    """Fetch what is missing of a set into place (default: the user's cache); yields one line for each file.

    mirrors: addresses of folders that hold the files, instead of the set's own sources. ConnectionError, with what
    every mirror answered and how to supply the files by hand, if a file cannot be had. What a mirror sent instead is
    kept as *.bad.
    """
    place = files.require_folder(place or cache() / SOURCES[name].folder, "the data")
    mirrors = [Mirror(url.rstrip("/") + "/{name}") for url in mirrors] or SOURCES[name].mirrors
    for file, check in checks_of(name).items():
        target = place / file
        if target.exists():
            try:
                check(target.read_bytes(), target)
                yield f"{target} is there"
                continue
            except ValueError as error:
                target.replace(set_aside(target))
                yield f"{error}; kept as {set_aside(target).name}"
        answers = []
        for mirror in mirrors:
            url = mirror.address.format(name=file)
            try:
                download(url, target, mirror.take, check, timeout)
                break
            except (OSError, ValueError, http.client.HTTPException) as error:
                answers.append(f"  {url}: {getattr(error, 'reason', None) or error}")
        else:
            raise ConnectionError(
                f"could not fetch {file}:\n" + "\n".join(answers) + f"\nwithout a network, {by_hand(name, place)}"
            )
        yield f"{target} fetched and checked"


def checks_of(name):
    """{file name: check} of a set; check(content, source) raises a ValueError where the bytes are wrong."""
    if name == "mnist":
        return {f"{file.name}.gz": lambda content, source, file=file: mnist.parse(content, file, source)
                for file in mnist.FILES.values()}
    folder = SOURCES[name].folder + "/"
    return {path.removeprefix(folder): lambda content, source, wanted=wanted: require_sum(content, source, *wanted)
            for path, wanted in sums().items() if path.startswith(folder)}


def require_sum(content, source, digest, size):
    """ValueError where content has another size or SHA-256."""
    if mnist.is_web_page(content):
        raise ValueError(f"{source} is a web page, not the file")
    if len(content) != size:
        raise ValueError(f"{source} holds {len(content):,} bytes, expected {size:,}: it is truncated or another file")
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise ValueError(f"{source} has SHA-256 {found}, expected {digest}: its content was changed")


def by_hand(name, place):
    """How to supply the files without a network."""
    if name == "mnist":
        return mnist.by_hand(place)
    return f"put the files of refvi/data/sums.txt under {SOURCES[name].folder}/ into {place}"


def set_aside(path):
    return Path(f"{path}.bad")


def download(url, target, take, check, timeout):
    """Fetch url, take the file from the answer, check it, write it to target; what fails is kept as *.bad."""
    answer = read(url, target.name, timeout)
    try:
        content = take(answer, target.name)
        check(content, url)
    except (tarfile.TarError, EOFError, KeyError, OSError, ValueError, zlib.error) as error:
        files.write(set_aside(target), answer)
        if mnist.is_web_page(answer):
            raise ValueError(f"{url} is a web page, not the file") from None
        raise ValueError(error) from None
    files.write(target, content)


def read(url, name, timeout):
    """The bytes of an answer; ConnectionError where it breaks off."""
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        total, content = int(answer.headers.get("Content-Length") or 0), bytearray()
        with Progress(name, total) as bar:
            while chunk := answer.read(CHUNK):
                content += chunk
                bar(len(content))
    if len(content) < total:
        raise ConnectionError(f"the connection ended after {len(content):,} of {total:,} bytes")
    return bytes(content)
