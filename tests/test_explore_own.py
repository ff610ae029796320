"""Exploring what no plan names: own groups, two scales together, and the code of what is seen."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from pandas.testing import assert_frame_equal

import loftet_analysis as la
from loftet_analysis import names
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.disclosure.gate import passed
from loftet_analysis.show.explore import explorer
from loftet_analysis.show.session import OpenStudy, open_study
from loftet_analysis.study import load_study
from tests.long import long_but
from tests.small_demo import HERE
from tests.test_explore import REGION, html_of, menus_of, offered

#: The same data as those of a study that is internal: with a background column of which no plan
#: names the groups, towns of the register, and a primary family.
OWN = """
disclosure: internal
analysis:
  primary: {pupils: {outcomes: [effort, value], estimands: [linked_change]}}
"""


@pytest.fixture(scope="module", autouse=True)
def own(tmp_path_factory):
    """An explorer of all regions of that study."""
    root = tmp_path_factory.mktemp("own")
    folder = root / "data_raw" / "own"
    shutil.copytree(HERE / "data_raw" / "sats", folder)
    told = (folder / "study.yml").read_text()
    columns = "{school_id: CourseID, submitted: StartTime, degree: degree}"
    groups = '{bachelor: ["2"], master: ["3"], first: ["1", "4", "5", "8"], rare: ["6", "7"]}'
    told = re.sub(r"columns: {.*}", f"columns: {columns}\n    values: {{degree: {groups}}}", told)
    (folder / "study.yml").write_text(re.sub(r"disclosure: open.*\n", OWN.lstrip(), told))
    schools = pd.read_csv(folder / "schools.csv", dtype=str)
    schools["municipality"] = np.where(np.arange(len(schools)) % 2, "Vik", "Ås")
    schools.loc[0, "municipality"] = "Alone"
    schools.to_csv(folder / "schools.csv", index=False)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOFTET_ROOT", str(root))
        environment.setenv("LOFTET_DATA", str(root))
        study = load_study("own")
        store.write(prepare(study), study)
        yield explorer(open_study("own", language="en"))


#: Choices that are made in all ways there are, of the study above.
CHOSEN = [
    {"outcome": "value"},
    {"outcome": "value", "estimand": "level", "wave": "pre"},
    {"outcome": "effort", "estimand": "linked_change", "region": REGION},
    {"outcome": "effort", "subgroup": "degree"},
    {"outcome": "effort", "subgroup": "degree=master", "region": REGION},
    {"outcome": "interest", "estimand": "level", "subgroup": "municipality"},
    {"outcome": "interest", "beside": "pupils.effort"},
    {"outcome": "interest", "beside": "pupils.effort", "wave": "pre"},
]


@pytest.fixture
def drawn(monkeypatch) -> list:
    """Every frame that is shown, and the function that draws it."""
    found = []
    render = OpenStudy.render

    def rendering(self, frame, draw=None, **options):
        found.append((frame, draw))
        return render(self, frame, draw, **options)

    monkeypatch.setattr(OpenStudy, "render", rendering)
    return found


@pytest.mark.parametrize(
    "given", long_but(CHOSEN[::3], CHOSEN), ids=lambda given: "-".join(given.values())
)
def test_the_code_makes_what_is_seen(own, shown, drawn, given):
    own.look(**given)
    seen = [*drawn]
    del drawn[:]
    code = own.code(**given)
    exec(compile(code, "pasted", "exec"), {})
    assert len(drawn) == len(seen) >= 3
    for (frame, draw), (there, drawn_there) in zip(drawn, seen, strict=True):
        assert draw is drawn_there
        assert passed(frame)
        assert_frame_equal(frame, there)
    assert len(code.splitlines()) < 18


def test_the_menus_have_their_code(own):
    box = own.menus()
    menus_of(box)["outcome"].value = "value"
    code = BeautifulSoup(box.children[2].children[0].value, "html.parser").get_text()
    assert code == own.code(outcome="value")
    assert box.children[2].selected_index is None  # folded


def test_one_outcome_alone_is_as_in_the_whole_plan(own, shown, drawn):
    """Also its p-values, of which those of a family are adjusted together."""
    for region in (None, REGION):
        study = open_study("own", region=region, language="en")
        clean = study.read("pupils")
        whole = la.gate(la.verdicts(la.estimates(clean, study.plan("pupils"))), study)
        place = region or names.NATIONAL
        for outcome, estimand in (("effort", "linked_change"), ("interest", "school_change")):
            del drawn[:]
            [
                *own._shown(
                    own._settled({"region": place, "outcome": outcome, "estimand": estimand})[1]
                )
            ]
            rows = whole.query(
                "outcome == @outcome and estimand == @estimand and subgroup == 'all'"
            )
            assert_frame_equal(drawn[0][0].reset_index(drop=True), rows.reset_index(drop=True))
    assert whole["p_adjusted"].notna().any() or region


def test_groups_of_ones_own_are_offered_and_judged_by_the_gate(own, shown, drawn):
    found = offered(own, "subgroup", estimand="linked_change")
    assert found["degree"] == "degree: each group"
    assert found["municipality=Vik"] == "municipality: Vik"
    assert "municipality=Alone" not in found  # one school
    assert "degree" not in offered(own, "subgroup", estimand="school_change")
    own.look(estimand="linked_change", subgroup="degree")
    rows = drawn[0][0].set_index("subgroup")
    assert rows.loc["degree=rare", "suppressed"]
    assert np.isnan(rows.loc["degree=rare", "estimate"])
    assert rows["estimate"].notna().any()
    study = open_study("own", language="en")
    clean = study.read("pupils")
    asked = study.plan("pupils").query("outcome == 'effort'")
    alone = la.linked_change(la.pairs(clean, asked, also=["degree"]), asked, by="degree")
    assert rows["estimate"].to_list() == pytest.approx(
        la.gate(la.verdicts(alone), study)["estimate"].to_list(), nan_ok=True
    )


def test_two_scales_stand_together_where_schools_are_many(own, shown):
    assert [*offered(own, "beside", region=REGION)] == [""]
    assert [*offered(own, "beside", subgroup="degree")] == [""]
    others = offered(own, "beside", outcome="value")
    assert others["pupils.effort"] == "Effort (pupils)"
    assert "pupils.value" not in others
    own.look(outcome="value", beside="pupils.effort")
    html = html_of(shown)
    assert (html.count("<figure"), html.count("<table")) == (2, 1)
    assert "Every school counts once" in html
