"""Files that are whole or not there: written beside their place, then renamed into it."""
import codecs
import os
import tempfile
from pathlib import Path

from refvi import CHAPTERS


def write(path, content):
    """Write text or bytes to path in one step; a reader, or a crash, never sees half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def require_folder(path, purpose):
    """path as a folder that can be written to, tried now rather than after a long run; else an OSError that says what
    to do.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OSError(f"cannot write {purpose} to {path}: {error.strerror}; choose another folder") from None
    return path


def checkout():
    """The folder that holds derivations/ and figures/: the one refvi is installed from, else the current one."""
    for folder in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (folder / "derivations").is_dir() and (folder / "figures").is_dir():
            return folder
    raise FileNotFoundError("the chapters (derivations/, figures/) are not part of the installed package: "
                            "clone the repository and run refvi inside it, or name a page: refvi verify PATH.md")


def page(chapter):
    """The path of a chapter's page, derivations/<part>/<chapter>.md; its companion lies beside it."""
    return checkout() / "derivations" / CHAPTERS[chapter] / f"{chapter}.md"


def text_of(path):
    """The text of a file in UTF-8, without its byte-order mark; UnicodeError, a ValueError, for another encoding."""
    content = Path(path).read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:1000]:
        raise UnicodeError(f"{path} is not UTF-8 text (it looks like UTF-16): save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnicodeError(
            f"{path}:{line}: byte {content[error.start]:#04x} is not UTF-8: save the file as UTF-8"
        ) from None
