"""Levels on pages: the figure, the table, the sentences, and foresight."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from loftet_analysis.analysis.planning import FORESEEABLE, foreseen
from loftet_analysis.disclosure.gate import gate as gated
from loftet_analysis.errors import InputError
from loftet_analysis.show import tables
from loftet_analysis.show.figures import levels
from loftet_analysis.show.sentences import answer, standing
from loftet_analysis.stats.power import Design, mdes
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire
from tests.made_up import effect_in_own_units, mask, words


def level(contrast="mean", wave="pre", **given):
    numbers = (2.9, 2.8, 3.0) if contrast == "mean" else (0.72, 0.66, 0.78)
    side = "pre" if wave == "pre" else "post"
    counts = {"n_pre": None, "n_post": None, f"n_{side}": 500, "n_pairs": None, "n_schools": 11}
    about = {"estimand": "level", "contrast": contrast, "wave": wave, "verdict": "", "flags": ""}
    row = effect_in_own_units(*numbers, **about, **counts)
    return {**row, "mean_pre": None, "mean_post": None, f"mean_{side}": numbers[0], **given}


def shown(*rows, profile="internal"):
    return gated(pd.DataFrame(list(rows)), mask(), profile)


def test_where_answers_lie_is_one_sentence_with_the_whole_study_beside_it():
    frame = shown(level(), level("share"))
    country = pd.DataFrame({"population": ["pupils"], "outcome": ["joy"], "mean": [3.05]})
    said = standing(frame, words=words(), country=country).text.replace("\N{NO-BREAK SPACE}", " ")
    assert said == (
        "Matematikkglede: 2,90 på skalaen fra 1 til 4 (95 % KI 2,80 til 3,00); 72 % ligger over "
        "midten. Hele studien: 3,05."
    )
    alone = standing(shown(level()), words=words("en")).text
    assert alone == "Joy: 2.90 on the scale from 1 to 4 (95% CI 2.80 to 3.00)."


def test_a_level_without_an_interval_or_a_number_says_so():
    bare = dict.fromkeys(("change_ci_low", "change_ci_high", "change_se", "df"), np.nan)
    frame = shown(level(**bare, flags="no_interval"))
    assert "(uten intervall)" in standing(frame, words=words()).text
    assert "skolene ikke kan vise hvor usikkert tallet er" in answer(frame, words=words()).text
    empty = dict.fromkeys(("change", "n_pre", "mean_pre", "n_schools", "n_clusters"), np.nan)
    refused = shown(level(**bare, **empty, p_value=np.nan, reason="no_answers"))
    assert "ikke beregnet, siden ingen" in standing(refused, words=words()).text
    hidden = pd.DataFrame([level(suppressed=True)])
    assert "vises ikke" in standing(hidden, words=words()).text


def test_what_is_told_of_no_outcome_is_said_once():
    empty = dict.fromkeys(("change", "change_ci_low", "change_ci_high"), np.nan)
    about = {"suppressed": False, "reason": "no_answers", **empty}
    rows = [level(outcome=each, **about) for each in ("joy", "effort", "joy")]
    views = level(population="teachers", outcome="views", suppressed=False)
    frame = pd.DataFrame([*rows, views])
    said = standing(frame, words=words("en")).text.splitlines()
    assert said[0] == "Pupils: not computed, since nobody has a valid answer."
    assert said[1] == "Teachers"
    assert len(said) == 3


def test_only_levels_of_several_waves_say_of_which_they_are():
    before, after = level(), level(wave="post", change=3.1)
    assert "Før" not in answer(shown(before), words=words()).text
    both = answer(shown(before, after), words=words()).text
    assert "- Før: Gjennomsnittet" in both
    assert "- Etter: Gjennomsnittet" in both


@pytest.mark.parametrize("contrast", ["mean", "share"])
def test_the_figure_has_a_mark_with_its_interval_for_every_group(contrast):
    other = level(contrast, change=0.9, change_ci_low=0.8, change_ci_high=0.95, region="oslo")
    drawing = levels(shown(level(contrast), other), words=words())
    (ax,) = drawing.figure.axes
    marks = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [float(x) for line in marks for x in line.get_xdata()] == pytest.approx(
        [2.9 if contrast == "mean" else 0.72, 0.9]
    )
    ends = [
        path.vertices[:, 0].tolist()
        for lines in ax.collections
        if isinstance(lines, mpl.collections.LineCollection)
        for path in lines.get_paths()
    ]
    assert ends[1] == pytest.approx([0.8, 0.95])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Nordland – Nordlánnda",
                                                                  "Oslo – Oslove"]  # fmt: skip
    assert ("midten" in drawing.caption) == (contrast == "share")
    both = pd.concat([shown(level("mean")), shown(level("share"))])
    assert {*levels(both, words=words()).rows[""]["contrast"]} == {"mean"}


def test_the_table_puts_mean_and_share_of_a_group_on_one_line():
    html = tables.levels(shown(level(), level("share")), words=words("en")).html
    assert html.count('<th scope="row">') == 1
    for text in ("498", "11", "2.90", "2.80 to 3.00", "72%", "66% to 78%"):
        assert text in html
    several = shown(level(), level(wave="post"))
    assert ", before" in tables.levels(several, words=words("en")).html
    refused = level(**dict.fromkeys(("change", "change_ci_low", "change_ci_high", "n_pre"), np.nan),
                    reason="no_answers", p_value=np.nan, mean_pre=np.nan)  # fmt: skip
    html = tables.levels(shown(refused), words=words("en")).html
    assert "not computed, since nobody has a valid answer" in html


def people(n_schools=10, each=30, seed=1):
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n_schools), each)
    y = 3 + rng.normal(0, 0.3, n_schools)[school] + rng.normal(0, 0.8, len(school))
    role = np.where(np.arange(len(school)) % 3 == 0, "participant", "colleague")
    return pd.DataFrame({"wave": "pre", "school_id": np.char.add("s", school.astype(str)),
                         "role": role, "practice_practical": y})  # fmt: skip


ASKED = Questionnaire("teachers", "oslo", load_instrument("teacher"))


def test_foresight_is_the_design_of_these_schools():
    clean = people()
    rows = foreseen(clean, ASKED, estimands=FORESEEABLE, followed=0.8).set_index("estimand")
    school = pd.factorize(clean["school_id"])[0]
    icc = intraclass_correlation(clean["practice_practical"].to_numpy(), school)
    one = Design("linked_change", 10, 30, 0.8 * icc, r=0.6, attrition=0.2)
    assert rows.loc["linked_change", "mdes"] == pytest.approx(mdes(one))
    taking_part = clean[clean["role"] == "participant"]
    assert rows.loc["participants", "n_pre"] == len(taking_part)
    assert rows["mdes"].notna().all()
    steady = foreseen(clean, ASKED, estimands=FORESEEABLE, followed=0.8, r_schools=1.0)
    exact = Design("participants_vs_colleagues", 10, 30, 0.0, r=0.6, attrition=0.2,
                   participants=1 / 3)  # fmt: skip
    assert steady["mdes"].iloc[-1] == pytest.approx(mdes(exact), rel=1e-6)


def test_linked_change_is_foreseen_for_those_who_can_be_found_again():
    pupils = Questionnaire("pupils", "oslo", load_instrument("pupil"))
    rng = np.random.default_rng(2)
    clean = people(8, 40).drop(columns=["role", "practice_practical"])
    clean["persistence"] = rng.integers(1, 5, len(clean)).astype(float)
    clean["person_id"] = [f"p{i}" for i in range(len(clean))]
    clean["link_state"] = np.where(np.arange(len(clean)) % 4, "absent", "structurally_impossible")
    asked = {"estimands": ["same_grade", "linked_change"], "followed": 0.8}
    first = foreseen(clean, pupils, **asked).set_index("estimand")
    assert first["n_pre"].tolist() == [320, 240]
    assert first["n_clusters"].tolist() == [8, 8]
    assert first["flags"].tolist() == ["", "feeders_unknown"]
    # half of the pupils of schools s0 to s3 have gone on to s4 and s5
    moved = clean[clean["link_state"].eq("absent")].copy()
    goes = {"s0": "s4", "s1": "s4", "s2": "s5", "s3": "s5"}
    moved["school_id"] = moved["school_id"].replace(goes)
    both = pd.concat([clean, moved.assign(wave="post", link_state="linked")])
    later = foreseen(both, pupils, **asked).set_index("estimand")
    assert later["n_clusters"].tolist() == [8, 4]
    assert later["n_pre"].tolist() == [320, 240]
    assert later["flags"].tolist() == ["", ""]
    groups = clean["school_id"].replace(goes)[clean["link_state"].eq("absent")]
    sizes = groups.value_counts()
    answers = clean["persistence"][groups.index].to_numpy()
    icc = max(intraclass_correlation(answers, pd.factorize(groups)[0]), 0)
    design = Design("linked_change", 4, 60, 0.8 * icc, r=0.5, attrition=0.2,
                    cv=sizes.std(ddof=0) / 60)  # fmt: skip
    assert later.loc["linked_change", "mdes"] == pytest.approx(mdes(design))


def test_foresight_where_nothing_can_be_foreseen():
    clean, asked = people(), {"estimands": ["linked_change", "participants"], "followed": 0.8}
    assert foreseen(people(1), ASKED, **asked)["reason"].tolist() == ["few_schools"] * 2
    assert foreseen(clean.drop(columns="role"), ASKED, **asked)["reason"].tolist()[1] == (
        "no_answers"
    )
    after = foreseen(clean.assign(wave="post"), ASKED, **asked)
    assert after["reason"].tolist() == ["no_answers"] * 2
    with pytest.raises(InputError, match="no design for it"):
        foreseen(clean, ASKED, estimands=["dose"], followed=0.8)
    with pytest.raises(InputError, match="attrition is out of range"):
        foreseen(clean, ASKED, estimands=["linked_change"], followed=-1)
