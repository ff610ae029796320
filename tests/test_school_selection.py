"""Schools for interviews: reproducible, as varied as can be, and steady when consent changes."""

import nbformat
import numpy as np
import pandas as pd
import pytest
from docx import Document

from loftet_analysis import paths
from loftet_analysis.analysis.school_selection import select_schools, without_criteria
from loftet_analysis.batch.cli import main
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError
from loftet_analysis.names import STRATEGIES
from loftet_analysis.show.school_selection import joint_display, selection
from loftet_analysis.show.session import open_study
from loftet_analysis.study import load_study
from loftet_analysis.study.schools import read_schools
from tests.long import long_but
from tests.small_demo import HERE

KINDS = ("primary", "combined", "lower_secondary")
PLACES = {"maximum_variation": 10, "typical": 5, "extreme": 5, "paired": 6}


def made_up(n: int = 90, *, seed: int = 4, willing: float = 0.6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    practice = rng.normal(size=n)
    return pd.DataFrame(
        {
            "school_id": [f"{i:04}" for i in rng.permutation(n)],
            "region": rng.choice(list("abcdefgh"), n),
            "school_type": rng.choice(KINDS, n, p=[0.6, 0.3, 0.1]),
            "practice": practice.round(1),
            "support": (0.4 * practice + rng.normal(size=n)).round(1),
            "contact": rng.choice(["yes", "no", ""], n, p=[willing, *[(1 - willing) / 2] * 2]),
        }
    )  # fmt: skip


def chosen(found: pd.DataFrame) -> dict[str, set[str]]:
    rows = found[found["state"] == "chosen"]
    return {name: set(rows.loc[rows["strategy"] == name, "school_id"]) for name in STRATEGIES}


def test_two_runs_with_one_seed_are_equal_whatever_the_order_of_the_register():
    schools = made_up()
    found = select_schools(schools, PLACES, seed=7)
    pd.testing.assert_frame_equal(found, select_schools(schools, PLACES, seed=7))
    turned = schools.sample(frac=1, random_state=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, select_schools(turned, PLACES, seed=7))
    other = chosen(select_schools(schools, PLACES, seed=8))
    assert other["maximum_variation"] != chosen(found)["maximum_variation"]


def test_only_schools_that_agreed_are_chosen_and_every_place_is_accounted_for():
    schools = made_up()
    found = select_schools(schools, PLACES, seed=7)
    says = schools.set_index("school_id")["contact"]
    named = found[found["school_id"] != ""]
    visited = named["state"].isin(["chosen", "substitute"])
    assert (named.loc[visited, "school_id"].map(says) == "yes").all()
    passed = named[named["state"] == "passed_over"]
    told = (
        passed["school_id"]
        .map(says)
        .map({"yes": "partner", "no": "contact_no", "": "contact_unknown"})
    )
    assert (passed["reason"] == told).all() and len(passed)  # noqa: PT018
    places = found[found["place"] > 0].groupby("strategy")["place"].agg(list)
    assert {name: sorted(each) for name, each in places.items()} == {
        name: list(range(1, n + 1)) for name, n in PLACES.items()
    }
    assert not found.duplicated(["strategy", "part", "school_id"]).any()


@pytest.mark.parametrize("willing", long_but([0.3], [0.9, 0.3]))
def test_a_consent_that_changes_moves_at_most_one_place_of_each_strategy(willing):
    schools = made_up(willing=willing)
    before = select_schools(schools, PLACES, seed=3)
    kept = before[before["state"].isin(["chosen", "empty"])]
    for row, school in enumerate(schools["school_id"]):
        asked = schools.copy()
        asked.loc[row, "contact"] = "no" if schools.loc[row, "contact"] == "yes" else "yes"
        after = select_schools(asked, PLACES, seed=3)
        for name in STRATEGIES:
            old, new = chosen(before)[name], chosen(after)[name]
            moved = 2 if name == "paired" else 1
            assert len(old - new) <= moved and len(new - old) <= moved  # noqa: PT018
            gone = old ^ new
            assert not gone or school in gone
            # other lists than the school's own are what they were
            touched = {part for frame in (before, after) for part in frame.loc[
                (frame["strategy"] == name) & frame["school_id"].isin(gone), "part"]}  # fmt: skip
            if name in ("maximum_variation", "typical", "extreme"):
                of = [f[(f["strategy"] == name) & ~f["part"].isin(touched)] for f in
                      (kept, after[after["state"].isin(["chosen", "empty"])])]  # fmt: skip
                assert [*of[0]["school_id"]] == [*of[1]["school_id"]]
            if not gone:
                assert [*kept.loc[kept["strategy"] == name, "school_id"]] == [
                    *after.loc[(after["strategy"] == name) & (after["place"] > 0), "school_id"]
                ]


def test_the_next_of_the_list_takes_the_place_of_a_school_that_withdraws():
    schools = made_up(willing=0.95)
    found = select_schools(schools, {"extreme": 4}, seed=3)
    high = found[found["part"] == "high"]
    first, substitute = (
        high.loc[high["state"] == s, "school_id"].iloc[0] for s in ("chosen", "substitute")
    )
    asked = schools.assign(contact=schools["contact"].mask(schools["school_id"] == first, "no"))
    after = select_schools(asked, {"extreme": 4}, seed=3)
    rows = after[after["part"] == "high"].set_index("school_id")
    assert rows.loc[first, ["state", "reason"]].tolist() == ["passed_over", "contact_no"]
    assert rows.loc[substitute, ["state", "reason"]].tolist() == ["chosen", "next"]


def apart(schools: pd.DataFrame) -> np.ndarray:
    """Gower's distances over ranks, written out anew."""
    parts = [
        np.not_equal.outer(schools[c].to_numpy(), schools[c].to_numpy())
        for c in ("region", "school_type")
    ]
    for column in ("practice", "support"):
        rank = (schools[column].rank().to_numpy() - 1) / (len(schools) - 1)
        parts.append(np.abs(np.subtract.outer(rank, rank)))
    return np.mean(parts, axis=0)


def test_maximum_variation_is_more_varied_than_any_of_a_thousand_random_selections():
    schools = made_up(willing=1.0)
    distance, place = apart(schools), {s: i for i, s in enumerate(schools["school_id"])}
    rng = np.random.default_rng(1)

    def smallest_and_mean(rows):
        own = distance[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
        return own.min(), own.mean()

    random = [smallest_and_mean(rng.choice(len(schools), 10, replace=False)) for _ in range(1000)]
    for seed in range(5):
        found = chosen(select_schools(schools, {"maximum_variation": 10}, seed=seed))
        smallest, mean = smallest_and_mean([place[s] for s in found["maximum_variation"]])
        assert smallest > max(each for each, _ in random)
        assert mean > np.quantile([each for _, each in random], 0.99)


def test_with_half_of_the_schools_it_is_still_more_varied_than_chance():
    schools = made_up(willing=0.5)
    distance, place = apart(schools), {s: i for i, s in enumerate(schools["school_id"])}
    willing = np.flatnonzero(schools["contact"] == "yes")
    rng = np.random.default_rng(1)
    means = [
        distance[np.ix_(r, r)].sum()
        for r in (rng.choice(willing, 8, replace=False) for _ in range(500))
    ]
    found = chosen(select_schools(schools, {"maximum_variation": 8}, seed=2))["maximum_variation"]
    rows = [place[school] for school in found]
    assert len(rows) == 8
    assert distance[np.ix_(rows, rows)].sum() > np.quantile(means, 0.9)


def test_extremes_typical_and_pairs_are_what_their_names_say():
    schools = made_up(willing=1.0)
    found = select_schools(schools, PLACES, seed=1)
    by_id = schools.set_index("school_id")
    change = by_id["practice"]
    ends = found[(found["strategy"] == "extreme") & (found["state"] == "chosen")]
    ends = ends.groupby("part")["school_id"].apply(lambda ids: sorted(change[ids]))
    assert ends["high"] == sorted(change.nlargest(3)) and ends["low"] == sorted(change.nsmallest(2))  # noqa: PT018
    typical = [*chosen(found)["typical"]]
    share = by_id["school_type"].value_counts(normalize=True) * 5
    assert (by_id.loc[typical, "school_type"].value_counts().sub(share).abs() < 1).all()
    middle = (by_id["practice"].rank(pct=True) - 0.5).abs()
    assert middle[typical].max() < middle.quantile(0.5)
    pairs = found[(found["strategy"] == "paired") & (found["state"] == "chosen")]
    assert (pairs.groupby("part")["school_id"].size() == 2).all()
    for _, pair in pairs.groupby("part"):
        one, other = pair["school_id"]
        assert by_id.loc[one, "region"] == by_id.loc[other, "region"]
        assert by_id.loc[one, "school_type"] == by_id.loc[other, "school_type"]
        assert change[one] >= change.quantile(0.66) and change[other] <= change.quantile(0.34)  # noqa: PT018


def test_a_place_that_nobody_can_fill_stays_empty_and_says_why():
    schools = made_up(30, willing=0.0)
    found = select_schools(schools, PLACES, seed=1)
    empty = found[found["place"] > 0]
    assert set(empty["state"]) == {"empty"} and set(empty["reason"]) == {"nobody"}  # noqa: PT018
    assert empty["strategy"].value_counts().to_dict() == PLACES
    unasked = schools.assign(practice=np.nan, support=np.nan, contact="yes")
    found = select_schools(unasked, PLACES, seed=1)
    reasons = found[found["place"] > 0].groupby("strategy")["reason"].agg(set)
    assert reasons["extreme"] == reasons["typical"] == reasons["paired"] == {"no_school"}
    assert len(chosen(found)["maximum_variation"]) == 10


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_schools_and_schools_without_a_criterion_are_no_fault(n):
    schools = made_up(20, willing=1.0)
    schools.loc[n:, "practice"] = np.nan
    assert without_criteria(schools).sum() == (20 - n if n else 0)
    found = select_schools(schools, PLACES, seed=1)
    assert found[found["place"] > 0]["strategy"].value_counts().to_dict() == PLACES


def register(tmp_path, *rows: str, head: str = "contact,link_teachers", **more) -> tuple:
    lines = [f"school_id,school,region,{head}", *rows]
    (tmp_path / "schools.csv").write_text("\n".join(lines), encoding="utf-8")
    return read_schools(tmp_path / "schools.csv", **more)


def test_the_register_says_who_may_be_contacted_and_under_which_address(tmp_path):
    cells = ("Ja", "nei", "", "SANN", "0", "x", "1.0", "–")
    rows = [f"{i},Skole {i},Oslo,{cell},https://skjema.no/{i}?a=b" for i, cell in enumerate(cells)]
    schools, problems, remarks = register(tmp_path, *rows)
    assert (problems, remarks) == ([], [])
    assert [*schools["contact"]] == ["yes", "no", "", "yes", "no", "yes", "yes", "no"]
    assert schools.loc[1, "link_teachers"] == "https://skjema.no/1?a=b"
    mapped = {"contact": "Kan kontaktes", "link_pupils": "Elevlenke"}
    schools, problems, _ = register(
        tmp_path, "1,A,Oslo,nei,", head="Kan kontaktes,Elevlenke", columns=mapped
    )
    assert problems == []
    assert schools.loc[0, ["contact", "link_pupils"]].tolist() == ["no", ""]


def test_a_register_without_the_column_has_asked_nobody(tmp_path):
    schools, problems, _ = register(tmp_path, "1,A,Oslo,x", head="note")
    assert (problems, [*schools["contact"]]) == ([], [""])


def test_what_is_neither_yes_nor_no_stops_without_showing_it(tmp_path):
    rows = ["1,A,Oslo,ring Kari 99999999,", "2,B,Oslo,12.03.2026,skjema.no/2"]
    _, problems, _ = register(tmp_path, *rows)
    assert [(p.what, p.where.rpartition(", ")[2]) for p in problems] == [
        ("contact not understood", "row 2"),
        ("link_teachers is no address", "row 3"),
        ("contact not understood", "row 3"),
    ]
    assert "Kari" not in "".join(map(str, problems))


@pytest.fixture
def visited(ran, monkeypatch):
    """The quick study, run, with a leader scale in place of a teacher's: its pupils as teachers."""
    folder = ran / "data_raw" / "tiny"
    study = (folder / "study.yml").read_text(encoding="utf-8")
    study = study.replace("  pupils:\n", "  teachers:\n").replace(" grade: trinn,", "")
    study = study.replace("by: code", "by: id") + SELECTION
    (folder / "study.yml").write_text(study, encoding="utf-8")
    register = (folder / "schools.csv").read_text(encoding="utf-8").splitlines()
    says = ["contact", "ja", "nei", "ja", "", "ja", "ja", "ja", "nei"]
    lines = [f"{line},{cell}" for line, cell in zip(register, says, strict=True)]
    (folder / "schools.csv").write_text("\n".join(lines), encoding="utf-8")
    return ran


SELECTION = """\
selection:
  seed: 1
  practice: effort
  support: afterwards
  schools: {maximum_variation: 3, extreme: 2, paired: 2}
"""


def cells(path) -> dict[str, pd.DataFrame]:
    return pd.read_excel(path, sheet_name=None, engine="calamine", dtype=str)


def test_one_command_writes_both_workbooks_and_prints_counts_only(visited, capsys):
    assert main(["clean", "tiny"]) == 0
    capsys.readouterr()
    assert main(["select", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "8 schools: 5 may be contacted, 2 may not, 1 have not said" in said
    assert "extreme: 2 of 2 places" in said
    assert not {"0301", "0302", "Skole"} & set(said.replace(",", " ").split())
    clean = paths.clean("tiny")
    book = cells(clean / "selection.xlsx")
    rows, schools = book["Utvalg"], book["Skoler"]
    assert set(rows.loc[rows["Status"] == "skal besøkes", "Kan kontaktes"]) == {"ja"}
    assert len(schools) == 8
    assert schools["Kan kontaktes"].value_counts().to_dict() == {"ja": 5, "nei": 2, "ikke kjent": 1}
    assert schools["personer (praksis)"].astype(int).min() >= 2
    display = cells(clean / "joint_display.xlsx")["Samlet framstilling"]
    chosen = set(rows.loc[rows["Status"] == "skal besøkes", "Skolenummer"])
    assert set(display["Skolenummer"]) == chosen
    assert display["Lærerne sier"].isna().all()
    answers = store.read("tiny", "teachers")
    row = display.iloc[0]
    own = answers[answers["school_id"] == row["Skolenummer"]]
    means = own.groupby("wave")["effort"].mean()
    assert [float(row[f"Skole, {w}"]) for w in ("før", "etter")] == pytest.approx(
        [means["pre"], means["post"]]
    )
    on_paper = Document(clean / "joint_display.docx")
    assert len(on_paper.tables) == len(chosen)
    first = on_paper.tables[0]
    told = [cell.text for cell in first.rows[2].cells]
    numbers = [f"{means[wave]:.2f}".replace(".", ",") for wave in ("pre", "post")]
    assert told[1] == " → ".join(numbers)
    assert [cell.text for cell in first.rows[1].cells][-6:] == [*display.columns[-6:]]
    # to be filled in, so they have the room
    assert [text.strip() for text in told[-6:]] == [""] * 6
    widths = [cell.width for cell in first.rows[2].cells]
    assert min(widths[-6:]) > widths[1]
    assert (clean / "selection.xlsx").stat().st_mode & 0o077 == 0
    assert (clean / "joint_display.docx").stat().st_mode & 0o077 == 0
    for folder in (paths.reports("tiny"), paths.figures("tiny")):
        assert not [*folder.rglob("*selection*"), *folder.rglob("*joint*")]


def test_the_notebook_finds_what_the_command_finds_and_writes_nothing(visited):
    assert main(["clean", "tiny"]) == 0
    notebook = nbformat.read(HERE / "notebooks" / "13_school_selection.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    before = sorted(visited.rglob("*"))
    found = {}
    for cell in cells:
        exec(cell.source.replace('"demo"', '"tiny"'), found)
    assert sorted(visited.rglob("*")) == before
    pd.testing.assert_frame_equal(found["lists"], selection(open_study("tiny")).rows)
    # one consent less moves a place of each strategy at most
    assert len(found["before"] - found["after"]) <= len(found["wanted"].schools)


def test_a_second_run_gives_the_same_bytes_and_leaves_what_was_filled_in(visited):
    assert main(["clean", "tiny"]) == main(["select", "tiny"]) == 0
    clean = paths.clean("tiny")
    selection, display = clean / "selection.xlsx", clean / "joint_display.xlsx"
    displays = [display, display.with_suffix(".docx")]
    first = [path.read_bytes() for path in (selection, *displays)]
    assert main(["select", "tiny"]) == 0
    assert [path.read_bytes() for path in (selection, *displays)] == first
    assert not list(clean.glob("joint_display_new.*"))
    for path in displays:
        path.write_bytes(b"filled in by a researcher")
    assert main(["select", "tiny"]) == main(["clean", "tiny"]) == 0
    for path, content in zip(displays, first[1:], strict=True):
        assert path.read_bytes() == b"filled in by a researcher"
        assert path.with_stem("joint_display_new").read_bytes() == content
    assert not selection.exists()  # of clean data that are no longer there


def test_means_of_few_people_are_not_in_the_joint_display(visited):
    assert main(["clean", "tiny"]) == 0
    study = open_study("tiny")
    whole = joint_display(study, ["0301", "0500"])
    assert whole["mean_pre"].notna().sum() == whole["n_pre"].notna().sum() > 0
    few = study.description.model_copy(update={"disclosure": "public"})
    object.__setattr__(study, "description", few)
    hidden = joint_display(study, ["0301", "0500"])
    assert hidden["mean_pre"].isna().all()
    assert [*hidden["n_pre"]] == [*whole["n_pre"]]
    assert hidden["region_pre"].notna().sum() == whole["region_pre"].notna().sum()


def test_what_cannot_be_selected_by_is_told_with_its_line(visited):
    path = visited / "data_raw" / "tiny" / "study.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("practice: effort", "practice: efort"), encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot be selected by \(practice\)") as told:
        load_study("tiny")
    assert "effort" in str(told.value)
    assert "line" in told.value.problems[0].where
    path.write_text(text.replace("paired: 2", "paired: 3"), encoding="utf-8")
    with pytest.raises(InputError, match="odd number of paired schools"):
        load_study("tiny")
    path.write_text(text.partition("selection:")[0], encoding="utf-8")
    with pytest.raises(InputError, match="does not say how schools are selected"):
        selection(open_study("tiny"))
