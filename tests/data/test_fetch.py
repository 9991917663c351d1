"""The UCI sets, the sentence pairs and the reviews: fetched from a server on loopback, checked to the last byte."""
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from refvi.__main__ import main
from refvi.data import polarity, sources, store, uci
from refvi.data.fetch import fetch
from tests.data.loopback import hang_up, html, truncated, url

NAMES = tuple(name for name in sources.SOURCES if name != "mnist")
PAIRS = {"hansards/hansards.e": "THE HOUSE .\n".encode() * 500, "hansards/hansards.f": "L' ÉTÉ .\n".encode() * 500}
REVIEWS = {f"polarity/rt-polarity.{end}": f"{word} — café\n".encode() * 9
           for end, word in (("pos", "good"), ("neg", "bad"))}


@pytest.fixture
def small(monkeypatch):
    """Small files in place of the real ones, with their own sums: {path: bytes}."""
    table = {f"uci/{name}/data.txt": f"1 2 {k}\n".encode() for k, name in enumerate(uci.SETS)}
    columns = {f"uci/{name}/index_{kind}.txt": text for name in uci.SETS
               for kind, text in (("features", b"0\n1\n"), ("target", b"2\n"))}
    contents = table | columns | PAIRS | REVIEWS
    wanted = {path: (hashlib.sha256(content).hexdigest(), len(content)) for path, content in contents.items()}
    monkeypatch.setattr("refvi.data.fetch.sums", lambda: wanted)
    return contents


def files_of(small, name):
    folder = sources.SOURCES[name].folder + "/"
    return {path.removeprefix(folder): content for path, content in small.items() if path.startswith(folder)}


def found(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_the_sums_are_those_of_the_files_at_hand():
    if store.folder() is None:
        pytest.skip("REFVI_DATA is not set")
    assert len(sources.sums()) == 4 + 4 * (3 + 2 * uci.SPLITS)
    for path, (digest, size) in sources.sums().items():
        content = (store.folder() / path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (digest, size), path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage, message", [
    (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "has SHA-256 .*, expected .*: its content was changed"),
    (lambda content: content[:-3], "holds .* bytes, expected .*: it is truncated or another file"),
    (lambda content: b"", "holds 0 bytes"),
    (html, "is a web page, not the file"),
    (truncated, "ended after|IncompleteRead"),
    (lambda content: hang_up, "closed|reset|Remote end"),
    (lambda content: None, "Not Found"),
])
def test_a_bad_mirror_is_left_for_the_second(small, server, tmp_path, name, damage, message):
    wanted = files_of(small, name)
    server.answers |= {f"/bad/{file}": damage(content) for file, content in wanted.items()}
    server.answers |= {f"/good/{file}": content for file, content in wanted.items()}
    with pytest.raises(ConnectionError, match=message) as error:
        list(fetch(name, tmp_path, [url(server, "bad")], timeout=5))
    assert url(server, "bad") in str(error.value) and "put the files of refvi/data/sums.txt" in str(error.value)
    assert not any(file in wanted for file in found(tmp_path))
    assert len(list(fetch(name, tmp_path, [url(server, "bad"), url(server, "good")], timeout=5))) == len(wanted)
    assert {file: content for file, content in found(tmp_path).items() if not file.endswith(".bad")} == wanted
    server.asked.clear()
    assert all("is there" in line for line in fetch(name, tmp_path, [url(server, "good")])) and not server.asked


def archive(name):
    """Cornell's: compressed, in the encoding of Windows."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as opened:
        for path, content in REVIEWS.items():
            content = content.decode().encode("cp1252")
            member = tarfile.TarInfo("rt-polaritydata/" + path.split("/")[1])
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return file.getvalue()


def plain(name):
    return REVIEWS["polarity/" + name]


def more_than_500_pairs(name):
    return gzip.compress(PAIRS["hansards/" + name] + b"ONE MORE .\n")


@pytest.mark.parametrize("name, number, answer", [
    ("polarity", 0, archive), ("polarity", 1, plain), ("hansards", 0, more_than_500_pairs),
    ("hansards", 1, more_than_500_pairs), ("yacht", 0, None), ("yacht", 1, None),
])
@pytest.mark.parametrize("first_is_down", [False, True])
def test_each_source_gives_the_files(small, server, tmp_path, monkeypatch, name, number, answer, first_is_down):
    """The real addresses with their host exchanged for loopback, alone and where a mirror before them is down."""
    wanted, here = files_of(small, name), f"http://127.0.0.1:{server.server_port}/"
    mirror = sources.SOURCES[name].mirrors[number]
    mirror = mirror._replace(address=here + mirror.address.split("/", 3)[3])
    before = (sources.Mirror("http://127.0.0.1:9/{name}"),) if first_is_down else ()
    monkeypatch.setitem(sources.SOURCES, name, sources.SOURCES[name]._replace(mirrors=(*before, mirror)))
    for file, content in wanted.items():
        path = "/" + mirror.address.format(name=file).removeprefix(here)
        server.answers[path] = answer(file) if answer else content
    assert all("fetched and checked" in line for line in fetch(name, tmp_path, timeout=5))
    assert found(tmp_path) == wanted


def test_an_archive_that_is_none_is_named_and_kept(small, server, tmp_path, monkeypatch):
    mirror = sources.SOURCES["polarity"].mirrors[0]._replace(address=url(server, "here") + "archive")
    monkeypatch.setitem(sources.SOURCES, "polarity", sources.SOURCES["polarity"]._replace(mirrors=(mirror,)))
    for answer, message in ((b"no archive", "file could not be opened"), (html(b""), "is a web page")):
        server.answers["/here/archive"] = answer
        with pytest.raises(ConnectionError, match=message):
            list(fetch("polarity", tmp_path, timeout=5))
        assert found(tmp_path) == {"rt-polarity.pos.bad": answer}


def test_the_command_fetches_and_tells_origin_and_terms(small, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("REFVI_DATA", raising=False)
    for name in NAMES:
        server.answers |= {f"/all/{name}/{file}": content for file, content in files_of(small, name).items()}
    assert main(["data"]) == 0
    told = capsys.readouterr().out
    for name, source in sources.SOURCES.items():
        assert f"{name:<15}not at hand: refvi data fetch {name}, or put it in" in told
        assert source.origin in told and source.terms in told and len(source.mirrors) >= 2
    assert main(["data", "fetch", "uci", "--mirror", url(server, "all")]) == 0
    for name in ("hansards", "polarity"):
        assert main(["data", "fetch", name, "--mirror", url(server, f"all/{name}")]) == 0
    capsys.readouterr()
    assert main(["data"]) == 0
    told = capsys.readouterr().out
    assert all(f"{name:<15}at hand" in told for name in NAMES)
    assert uci.load("yacht").target.tolist() == [3.]
    assert polarity.load().words[0] == ["bad", "—", "café"]
