"""What may happen to a file, and a disk that loses at a power cut what nobody waited for."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


#: What may happen to a file.
DAMAGE: dict[str, Callable[[Path], None]] = {
    "deleted": lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "one bit flipped": _flipped,
}


class PowerCut(BaseException):
    """The machine is off."""


class Disk:
    """A folder of which, when the power is cut, only that is left which was waited for.

    Names change in the order in which they were changed, as journals of file systems have it; a
    content that nobody waited for is lost when the power is cut, also where its name is there.

    Parameters
    ----------
    folder : Path
        What happens elsewhere is not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moments = 0
        self._cut_at = -1
        self._contents: dict[int, bytes] = {}
        self._trees: list[dict[str, int | None]] = [self._tree()]
        self._waited_for = 0
        for path in folder.rglob("*"):
            if path.is_file():
                self._contents[path.stat().st_ino] = path.read_bytes()

    @contextmanager
    def watched(self, cut_at: int = -1) -> Iterator[None]:
        """Watch what this process does; let the power go before its nth step."""
        self._cut_at = cut_at
        with pytest.MonkeyPatch.context() as patch:
            for name in ("rename", "replace", "unlink", "rmdir", "mkdir", "link"):
                patch.setattr(os, name, self._changing(getattr(os, name)))
            patch.setattr(os, "fsync", self._waiting(os.fsync))
            yield

    def left(self, rng: np.random.Generator, folder: Path) -> None:
        """Write what is left of it: names up to some moment after the last that was waited for."""
        names = self._trees[rng.integers(self._waited_for, len(self._trees))]
        for name, inode in names.items():
            path = folder / name
            if inode is None:
                path.mkdir(parents=True)
            else:
                path.write_bytes(self._contents.get(inode, b""))

    def _tree(self) -> dict[str, int | None]:
        return {
            str(path.relative_to(self.folder)): path.stat().st_ino if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }

    def _step(self) -> None:
        self.moments += 1
        if 0 <= self._cut_at < self.moments:
            raise PowerCut

    def _changing(self, do: Callable) -> Callable:
        def done(path, *more, **options):
            if "dir_fd" not in options and not Path(path).is_relative_to(self.folder):
                return do(path, *more, **options)
            self._step()
            result = do(path, *more, **options)
            self._trees.append(self._tree())
            return result

        return done

    def _waiting(self, do: Callable) -> Callable:
        def done(handle):
            place = Path(f"/proc/self/fd/{handle}").readlink()
            if place.is_relative_to(self.folder):
                self._step()
                do(handle)
                if place.is_dir():
                    self._waited_for = len(self._trees) - 1
                else:
                    self._contents[place.stat().st_ino] = place.read_bytes()

        return done
