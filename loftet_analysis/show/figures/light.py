"""Figures as SVG without what matplotlib writes and nobody needs: a third smaller, drawn alike."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"<!--.*?-->", flags=re.DOTALL)
_USED = re.compile(r'(?:url\(|href=")#([\w-]+)')
_GROUP = re.compile(r'<g id="([^"]*)">')
_UNTURNED = re.compile(r" transform=\"rotate\(-?0 [^)]*\)\"")
_EMPTY = re.compile(r"<g>\s*</g>\n")
_ALONE = re.compile(r"<g>\n(<(?:text|path|use)[^<]*(?:</text>|/>))\n</g>\n")


def lightened(svg: bytes) -> bytes:
    r"""Return a figure without comments, ids that nothing leads to, and groups of one.

    Parameters
    ----------
    svg : bytes
        From :func:`~loftet_analysis.show.figures.saved`.

    Examples
    --------
    >>> drawn = b'<svg width="1">\n <g id="patch_1">\n  <path d="M 1 -2"/>\n </g>\n</svg>\n'
    >>> print(lightened(drawn).decode())
    <svg width="1">
    <path d="M 1 -2"/>
    </svg>
    """
    text = _COMMENT.sub("", svg.decode("utf-8"))
    used = {*_USED.findall(text)}
    text = _GROUP.sub(lambda found: found[0] if found[1] in used else "<g>", text)
    text = re.sub(r"\n\s+", "\n", _UNTURNED.sub("", text))
    while (shorter := _ALONE.sub(r"\1\n", _EMPTY.sub("", text))) != text:
        text = shorter
    return text.encode("utf-8")
