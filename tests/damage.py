"""What may happen to a file, and a disk that loses at a power cut what nobody waited for."""

import shutil
from collections.abc import Callable
from pathlib import Path


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
