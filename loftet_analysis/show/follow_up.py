"""The coordinator's list: every school's response in exact numbers, without any person."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths, schema
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError
from loftet_analysis.show.languages import label, named, reader
from loftet_analysis.show.workbook import workbook
from loftet_analysis.study import Study

#: Schools where fewer of the invited have answered are to be reminded.
REMIND_BELOW = 0.60
FOLLOW_UP = "follow_up.xlsx"
_PLACE = (names.POPULATION, names.WAVE, names.SCHOOL)


def follow_up(study: Study) -> pd.DataFrame:
    """Return every school's response, those with the lowest first within a region.

    Parameters
    ----------
    study : Study
        Its clean data must be there.

    Returns
    -------
    DataFrame
        ``schema.RESPONSE`` of everybody, with `share` (answered of the invited, 0 to 1 or more;
        missing where the register does not say) and `remind` (bool: below ``REMIND_BELOW``).

    Raises
    ------
    InputError
        Where there are no clean data.
    """
    table = store.read_table(study.name, "response")
    table = table[table[names.SUBGROUP] == names.ALL].reset_index(drop=True)
    invited = table["n_invited"].astype("Float64")
    share = (table["n_answered"].astype("Float64") / invited).where(invited > 0)
    table = table.assign(share=share, remind=share.lt(REMIND_BELOW).fillna(False).astype(bool))
    place = table[names.REGION].map([*study.regions[names.REGION]].index)
    kind = table[names.POPULATION].map([*study.populations].index)
    wave = table[names.WAVE].map(names.WAVES.index)
    order = pd.DataFrame({"place": place, "kind": kind, "wave": wave, "share": table["share"]})
    return table.loc[order.sort_values([*order], kind="stable").index].reset_index(drop=True)


def answered_so_far(study: Study) -> pd.DataFrame | None:
    """Return how many had answered at each school, as the clean data have it; None without any.

    Returns
    -------
    DataFrame or None
        ``population, wave, school_id, n_answered``; ``attrs["newest"]`` is the newest day (text).
    """
    try:
        rows = store.read_table(study.name, "response", subgroup=[names.ALL])
        newest = store.read_table(study.name, "days")["day"].max()
    except InputError:
        return None
    found = rows[[*_PLACE, "n_answered"]]
    found.attrs["newest"] = newest if isinstance(newest, str) else ""
    return found


def write_follow_up(study: Study, last: pd.DataFrame | None = None) -> Path:
    """Write the list as ``data_clean/<study>/follow_up.xlsx``, in the study's first language.

    It is internal: its numbers are exact, also where they are small. The list of before is then
    ``follow_up_last.xlsx``, and the new one says how many have answered since; where nobody has,
    both stay.

    Parameters
    ----------
    study : Study
    last : DataFrame, optional
        From :func:`answered_so_far`, before the clean data were replaced; without it the list is
        written anew, whatever is there.

    Returns
    -------
    Path
    """
    words = reader(study, study.languages[0])
    _ = words.text
    target = paths.clean(study.name) / FOLLOW_UP
    table, since = follow_up(study), []
    if last is not None and target.exists():
        before = last.rename(columns={"n_answered": "n_before"})
        table = table.merge(before, on=list(_PLACE), how="left")
        table["new"] = table["n_answered"] - table["n_before"].fillna(0)
        if table["new"].eq(0).all():
            return target
        newest = last.attrs["newest"]
        day = words.date(date.fromisoformat(newest)) if newest else "–"
        since = [_("New since {date}", date=day)]
        target.replace(target.with_name("follow_up_last.xlsx"))
    keys = (names.REGION, names.SCHOOL, names.POPULATION, names.WAVE)
    headings = [
        _("Region"), _("School"), _("School number"), _("Who"), _("When"),
        *(label("step", step, words) for step in schema.STEPS), *since, _("Share answered"),
        _("Remind"),
    ]  # fmt: skip
    counts = [*schema.STEPS, *(["new"] if since else [])]
    with workbook(target) as book:
        sheet = book.add_worksheet(_("Schools"))
        bold, percent = book.add_format({"bold": True}), book.add_format({"num_format": "0 %"})
        late = book.add_format({"bg_color": "#fbe3d6"})
        sheet.write_row(0, 0, headings, bold)
        for line, row in enumerate(table.to_dict("records"), start=1):
            region, school, who, when = (named(row, key, words) for key in keys)
            texts = [region, school, row[names.SCHOOL], who, when]
            numbers = [None if pd.isna(row[each]) else int(row[each]) for each in counts]
            sheet.write_row(line, 0, [*texts, *numbers])
            if not pd.isna(row["share"]):
                sheet.write_number(line, len(headings) - 2, float(row["share"]), percent)
            if row["remind"]:
                sheet.write_string(line, len(headings) - 1, _("yes"))
                sheet.set_row(line, None, late)
        sheet.autofilter(0, 0, len(table), len(headings) - 1)
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, 1, 30)
        sheet.set_column(2, len(headings) - 1, 14)
    return target
