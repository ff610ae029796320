"""Pseudonyms that cannot be traced back, and cells that cannot be computed from each other."""

import hashlib
import stat

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loftet_analysis.cleaning.pseudonyms import key_path, load_key, pseudonym
from loftet_analysis.disclosure.histograms import safe_bins
from loftet_analysis.disclosure.mask import LIMITS, decide
from loftet_analysis.errors import InputError
from loftet_analysis.study import load_study
from tests.tiny_study import STUDY, build

# pseudonyms


def test_a_pseudonym_is_hmac_sha256():
    key = bytes(range(32))
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key.ljust(64, b"\0")) + "a\x1fæ".encode())
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in key.ljust(64, b"\0")) + inner.digest())
    assert pseudonym(key, "a", "æ") == outer.hexdigest()[:16]
    assert pseudonym(key, "aæ") != pseudonym(key, "a", "æ") != pseudonym(bytes(32), "a", "æ")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path / "Løftet {test}"))
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path / "keys"))

    def load(study: str = STUDY):
        build(tmp_path / "Løftet {test}", study=study)
        return load_study("tiny")

    return load


def test_a_key_is_made_once_for_its_owner_alone(tiny, tmp_path, capsys):
    study = tiny()
    key = load_key(study)
    path = tmp_path / "keys" / "tiny.key"
    assert path.read_bytes() == key
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in capsys.readouterr().out
    assert load_key(study) == key
    assert capsys.readouterr().out == ""


def test_a_study_may_name_its_key_and_else_it_lies_in_the_users_folder(tiny, tmp_path, monkeypatch):
    assert key_path(tiny(STUDY + f"key: {tmp_path}/own.key\n")) == tmp_path / "own.key"
    monkeypatch.delenv("LOFTET_KEYS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert key_path(tiny()).parts[-3:] == ("loftet", "keys", "tiny.key")


def test_a_key_inside_the_project_or_of_another_length_is_refused(tiny, tmp_path):
    with pytest.raises(InputError, match="beside the data"):
        load_key(tiny(STUDY + "key: tiny.key\n"))
    assert not list(tmp_path.rglob("*.key"))
    key = tmp_path / "keys" / "tiny.key"
    key.parent.mkdir()
    for weak in (b"short", bytes(32), (b"a sentence of letters, " * 2)[:32], bytes(range(33))):
        key.write_bytes(weak)
        key.chmod(0o600)
        with pytest.raises(InputError, match="not a pseudonym key"):
            load_key(tiny())
        assert key.read_bytes() == weak
    key.write_bytes(bytes(range(32)))
    key.chmod(0o640)
    with pytest.raises(InputError, match="that others can read"):
        load_key(tiny())


# the mask


def people(cells: dict[tuple, int], *, wave: str = "pre", linked: bool = False) -> pd.DataFrame:
    """Return so many pupils with different scores per (region, school, grade)."""
    rows = [
        (wave, region, school, grade, f"{school}-{grade}-{i}", 1 + i % 4)
        for (region, school, grade), n in cells.items()
        for i in range(n)
    ]
    columns = ["wave", "region", "school_id", "grade", "person_id", "effort"]
    frame = pd.DataFrame(rows, columns=columns).astype({"grade": "Int64", "effort": float})
    frame["afterwards"] = frame["effort"].where(frame["wave"] == "post")
    if linked:
        later = frame.assign(wave="post", grade=frame["grade"] + 2, afterwards=frame["effort"])
        later["effort"] += np.arange(len(later)) % 3
        return pd.concat([frame, later], ignore_index=True)
    return frame


def cell(mask: pd.DataFrame, region: str, school="", subgroup="all", wave="pre", outcome="effort"):
    rows = mask.set_index(["region", "school_id", "subgroup", "wave", "outcome"])
    row = rows.loc[(region, school, subgroup, wave, outcome)]
    return row["n"], row["reason"]


WITHOUT_GAPS = "analysis: {gaps: {pupils: []}}\n"


def mask_of(tiny, frame: pd.DataFrame, profile: str = "internal", more: str = "") -> pd.DataFrame:
    study = tiny(STUDY.replace("internal", profile) + more)
    mask = decide(study, {"pupils": frame})
    assert not mask.duplicated(list(mask.columns[:6])).any()
    assert (mask["suppressed"] == (mask["reason"] != "")).all()
    return mask


def test_every_cell_of_the_plan_has_a_row(tiny):
    mask = mask_of(tiny, people({("oslo", "0400", 7): 8, ("nordland", "0301", 5): 8}, linked=True))
    cells = mask[["region", "school_id", "subgroup"]].drop_duplicates()
    # national and 2 regions by all and 3 grades; 3 schools
    assert len(cells) == 3 * 4 + 3
    assert set(mask["wave"] + mask["outcome"]) == {
        "preeffort", "posteffort", "linkedeffort", "postafterwards",
    }  # fmt: skip
    assert len(mask) == len(cells) * 4
    assert cell(mask, "oslo", wave="linked") == (8, "")
    assert cell(mask, "national", subgroup="grade=7", wave="post") == (8, "")
    assert cell(mask, "nordland", subgroup="grade=5", wave="linked") == (8, "")
    assert cell(mask, "oslo", subgroup="grade=5") == (0, "small_n")


def test_few_people_are_hidden_and_so_is_what_would_give_them_away(tiny):
    frame = people(
        {("nordland", "0301", 5): 5, ("nordland", "0302", 8): 20, ("oslo", "0400", 7): 30}
    )
    mask = mask_of(tiny, frame, more=WITHOUT_GAPS)
    assert cell(mask, "nordland", "0301") == (5, "small_n")
    assert cell(mask, "nordland", "0302") == (20, "complementary")
    assert cell(mask, "nordland", subgroup="grade=5") == (5, "small_n")
    assert cell(mask, "nordland", subgroup="grade=8") == (20, "complementary")
    assert cell(mask, "national", subgroup="grade=5") == (5, "small_n")
    assert cell(mask, "nordland") == (25, "")
    assert cell(mask, "oslo") == (30, "")
    # grade 8 of nordland is hidden, and it is all there is of grade 8
    assert cell(mask, "national", subgroup="grade=8") == (20, "complementary")


def test_a_hidden_region_takes_the_smallest_other_one_along(tiny):
    frame = people({("nordland", "0301", 5): 3, ("oslo", "0400", 5): 9})
    mask = mask_of(tiny, frame)
    assert cell(mask, "nordland") == (3, "small_n")
    assert cell(mask, "oslo") == (9, "complementary")
    assert cell(mask, "national") == (12, "")
    # what is hidden must not stand in the parts that it is made of
    assert cell(mask, "oslo", "0400") == (9, "complementary")


def test_profiles_differ_by_their_limit(tiny):
    frame = people({("oslo", "0400", 7): 12})
    reasons = {p: cell(mask_of(tiny, frame, p), "oslo", "0400")[1] for p in LIMITS}
    assert reasons == {"open": "", "internal": "", "school": "", "public": "small_n"}


def test_a_cell_in_which_everybody_is_alike_is_hidden_unless_data_are_open(tiny):
    frame = people({("oslo", "0400", 7): 12}).assign(effort=4.0)
    assert cell(mask_of(tiny, frame), "oslo", "0400") == (12, "homogeneous")
    assert cell(mask_of(tiny, frame, "open"), "oslo", "0400") == (12, "")


@pytest.mark.parametrize(("others", "hidden"), [([4.0], True), ([1.0], True), ([1.0, 3.5], False)])
def test_a_cell_in_which_all_but_one_are_alike_is_hidden_too(tiny, others, hidden):
    frame = people({("oslo", "0400", 7): 12}).assign(effort=2.0)
    frame.loc[frame.index[: len(others)], "effort"] = others
    expected = "homogeneous" if hidden else ""
    assert cell(mask_of(tiny, frame), "oslo", "0400") == (12, expected)


def test_a_few_of_one_school_who_are_most_of_a_cell_hide_it(tiny):
    few = {("nordland", "0301", 7): 5, ("nordland", "0302", 7): 4, ("oslo", "0400", 7): 30}
    assert cell(mask_of(tiny, people(few)), "nordland") == (9, "dominated")
    many = {**few, ("nordland", "0301", 7): 7}
    assert cell(mask_of(tiny, people(many)), "nordland")[1] != "dominated"


@pytest.mark.parametrize(("others", "reason"), [(1, "complementary"), (3, "")])
def test_what_is_nearly_a_hidden_cell_is_hidden_with_it(tiny, others, reason):
    """Nothing is subtracted, yet the mean of ten is nearly that of the nine of one grade."""
    grade = {("nordland", "0301", 5): 5, ("nordland", "0302", 5): 4}
    more = {("nordland", "0301", 8): others // 2, ("nordland", "0302", 8): others - others // 2}
    mask = mask_of(tiny, people({**grade, **more, ("oslo", "0400", 7): 60}), "school")
    assert cell(mask, "nordland", subgroup="grade=5") == (9, "small_n")
    assert cell(mask, "nordland") == (9 + others, reason)


def test_a_hidden_cell_is_not_computed_over_several_sums(tiny):
    """Region less its other grade gives a grade, and the country's grade less that another's."""
    cells_ = {("oslo", "0400", 5): 30, ("oslo", "0400", 7): 4, ("nordland", "0301", 5): 30,
              ("nordland", "0302", 7): 30}  # fmt: skip
    mask = mask_of(tiny, people(cells_), more=WITHOUT_GAPS)
    assert cell(mask, "oslo", subgroup="grade=7") == (4, "small_n")
    shown = {
        (region, group)
        for region in ("national", "oslo", "nordland")
        for group in ("all", "grade=5", "grade=7")
        if not cell(mask, region, subgroup=group)[1]
    }
    # each of these ways gives the four away
    for way in (
        {("oslo", "all"), ("oslo", "grade=5")},
        {("national", "grade=7"), ("nordland", "grade=7")},
        {("national", "grade=7"), ("nordland", "all"), ("nordland", "grade=5")},
        {("oslo", "all"), ("national", "grade=5"), ("nordland", "grade=5")},
    ):
        assert not way <= shown, way


@pytest.mark.parametrize(("score", "reason"), [(3.9, "homogeneous"), (3.0, "")])
def test_a_mean_near_the_end_of_the_scale_tells_what_everybody_answered(tiny, score, reason):
    frame = people({("oslo", "0400", 7): 12, ("nordland", "0301", 7): 40})
    frame.loc[frame["school_id"] == "0400", "effort"] = score + np.arange(12) % 3 * 0.04
    assert cell(mask_of(tiny, frame), "oslo", "0400") == (12, reason)


def test_few_people_above_the_middle_are_not_told_by_shares_of_others(tiny):
    frame = people({("oslo", "0400", 7): 30, ("nordland", "0301", 7): 40})
    frame["effort"] = np.where(np.arange(70) % 2, 2.0, 3.0) + np.arange(70) % 5 / 10
    oslo = frame.index[frame["school_id"] == "0400"]
    frame.loc[oslo, "effort"] = 1.5 + np.arange(30) % 7 / 10
    frame.loc[oslo[:3], "effort"] = 3.5
    mask = mask_of(tiny, frame)
    assert cell(mask, "oslo") == (30, "")
    of_share = mask.set_index(["region", "school_id", "subgroup", "wave", "outcome"])[
        "share_reason"
    ]
    said = {r: of_share[r, "", "all", "pre", "effort"] for r in ("national", "oslo", "nordland")}
    assert said == {"national": "", "oslo": "small_n", "nordland": "complementary"}


def test_the_mask_says_how_people_are_spread_over_schools(tiny):
    frame = people(
        {("nordland", "0301", 5): 9, ("nordland", "0302", 8): 20, ("oslo", "0400", 7): 30}
    )
    mask = mask_of(tiny, frame)
    told = mask[(mask["wave"] == "pre") & (mask["outcome"] == "effort")]
    told = told.set_index(["region", "school_id", "subgroup"])[["n_schools", "smallest", "largest"]]
    assert told.loc["nordland", "", "all"].tolist() == [2, 9, 20]
    assert told.loc["national", "", "all"].tolist() == [3, 9, 30]
    assert told.loc["nordland", "0302", "all"].tolist() == [1, 20, 20]
    assert told.loc["oslo", "", "grade=5"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("once", "step"), [(0, 0.01), (2, 0.02), (9, 0.01)])
def test_levels_are_coarser_where_few_answered_once(tiny, once, step):
    """Their sum is what the levels of both waves and the change of the linked leave."""
    frame = people({("oslo", "0400", 7): 60}, linked=True)
    before = frame[frame["wave"] == "pre"]
    frame = frame.drop(frame.index[frame["wave"] == "post"][:once])
    mask = mask_of(tiny, frame)
    cells = mask[(mask["region"] == "oslo") & (mask["school_id"] == "") & (mask["n"] > 40)]
    steps = cells[cells["outcome"] == "effort"].set_index(["subgroup", "wave"])["step"]
    assert steps["all", "pre"] == step
    assert steps["all", "linked"] == 0.01
    width = cells["width"].iloc[0]
    if once == 2:  # what two sums leave unknown of so few is at least a tenth of the scale
        assert (len(before) + len(before) - once) * step / 2 >= 0.1 * width * once


def test_a_change_is_hidden_with_its_pre_or_post_cell(tiny):
    frame = people({("oslo", "0400", 7): 12}, linked=True)
    frame.loc[frame["wave"] == "post", "effort"] = 4.0
    mask = mask_of(tiny, frame)
    assert cell(mask, "oslo") == (12, "")
    assert cell(mask, "oslo", wave="post") == (12, "homogeneous")
    assert cell(mask, "oslo", wave="linked") == (12, "linked_wave")


def test_movers_between_regions_count_nationally_only(tiny):
    frame = people({("oslo", "0400", 7): 10, ("nordland", "0302", 8): 10}, linked=True)
    moved = (frame["wave"] == "post") & frame["person_id"].isin(["0400-7-0", "0400-7-1"])
    frame.loc[moved, ["region", "school_id"]] = ["nordland", "0302"]
    mask = mask_of(tiny, frame)
    assert cell(mask, "national", wave="linked")[0] == 20
    assert cell(mask, "oslo", wave="linked")[0] == 8
    assert cell(mask, "nordland", wave="linked")[0] == 10
    assert cell(mask, "oslo", subgroup="grade=7", wave="linked")[0] == 8
    assert cell(mask, "nordland", "0302", wave="post")[0] == 12


def test_teachers_have_cells_by_role_and_leaders_none_by_school(tiny):
    study = STUDY.replace("serial: nr", "role: deltar, serial: nr")
    leaders = study.replace("  pupils:", "  leaders:")
    frame = people({("oslo", "0400", 7): 20}).drop(columns="grade")
    frame["role"] = ["participant"] * 7 + ["colleague"] * 11 + [None] * 2
    mask = decide(tiny(study), {"pupils": frame})
    # all less the two roles would be the two people without a role
    assert cell(mask, "oslo", subgroup="role=participant") == (7, "complementary")
    assert cell(mask, "oslo", subgroup="role=colleague") == (11, "")
    assert (mask["school_id"] != "").any()
    assert (decide(tiny(leaders), {"leaders": frame})["school_id"] == "").all()


REGION_OF = {"0301": "nordland", "0302": "nordland", "0400": "oslo"}
BANDS = {7: "5-7", 8: "8-10"}
COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(sorted(REGION_OF)), st.sampled_from([7, 8])),
    st.integers(0, 14),
    min_size=1,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(counts=COUNTS)
def test_no_hidden_count_can_be_computed_from_what_is_shown(tiny, counts):
    """An attacker who knows every sum rule cannot solve for a cell that is hidden for its size."""
    frame = people({(REGION_OF[s], s, g): n for (s, g), n in counts.items() if n})
    mask = decide(tiny(), {"pupils": frame})
    mask = mask[(mask["wave"] == "pre") & (mask["outcome"] == "effort")]
    cells = mask[["region", "school_id", "subgroup"]].itertuples(index=False, name=None)

    def holds(cell, atom):
        (region, school, subgroup), (own, grade) = cell, atom
        return (
            region in ("national", REGION_OF[own])
            and school in ("", own)
            and subgroup in ("all", f"grade={grade}", f"grade_band={BANDS[grade]}")
        )

    atoms = [(school, grade) for school in REGION_OF for grade in (7, 8)]
    sums = np.array([[holds(cell, atom) for atom in atoms] for cell in cells], dtype=float)
    empty = sums[mask["n"] == 0].any(axis=0)  # nobody there, and the attacker knows it
    sums = sums[:, ~empty]
    few = sums[(mask["reason"] == "small_n") & (mask["n"] > 0)]
    shown = sums[~mask["suppressed"]]
    rank = np.linalg.matrix_rank(shown) if shown.size else 0
    for hidden in few:
        assert np.linalg.matrix_rank(np.vstack([shown, hidden])) > rank


# three waves

THREE_WAVES = STUDY.replace(
    "  post: {from", "  mid: {from: 2026-09-14, to: 2026-10-30}\n  post: {from"
).replace("      post: {tool", "      mid: {tool: table, file: mid.csv}\n      post: {tool")
PAIRS = {"linked": ("pre", "post"), "linked:pre-mid": ("pre", "mid"),
         "linked:mid-post": ("mid", "post")}  # fmt: skip
OLDER = {"pre": 0, "mid": 1, "post": 2}
ALL_THREE = "linked:pre-mid-post"


def middling(rng: np.random.Generator) -> np.ndarray:
    """Return three different scores in the middle of the scale."""
    return 2 + rng.choice(1000, 3, replace=False) / 1000


def three_waves(sizes: dict[tuple[str, int], dict[str, int]], seed: int = 1) -> pd.DataFrame:
    """Return pupils by school and grade before, and by the waves that they answered."""
    rng, rows = np.random.default_rng(seed), []
    for (school, grade), patterns in sizes.items():
        for pattern, n in patterns.items():
            for i in range(n):
                person = f"{school}-{grade}-{pattern}-{i}"
                rows += [
                    (wave, REGION_OF[school], school, grade + OLDER[wave], person, score)
                    for wave, score in zip(OLDER, middling(rng), strict=True)
                    if wave in pattern.split()
                ]
    columns = ["wave", "region", "school_id", "grade", "person_id", "effort"]
    frame = pd.DataFrame(rows, columns=columns).astype({"grade": "Int64", "effort": float})
    return frame.assign(afterwards=frame["effort"].where(frame["wave"] == "post"))


def vectors(mask: pd.DataFrame, frame: pd.DataFrame) -> list[list[np.ndarray]]:
    """Return what each cell tells: sums over people and waves, an entry per answer."""
    place = {key: i for i, key in enumerate(zip(frame["person_id"], frame["wave"], strict=True))}
    rows = frame.set_index(["person_id", "wave"]).to_dict("index")
    persons = frame.groupby("person_id")["wave"].agg(set)

    def inside(row, cell):
        column, _, value = cell["subgroup"].partition("=")
        grade = int(row["grade"])
        group = {"grade": str(grade), "grade_band": "5-7" if grade < 8 else "8-10"}
        return (
            cell["region"] in ("national", row["region"])
            and cell["school_id"] in ("", row["school_id"])
            and (column == "all" or group[column] == value)
        )

    found = []
    for cell in mask.to_dict("records"):
        wave = cell["wave"]
        waves = PAIRS.get(wave, tuple(OLDER) if wave == ALL_THREE else (wave,))
        in_cell = [
            person
            for person, there in persons.items()
            if set(waves) <= there
            and inside(rows[person, waves[0]], cell)
            and (
                cell["region"] == "national"
                or len({rows[person, each]["region"] for each in waves}) == 1
            )
        ]
        assert len(in_cell) == cell["n"]
        told = np.zeros((len(waves) if wave == ALL_THREE else 1, len(place)))
        for person in in_cell:
            if wave in PAIRS:
                told[0, place[person, waves[1]]], told[0, place[person, waves[0]]] = 1, -1
            else:
                for i, each in enumerate(waves):
                    told[i, place[person, each]] = 1
        found.append(list(told))
    return found


@pytest.mark.parametrize("seed", [0, 1, 4, 25, 144])
def test_three_waves_give_no_hidden_cell_and_no_few_people_away(tiny, seed):
    """Whoever knows all sums over places and waves solves for no small cell and no few people."""
    rng = np.random.default_rng(seed)
    patterns = ["pre", "mid", "post", "pre mid", "pre post", "mid post", "pre mid post"]
    most = rng.choice([2, 4, 14], len(patterns), p=[0.5, 0.3, 0.2])
    sizes = {
        (school, grade): dict(zip(patterns, rng.integers(0, most + 1), strict=True))
        for school in REGION_OF
        for grade in (5, 6, 7)
    }
    frame = three_waves(sizes, seed)
    moved = rng.random(len(frame)) < 0.04
    frame.loc[moved & frame["wave"].ne("pre"), ["region", "school_id"]] = ["oslo", "0400"]
    mask = decide(tiny(THREE_WAVES), {"pupils": frame})
    mask = mask[mask["outcome"] == "effort"].reset_index(drop=True)
    told = vectors(mask, frame)
    shown = np.array(
        [row for i, rows in enumerate(told) if not mask["suppressed"][i] for row in rows]
    )
    _, size, right = np.linalg.svd(shown, full_matrices=False)
    basis = right[size > 1e-9]

    def solved(vector):
        return np.linalg.norm(vector - basis.T @ (basis @ vector)) < 1e-6

    few = np.flatnonzero(mask["reason"].isin(["small_n", "homogeneous"]) & (mask["n"] > 0))
    assert mask["suppressed"].any()
    for i in few:
        assert not any(map(solved, told[i])), mask.loc[i]
    # what is left of changes that are added up, and of waves and changes less those in all three
    person = frame["person_id"].to_numpy()
    at = {key: i for i, key in enumerate(mask[["region", "school_id", "subgroup", "wave"]]
          .itertuples(index=False, name=None))}  # fmt: skip
    for region, school, subgroup in {key[:3] for key in at}:
        there = {w: told[at[region, school, subgroup, w]] for w in (*OLDER, *PAIRS)}
        left = []
        if not subgroup.startswith("grade"):
            add = [there[w][0] for w in PAIRS]
            left.append(add[1] + add[2] - add[0])
        if (region, school, subgroup, ALL_THREE) in at:
            in_all = dict(zip(OLDER, told[at[region, school, subgroup, ALL_THREE]], strict=True))
            left += [there[w][0] - in_all[w] for w in OLDER]
            left += [there[w][0] - in_all[b] + in_all[a] for w, (a, b) in PAIRS.items()]
        for vector in left:
            n = len(set(person[np.abs(vector) > 1e-9]))
            assert not 0 < n < LIMITS["internal"] or not solved(vector), (region, school, subgroup)


# bins


def test_bins_are_joined_until_each_holds_enough():
    edges = [0, 1, 2, 3, 4, 5]
    bins = safe_bins([0.5] * 2 + [1.5] * 5 + [4.0] * 6 + [5.0, np.nan], edges, limit=6)
    assert bins[["low", "high", "n"]].values.tolist() == [[0, 2, 7], [2, 5, 7]]
    np.testing.assert_allclose(bins["share"], 0.5)
    assert safe_bins([0.5] * 5, edges, limit=6).empty
    assert safe_bins([0.5], edges, limit=1)["n"].to_list() == [1, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="outside"):
        safe_bins([6.0], edges, limit=1)


@given(
    st.lists(st.integers(0, 40).map(lambda tenths: tenths / 10), max_size=60),
    st.sampled_from([2, 6, 10]),
)
def test_bins_lose_nobody_and_never_show_a_few(values, limit):
    bins = safe_bins(values, np.linspace(0, 4, 9), limit)
    assert (bins["n"] >= limit).all()
    assert bins["n"].sum() == (len(values) if len(values) >= limit else 0)
    assert (bins["low"].to_numpy()[1:] == bins["high"].to_numpy()[:-1]).all()
