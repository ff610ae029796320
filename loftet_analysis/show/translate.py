"""Notebooks in the reader's language: markdown is translated paragraph by paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode

from loftet_analysis.show.languages import Words

# a heading, an item of a list or a quotation begins a message of its own
_LEAD = re.compile(r"\s*(?:#{1,6} |[-*] |\d+\. |> )")


def translated(notebook: NotebookNode, language: str) -> NotebookNode:
    """Return a copy of a notebook whose markdown stands in another language.

    Parameters
    ----------
    notebook : NotebookNode
        Its markdown is English; nothing else is touched.
    language : str
        ``nb``, ``nn`` or ``en``, or a pseudo-locale.

    Returns
    -------
    NotebookNode
        Headings, paragraphs and items of lists are looked up in the catalogue one by one; what
        it does not hold stays English.
    """
    words = Words(language)
    copy = deepcopy(notebook)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = "\n\n".join(
                "\n".join(lead + words.text(message) for lead, message in block)
                for block in _blocks(cell.source)
            )
    return copy


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
