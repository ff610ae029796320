"""Notebooks in the reader's language: markdown is translated paragraph by paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loftet_analysis.show.languages import Words

# a heading, an item of a list or a quotation begins a message of its own
_LEAD = re.compile(r"\s*(?:#{1,6} |[-*] |\d+\. |> )")


def translated(markdown: str, language: str) -> str:
    r"""Return markdown in another language.

    Parameters
    ----------
    markdown : str
        English.
    language : str
        ``nb``, ``nn`` or ``en``, or a pseudo-locale.

    Returns
    -------
    str
        Headings, paragraphs and items of lists are looked up in the catalogue one by one; what
        it does not hold stays English.

    Examples
    --------
    >>> translated("# Persistence\n\nSaid nowhere else.", "nn")
    '# Uthald\n\nSaid nowhere else.'
    """
    words = Words(language)
    return "\n\n".join(
        "\n".join(lead + words.text(message) for lead, message in block)
        for block in _blocks(markdown)
    )


def messages(markdown: str) -> list[str]:
    r"""Return the message ids of a markdown text.

    Examples
    --------
    >>> messages("# Pupils\n\nFirst line\nand second.\n\n- one\n- two")
    ['Pupils', 'First line and second.', 'one', 'two']
    """
    return [message for block in _blocks(markdown) for _, message in block]


def _blocks(markdown: str) -> Iterator[list[tuple[str, str]]]:
    for block in re.split(r"\n\s*\n", markdown.strip()):
        parts: list[tuple[str, str]] = []
        for line in block.splitlines():
            found = _LEAD.match(line)
            lead = found.group() if found else ""
            text = " ".join(line[len(lead) :].split())
            if lead or not parts:
                parts.append((lead, text))
            else:
                parts[-1] = (parts[-1][0], f"{parts[-1][1]} {text}")
        yield parts
