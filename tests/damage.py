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

    Waiting for a folder keeps its own names. Other changes of names are kept up to some moment, in
    the order in which they were made; a move between two folders happens in both or in neither.
    Contents that nobody waited for are lost, kept by half or kept. Nothing else of a file system
    is taken for granted, and what happens outside the folder is not looked at.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.steps = folder, 0
        self._last = -1  # the step before which the power goes
        self._held: dict[int, int] = {}  # open files, so that no inode is used again
        self._contents: dict[int, bytes] = {}
        self._names: list[dict[int, dict[str, int]]] = []  # by moment and folder
        self._moves: list[tuple[int, int, int]] = []  # moment, from folder, to folder
        self._waited: dict[int, int] = {}
        self._look()
        for inode, handle in self._held.items():
            self._waited[inode] = 0
            if inode not in self._names[0]:
                self._contents[inode] = os.pread(handle, 1 << 30, 0)

    @contextmanager
    def watched(self, last: int = -1) -> Iterator[None]:
        """Watch what this process does, and let the power go before a step."""
        self._last = last
        with pytest.MonkeyPatch.context() as patch:
            for name in ("rename", "replace", "link", "unlink", "rmdir", "mkdir"):
                patch.setattr(os, name, self._naming(getattr(os, name)))
            patch.setattr(os, "fsync", self._waiting(os.fsync))
            yield

    def left(self, rng: np.random.Generator, folder: Path) -> None:
        """Write what is left after the power was cut to another folder."""
        moment = int(rng.integers(len(self._names)))

        def write(inode: int, path: Path) -> None:
            here = max(moment, self._waited.get(inode, 0))
            names = next((n[inode] for n in self._names[here:] if inode in n), None)
            if names is None:
                content = self._contents.get(inode)
                if content is None:
                    content = os.pread(self._held[inode], 1 << 30, 0)
                    content = content[: int(len(content) * rng.choice([0, 0.5, 1]))]
                path.write_bytes(content)
                return
            path.mkdir()
            for name, inner in names.items():
                write(inner, path / name)

        write(self.folder.stat().st_ino, folder)
        for handle in self._held.values():
            os.close(handle)

    def _look(self) -> None:
        names: dict[int, dict[str, int]] = {}
        folders = [self.folder]
        for folder in folders:
            with os.scandir(folder) as entries:
                found = list(entries)
            names[folder.stat().st_ino] = {entry.name: entry.inode() for entry in found}
            folders += [Path(entry.path) for entry in found if entry.is_dir()]
            for path in (folder, *(Path(entry.path) for entry in found)):
                inode = path.stat().st_ino
                if inode not in self._held:
                    self._held[inode] = os.open(path, os.O_RDONLY)
        self._names.append(names)

    def _step(self) -> None:
        self.steps += 1
        if 0 <= self._last < self.steps:
            raise PowerCut

    def _naming(self, do: Callable) -> Callable:
        def done(path, *more, **options):
            if "dir_fd" not in options and not Path(path).is_relative_to(self.folder):
                return do(path, *more, **options)
            self._step()
            places = [Path(each).parent for each in (path, *more) if isinstance(each, str | Path)]
            if len(places) == 2:
                self._moves.append((len(self._names), *(p.stat().st_ino for p in places)))
            result = do(path, *more, **options)
            self._look()
            return result

        return done

    def _waiting(self, do: Callable) -> Callable:
        def done(handle):
            place = Path(f"/proc/self/fd/{handle}").readlink()
            if not place.is_relative_to(self.folder):
                return
            self._step()
            inode = os.fstat(handle).st_ino
            if place.is_dir():
                self._look()
                self._waited[inode] = len(self._names) - 1
                for moment, *folders in self._moves:
                    if inode in folders:
                        for each in folders:
                            self._waited[each] = max(self._waited.get(each, 0), moment)
            else:
                self._contents[inode] = os.pread(handle, 1 << 30, 0)

        return done
