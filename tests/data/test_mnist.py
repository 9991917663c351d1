"""MNIST: bytes that are not exactly right are refused, and a download is whole or not there.

The server stands on loopback.
"""
import gzip
import hashlib
import threading

import numpy as np
import pytest

from refvi.__main__ import main
from refvi.data import mnist
from refvi.data.fetch import fetch
from tests.data.loopback import hang_up, html, truncated, url

needs_mnist = pytest.mark.skipif(not mnist.at_hand(), reason="MNIST is not at hand")


def idx(magic, array):
    header = magic.to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def small(monkeypatch, rng):
    """Four small files in MNIST's format, with their hashes in place of the real ones: name -> gzip bytes."""
    contents, files = {}, {}
    for part, n in (("train", 6), ("test", 3)):
        for kind, magic, shape in (("images", 2051, (n, 28, 28)), ("labels", 2049, (n,))):
            old = mnist.FILES[part, kind]
            raw = idx(magic, rng.integers(0, 256 if kind == "images" else 10, shape, dtype=np.uint8))
            files[part, kind] = old._replace(shape=shape, sha256=hashlib.sha256(raw).hexdigest())
            contents[f"{old.name}.gz"] = gzip.compress(raw)
    monkeypatch.setattr(mnist, "FILES", files)
    return contents


def serve(server, folder, contents, **instead):
    server.answers |= {f"/{folder}/{name}": instead.get("every", content) for name, content in contents.items()}


# ---- reading

@needs_mnist
def test_the_real_files():
    train, test = mnist.load("train"), mnist.load("test")
    assert train.images.shape == (60000, 784) and test.images.shape == (10000, 784) and train.images.dtype == np.uint8
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_files_are_found_compressed_or_not_in_refvi_data_then_in_the_cache(small, tmp_path, monkeypatch):
    monkeypatch.setenv("REFVI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    (tmp_path / "cache" / "refvi" / "mnist").mkdir(parents=True)
    assert not mnist.at_hand()
    for number, (name, content) in enumerate(small.items()):
        if number % 2:
            (tmp_path / "data" / "mnist" / name).write_bytes(content)
        else:
            (tmp_path / "cache" / "refvi" / "mnist" / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    assert mnist.at_hand()
    digits = mnist.load("test")
    assert digits.images.shape == (3, 784) and digits.labels.shape == (3,) and digits.name == "MNIST test"
    with pytest.raises(ValueError, match="no part 'dev' of MNIST, expected train or test"):
        mnist.load("dev")


@pytest.mark.parametrize("damage, message", [
    (lambda raw: b"<!DOCTYPE html><html>not found</html>", "is a web page, not t10k-images-idx3-ubyte: delete it"),
    (lambda raw: gzip.compress(raw)[:-20], "damaged or truncated gzip file"),
    (lambda raw: raw[:-5], "holds 2,363 bytes uncompressed, expected 2,368: it is truncated"),
    (lambda raw: raw + b"\0", "holds 2,369 bytes"),
    (lambda raw: (2049).to_bytes(4, "big") + raw[4:], "begins with 2049, expected the magic number 2051"),
    (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "has SHA-256 .*: its content was changed"),
    (lambda raw: b"", "is empty: delete it and run `refvi data fetch mnist` again"),
])
def test_damage_is_named(small, damage, message):
    file = mnist.FILES["test", "images"]
    raw = gzip.decompress(small[f"{file.name}.gz"])
    assert mnist.parse(raw, file, "here").shape == (3, 28, 28)
    with pytest.raises(ValueError, match=message):
        mnist.parse(damage(raw), file, "here")


def test_missing_files_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        mnist.load("train")
    for word in ("refvi data fetch mnist", str(tmp_path / "refvi" / "mnist"),
                 *(file.sha256 for file in mnist.FILES.values())):
        assert word in str(error.value)


# ---- fetching

def test_all_four_files_are_fetched_once(small, server, tmp_path):
    serve(server, "good", small)
    assert len(list(fetch("mnist", tmp_path, [url(server, "good")]))) == 4
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == small
    assert all("is there" in line for line in fetch("mnist", tmp_path, [url(server, "good")]))
    assert len(server.asked) == 4


@pytest.mark.parametrize("name, answer, message",
                         [("truncates", truncated, "ended after|IncompleteRead"), ("html", html, "is a web page"),
                          ("hangs up", lambda content: hang_up, "closed|reset|Remote end"),
                          ("other file", lambda content: gzip.compress(b"something else"), "magic number"),
                          ("missing", lambda content: None, "Not Found")])
def test_a_bad_mirror_is_left_for_the_second_and_nothing_half_written_stays(
    small, server, tmp_path, name, answer, message
):
    for path, content in small.items():
        server.answers[f"/bad/{path}"] = answer(content)
    with pytest.raises(ConnectionError, match=message) as error:
        list(fetch("mnist", tmp_path, [url(server, "bad")], timeout=5))
    assert "without a network, put these four files into" in str(error.value) and url(server, "bad") in str(error.value)
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"train-images-idx3-ubyte.gz.bad"} and (left != set()) == (name in ("html", "other file"))
    serve(server, "good", small)
    list(fetch("mnist", tmp_path, [url(server, "bad"), url(server, "good")], timeout=5))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.suffix == ".gz"} == small


def test_a_server_that_never_answers_is_given_up(small, server, tmp_path):
    never = threading.Event()
    for path in small:
        server.answers[f"/slow/{path}"] = lambda handler: never.wait(10)
    with pytest.raises(ConnectionError, match="timed out"):
        list(fetch("mnist", tmp_path, [url(server, "slow")], timeout=0.3))
    never.set()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_in_the_cache_is_set_aside_and_fetched_again(small, server, tmp_path):
    serve(server, "good", small)
    name = "train-labels-idx1-ubyte.gz"
    (tmp_path / name).write_bytes(b"<html>")
    lines = list(fetch("mnist", tmp_path, [url(server, "good")]))
    assert any("web page" in line and f"kept as {name}.bad" in line for line in lines)
    assert (tmp_path / name).read_bytes() == small[name] and (tmp_path / f"{name}.bad").read_bytes() == b"<html>"


def test_an_interrupted_download_leaves_nothing(small, server, tmp_path, monkeypatch):
    serve(server, "good", small)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "parse", interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(fetch("mnist", tmp_path, [url(server, "good")]))
    assert list(tmp_path.iterdir()) == []


def test_the_command(small, server, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("REFVI_DATA", raising=False)
    assert main(["data"]) == 0
    assert "mnist          not at hand: refvi data fetch mnist" in capsys.readouterr().out
    serve(server, "good", small)
    assert main(["data", "fetch", "mnist", "--mirror", url(server, "good").rstrip("/")]) == 0
    assert capsys.readouterr().out.count("fetched and checked") == 4
    assert main(["data"]) == 0 and mnist.at_hand()
    assert "mnist          at hand" in capsys.readouterr().out
    assert (
        main(["data", "fetch", "mnist", "--out", str(tmp_path / "elsewhere"), "--mirror", url(server, "nowhere")]) == 2
    )
    assert "could not fetch train-images-idx3-ubyte" in capsys.readouterr().err


def sparse(path, size):
    """A file of zeros that takes no room."""
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def test_a_file_is_found_under_either_usual_name_and_a_whole_one_before_any_other(tmp_path, monkeypatch):
    monkeypatch.setenv("REFVI_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for file in mnist.FILES.values():
        dotted = sparse(tmp_path / "mnist" / file.name.replace("-idx", ".idx"), mnist.size_of(file))
        assert mnist.find(file) == dotted
        empty = sparse(tmp_path / "mnist" / f"{file.name}.gz", 0)
        assert mnist.find(file) == dotted
        dotted.unlink()
        assert mnist.find(file) == empty and not mnist.whole(empty, file)
    assert not mnist.at_hand()


def test_the_size_of_a_compressed_file_is_read_off_its_end(tmp_path):
    file = mnist.FILES["test", "labels"]
    path = tmp_path / f"{file.name}.gz"
    path.write_bytes(gzip.compress(bytes(mnist.size_of(file))))
    assert mnist.whole(path, file)
    path.write_bytes(path.read_bytes()[:-9])
    assert not mnist.whole(path, file)
