"""Figures as SVG without what matplotlib writes again and again: half as large, and drawn alike."""

from __future__ import annotations

import re
from collections import Counter

_COMMENT = re.compile(r"<!--.*?-->", flags=re.DOTALL)
_USED = re.compile(r'(?:url\(|href=")#([\w-]+)')
_GROUP = re.compile(r'<g id="([^"]*)">')
_FAMILY = re.compile(r" font-family: ([^;\"]+);")
# those below one are scales and opacities, too
_NUMBER = re.compile(r"(?<=[\s\",(-])[1-9]\d*\.\d{3,}(?=[\s\",)])")
#: What a shape is without it, too.
_DEFAULTS = re.compile(r"; stroke-linejoin: miter(?=\")| transform=\"rotate\(-?0 [^)]*\)\"")
_EMPTY = re.compile(r"<g>\s*</g>\n")
_ALONE = re.compile(r"<g>\n(<(?:text|path|use)[^<]*(?:</text>|/>))\n</g>\n")


def lightened(svg: bytes) -> bytes:
    r"""Return a figure with fewer bytes: ids that nothing leads to, groups of one and the like go.

    Places are rounded to hundredths of a point, and the commonest font is named once.

    Parameters
    ----------
    svg : bytes
        As matplotlib writes it.

    Examples
    --------
    >>> drawn = b'<svg width="1">\n <g id="patch_1">\n  <path d="M 1.23456 -2.5"/>\n </g>\n</svg>\n'
    >>> print(lightened(drawn).decode())
    <svg width="1">
    <path d="M 1.23 -2.5"/>
    </svg>
    """
    text = _COMMENT.sub("", svg.decode("utf-8"))
    used = {*_USED.findall(text)}
    text = _GROUP.sub(lambda found: found[0] if found[1] in used else "<g>", text)
    text = _DEFAULTS.sub("", text)
    families = Counter(_FAMILY.findall(text)).most_common(1)
    for family, _ in families:
        text = text.replace(f" font-family: {family};", "")
        text = text.replace("<svg ", f'<svg font-family="{family}" ', 1)
    text = _NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)
    text = re.sub(r"\n\s+", "\n", text)
    while (shorter := _ALONE.sub(r"\1\n", _EMPTY.sub("", text))) != text:
        text = shorter
    return text.encode("utf-8")
