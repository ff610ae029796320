"""Forms that lead to other forms: the rows of one person in one row."""

from __future__ import annotations

import pandas as pd

from loftet_analysis.errors import InputError, Problem, at_rows, refuse_any
from loftet_analysis.study.study import Continuation
from loftet_analysis.tabular.export import Export, named_apart


def chained(first: Export, second: Export, then: Continuation) -> Export:
    """Join the form in which people went on to the one in which they began.

    Rows of the second form that belong to none of the first stay, with the first form's columns
    blank; whether they can be used is judged later like anything else.

    Parameters
    ----------
    first, second : Export
        The two forms as read.
    then : Continuation
        The column of the second with the number of the first form's submission.

    Returns
    -------
    Export
        The first form's columns, then the second's; headings that both have are told apart. Rows
        are numbered as in the first form; those of the second alone have the number 0.

    Raises
    ------
    InputError
        Where one of the two columns is not there, or a submission was continued twice.
    """
    todo = "correct `then` in study.yml"
    problems = [
        Problem("column not found", ", ".join([*export.frame][:20]), column, export.name, todo)
        for export, column in ((first, then.serial), (second, then.reference))
        if column not in export.frame
    ]
    refuse_any(problems)
    names = named_apart([*first.frame, *second.frame])[len(first.frame.columns) :]
    renamed = dict(zip(second.frame, names, strict=True))
    right = second.frame.rename(columns=renamed)
    reference = renamed[then.reference]
    keys = right[reference].str.strip()
    twice = keys.ne("") & keys.duplicated(keep=False)
    if twice.any():
        what, found = "a submission that goes on twice", at_rows(second.rows[twice])
        allowed = "each submission of the first form once"
        todo = "take out the row that does not count"
        raise InputError(what, found, allowed, second.name, todo)
    left = first.frame.assign(**{"<key>": first.frame[then.serial].str.strip()})
    left["<row>"] = first.rows
    right = right.assign(**{"<key>": keys.where(keys.ne(""), "<none>")})
    others = right[~right["<key>"].isin(left["<key>"])].assign(**{"<row>": 0})
    whole = pd.concat([left.merge(right, on="<key>", how="left"), others])
    rows = whole["<row>"].to_numpy()
    frame = whole.drop(columns=["<key>", "<row>"]).fillna("").reset_index(drop=True)
    return Export(
        pd.DataFrame(frame, dtype="str"),
        f"{first.name} and {second.name}",
        {**first.questions, **{renamed[c]: q for c, q in second.questions.items()}},
        {**first.labels, **{renamed[c]: x for c, x in second.labels.items()}},
        {**{renamed[c]: role for c, role in second.roles.items()}, **first.roles},
        first.tool,
        first.recognised,
        (*first.remarks, *second.remarks),
        rows,
        headings={
            **{renamed[c]: second.headings.get(c, c) for c in second.frame},
            **first.headings,
        },
        zones={**{renamed[c]: zone for c, zone in second.zones.items()}, **first.zones},
    )
