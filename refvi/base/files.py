"""Files that are whole or not there: written beside their place, then renamed into it."""
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
