"""What files tell, also where it is compressed: in Word documents, workbooks and pictures."""

import io
import re
import zipfile
from collections.abc import Iterator

from PIL import Image


def insides(content: bytes) -> Iterator[bytes]:
    """Yield the bytes of a file, of an archive those of its parts, of a PNG what is said in it.

    Of XML and HTML also without tags, since a word may be parted by them.
    """
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive.comment
            for part in archive.infolist():
                yield part.filename.encode() + b" " + part.comment
                yield from insides(archive.read(part))
    elif content.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(content)) as image:
            image.load()  # texts may stand after the pixels
            yield from (f"{key} {value}".encode() for key, value in image.info.items())
    else:
        yield content
        if content.lstrip().startswith(b"<"):
            yield re.sub(rb"<[^>]*>", b"", content)
