"""Figures as SVG without what matplotlib writes and nobody needs: half as large, drawn alike."""

from __future__ import annotations

import re

_UNSEEN = re.compile(r"<!--.*?-->|<!DOCTYPE.*?>|<metadata>.*?</metadata>", flags=re.DOTALL)
_USED = re.compile(r'(?:url\(|href=")#([\w-]+)')
_GROUP = re.compile(r"<g\b([^>]*?)(/?)>|</g>")
_ID = re.compile(r' id="([^"]*)"')
_UNTURNED = re.compile(r" transform=\"rotate\(-?0 [^)]*\)\"")
_LOOK = re.compile(r'(?:clip-path="([^"]*)" )?style="([^"]*)"')
_FAMILY = re.compile(r"font-family: [^;]*")
_STEP = re.compile(r"([A-Za-z])([^A-Za-z]*)")


def lightened(svg: str) -> str:
    r"""Return a figure with each look once, and without idle ids, groups and digits.

    Parameters
    ----------
    svg : str
        From matplotlib.

    Returns
    -------
    str
        Looks are classes, with what clips them; places have a hundredth of a point. Comments,
        metadata (the title stays), ids that nothing leads to, and groups that do nothing to what is
        in them are gone.

    Examples
    --------
    >>> path = '<path d="M 1.004 2 \nL 3 2 \nL 3 4.5 \nz\n" style="fill: #ffffff"/>'
    >>> drawn = f'<svg width="1"><defs/>\n <g id="patch_1">\n  {path}\n </g>\n</svg>\n'
    >>> print(lightened(drawn))
    <svg width="1"><style>.l0{fill:#ffffff}</style><defs/>
    <path d="M1 2H3V4.5z" class="l0"/>
    </svg>
    """
    text = _UNTURNED.sub("", _UNSEEN.sub("", svg))
    used = {*_USED.findall(text)}
    looks: dict[str, str] = {}

    def named(found: re.Match) -> str:
        look = f"{found[2]}; clip-path: {found[1]}" if found[1] else found[2]
        return f'class="{looks.setdefault(look, f"l{len(looks)}")}"'

    def light(found: re.Match) -> str:
        tag = _ID.sub(lambda one: one[0] if one[1] in used else "", found[0])
        return _placed(_LOOK.sub(named, tag))

    # what stands between tags is read
    text = _without_idle_groups(re.sub(r"<[^?>][^>]*>", light, text))
    rules = [f".{name}{{{look}}}" for look, name in looks.items()]
    if family := next(filter(None, map(_FAMILY.search, looks)), None):
        rules = [f"text,tspan{{{family[0]}}}", *(r.replace(f"{family[0]}; ", "") for r in rules)]
    style = re.sub(r"(?<=[:;]) ", "", "".join(rules))
    text = re.sub(r"\n\s+", "\n", text)
    return text.replace("<defs", f"<style>{style}</style><defs", 1)


def _without_idle_groups(text: str) -> str:
    """Return an SVG without the groups that have no attribute."""
    idle: list[bool] = []

    def kept(found: re.Match) -> str:
        if found[0] == "</g>":
            return "" if idle.pop() else found[0]
        if not found[2]:
            idle.append(not found[1])
        return found[0] if found[1] else ""

    return _GROUP.sub(kept, text)


def _placed(tag: str) -> str:
    """Return a tag with its places to a hundredth of a point, and its path in short."""
    if "scale(" not in tag and "matrix(" not in tag:
        tag = re.sub(r"\d+\.\d+", lambda n: f"{float(n[0]):.2f}".rstrip("0").rstrip("."), tag)
    return re.sub(r'(?<= d=")[^"]*', lambda path: _path(path[0]), tag)


def _path(steps: str) -> str:
    """Return a path without idle spaces, its level and upright lines by one number."""
    short, at = [], ["", ""]
    for step, places in _STEP.findall(steps):
        to = places.split()
        if step == "L" and to[1] == at[1]:
            short.append(f"H{to[0]}")
        elif step == "L" and to[0] == at[0]:
            short.append(f"V{to[1]}")
        else:
            short.append(f"{step}{' '.join(to)}")
        at = to[-2:] or ["", ""]
    return "".join(short)
