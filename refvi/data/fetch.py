"""Downloads: into a temporary file, checked, then renamed; from a second mirror if the first fails; never half a file
under a good name.
"""
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from refvi.base import files
from refvi.base.progress import Progress
from refvi.data import mnist
from refvi.data.store import cache

CHUNK = 2**16


def fetch_mnist(place=None, mirrors=mnist.MIRRORS, timeout=20.):
    """Fetch what is missing of MNIST into place (default: the user's cache); yields one line for each file.

    ConnectionError, with what every mirror answered and how to supply the files by hand, if a file cannot be had. What
    a mirror sent
    instead is kept as *.bad.
    """
    place = files.require_folder(place or cache() / "mnist", "the data")
    for file in mnist.FILES.values():
        target = place / f"{file.name}.gz"
        if target.exists():
            try:
                mnist.parse(target.read_bytes(), file, target)
                yield f"{target} is there"
                continue
            except ValueError as error:
                target.replace(set_aside(target))
                yield f"{error}; kept as {set_aside(target).name}"
        answers = []
        for mirror in mirrors:
            try:
                download(
                    mirror + target.name,
                    target,
                    lambda content: mnist.parse(content, file, mirror + target.name),
                    timeout,
                )
                break
            except (OSError, ValueError, http.client.HTTPException) as error:
                answers.append(f"  {mirror}: {getattr(error, 'reason', None) or error}")
        else:
            raise ConnectionError(
                f"could not fetch {file.name}:\n" + "\n".join(answers) + f"\nwithout a network, {mnist.by_hand(place)}"
            )
        yield f"{target} fetched and checked"


def set_aside(path):
    return Path(f"{path}.bad")


def download(url, target, check, timeout):
    """Fetch url to a temporary file beside target, check its content, rename it into place; a content that fails is
    kept as *.bad.
    """
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(temporary)
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=timeout) as answer:
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            with Progress(target.name, total) as bar:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    bar(done)
            file.flush()
            os.fsync(file.fileno())
        if total and done < total:
            raise ConnectionError(f"the connection ended after {done:,} of {total:,} bytes")
        try:
            check(temporary.read_bytes())
        except ValueError:
            temporary.replace(set_aside(target))
            raise
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
