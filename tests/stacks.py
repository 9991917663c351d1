"""Every chapter and every figure on other versions: `python -m tests.stacks [PYTHON ...]`, not part of the tests.

Each interpreter (default: this one) gets two fresh virtual environments: one with the lowest versions that setup.cfg
admits, where it can have them, and one with the newest. In each, the chapters are verified, the figures drawn and the
two fits that need no data run. Prints one line a stack; the exit status is 1 if one failed.
"""
import configparser
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
COMMANDS = (["verify", "--settings", "0", "--failures"], ["figures"], ["fit", "automatic", "gaussian"])


def requirements():
    """The lines of install_requires in setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(HOME / "setup.cfg")
    return setup["options"]["install_requires"].split("\n")[1:]


def lowest(line):
    """numpy >= 1.24 as numpy == 1.24.*"""
    return line.replace(">=", "==").replace(" ", "") + ".*"


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()


def tried(python, name, wanted):
    """What one stack came to, in one line, and whether all went well."""
    with tempfile.TemporaryDirectory() as room:
        inside = Path(room) / "bin" / "python"
        pip = [inside, "-m", "pip", "install", "-q", "--prefer-binary", *wanted]
        for command in ([python, "-m", "venv", room], pip):
            status, told = run(*command)
            if status:
                return f"{python} {name}: cannot be had ({told[-1] if told else status})", True
        _, versions = run(inside, "-c", "import sys, numpy, scipy, matplotlib, importlib.metadata as m; "
                          "print(sys.version.split()[0], numpy.__version__, scipy.__version__, "
                          "m.version('autograd'), matplotlib.__version__)")
        failed = []
        for words in COMMANDS:
            status, told = run(inside, "-m", "refvi", *words, cwd=HOME)
            failed += [f"refvi {' '.join(words)} failed", *told[-40:]] if status else []
    told = "\n".join(failed) or "all well"
    return f"{python} {name} ({versions[-1]}): {told}", not failed


if __name__ == "__main__":
    well = True
    for python in sys.argv[1:] or [sys.executable]:
        for name, wanted in (("lowest", [lowest(line) for line in requirements()]), ("newest", requirements())):
            told, good = tried(python, name, wanted)
            well = well and good
            print(told, flush=True)
    sys.exit(not well)
