"""A study's description: what is read, and everything wrong told at once with file and line."""

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from loftet_analysis.errors import InputError
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.languages import label, reader
from loftet_analysis.study import (
    load_study,
    main_changes,
    main_estimands,
    missing_exports,
    missing_register,
    plan,
)
from loftet_analysis.study.checks import untranslated
from loftet_analysis.study.load import register_path
from loftet_analysis.study.schools import read_schools, slug
from loftet_analysis.study.yamlfile import read_yaml

STUDY = """\
title: {nb: Prøve, en: Trial}
languages: [nb, nn, en]
disclosure: internal
waves:
  post: {from: 2027-03-01, to: 2027-04-30}
  pre: {from: 2025-09-15, to: 2025-10-31}
populations:
  pupils:
    instrument: pupil
    columns: {school_id: skole, grade: trinn}
    values:
      grade: {5: [5. trinn], 6: 6. trinn}
    link: {by: code, column: kode}
    consent: {column: samtykke, yes: Ja}
    files:
      pre: {tool: nettskjema, file: pre.txt}
      post: {tool: spss, file: post.sav, columns: {grade: grade, link: code}}
  teachers:
    instrument: teacher
    columns: {school_id: skole, role: deltar}
    values:
      role: {participant: [Ja], colleague: [Nei]}
    link: {by: id, column: nummer}
    files:
      pre: {tool: excel, file: teachers.xlsx}
    attendance: {file: attendance.csv, id: nummer, columns: {gatherings: samlinger}}
  leaders:
    instrument: leader
    role: leader
    columns: {school_id: skole}
    files:
      post: {tool: table, file: leaders.csv, delimiter: ";", encoding: cp1252}
analysis:
  primary:
    pupils: {outcomes: [persistence], estimands: [same_grade, linked_change]}
"""
TEACHERS_TWICE = (
    "file: teachers.xlsx}\n", "file: teachers.xlsx}\n      post: {tool: excel, file: after.xlsx}\n"
)  # fmt: skip
SCHOOLS = """\
school_id,school,region,grades,role,municipality,invited_pupils
007,Fjell skole,Troms - Romsa - Tromssa,1-7,,5501,40
0301,No skole,Oslo,8-10,comparison,,
12,Å skule,Troms - Romsa - Tromssa ,,programme,,7
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a study named "trial", with texts replaced in its files, and return its folder."""
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    folder = tmp_path / "data_raw" / "trial"
    folder.mkdir(parents=True)

    def write(*changes: tuple[str, str], schools: str = SCHOOLS) -> Path:
        text = STUDY
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "study.yml").write_text(text, encoding="utf-8")
        (folder / "schools.csv").write_text(schools, encoding="utf-8")
        return folder

    return write


def problems() -> list[str]:
    with pytest.raises(InputError) as error:
        load_study("trial")
    return [str(problem) for problem in error.value.problems]


def test_columns_and_groups_of_ones_own_are_called_what_the_study_calls_them(write):
    write(
        (
            "columns: {school_id: skole, grade: trinn}",
            "columns: {school_id: skole, grade: trinn, tunge: t}",
        ),
        (
            "    values:\n      grade: {5",
            "    values:\n      tunge: {norsk: [Norsk], annet: [Annet]}\n      grade: {5",
        ),
        (
            "analysis:\n",
            "labels: {tunge: {nb: språk, nn: mål}, tunge=annet: {nb: andre språk}}\nanalysis:\n",
        ),
    )
    study = load_study("trial")
    told = {
        language: [
            label("subgroup", f"tunge={each}", reader(study, language))
            for each in ("norsk", "annet")
        ]
        for language in study.languages
    }
    assert told["nb"] == ["språk: norsk", "språk: andre språk"]
    assert told["nn"][0] == "mål: norsk"
    contrast = label("contrast", "tunge=annet - tunge=norsk", reader(study, "nb"))
    assert contrast == "språk: andre språk − norsk"
    lacking = [problem for problem in untranslated(study) if "label" in problem.found]
    assert "label tunge" in str(lacking[-1])


def test_a_study_is_read_whole(write):
    folder = write()
    study = load_study("trial")
    assert study.name == "trial"
    assert study.exports == study.folder == folder
    assert list(study.waves) == ["pre", "post"]
    assert study.years_between("pupils") == 1
    assert study.languages[0] == "nb"
    assert study.text(study.title, "nn") == "Prøve"
    assert study.text(study.title, "en") == "Trial"
    assert study.text({"en": "only"}, "nn") == "only"
    assert (study.analysis.sesoi, study.analysis.ci_level, study.key) == (0.10, 0.95, None)
    pupils, teachers, leaders = study.populations.values()
    assert pupils.values == {"grade": {"5": ("5. trinn",), "6": ("6. trinn",)}}
    assert pupils.consent["pre"].yes == ("Ja",)
    assert pupils.headers("grade", "pre") == ("trinn",)
    assert pupils.headers("grade", "post") == ("grade",)
    assert [pupils.headers("link", wave) for wave in pupils.files] == [("kode",), ("code",)]
    assert pupils.headers("consent", "post") == ("samtykke",)
    assert teachers.headers("consent", "pre") == ()
    assert teachers.attendance.columns == {"gatherings": ("samlinger",)}
    assert (pupils.roles, leaders.roles) == ((), ("leader",))
    assert leaders.files["post"][0].encoding == "cp1252"


def test_a_study_is_frozen_and_can_go_to_another_process(write):
    write()
    study = load_study("trial")
    with pytest.raises(ValidationError, match="frozen"):
        study.disclosure = "open"
    with pytest.raises(ValidationError, match="frozen"):
        study.populations["pupils"].link.by = "none"
    assert plan(pickle.loads(pickle.dumps(study))).equals(plan(study))


def test_paths_may_lie_elsewhere(write, tmp_path):
    write(("languages:", f"exports: {tmp_path}/secure disk\nkey: pupils.key\nlanguages:"))
    study = load_study("trial")
    assert study.exports == tmp_path / "secure disk"
    assert study.key == study.folder / "pupils.key"


@pytest.mark.parametrize(
    ("pre", "post", "years"),
    [("2025-09-15", "2027-03-01", 1), ("2025-07-31", "2027-08-01", 3), ("2025-09", "", 0)],
)
def test_school_years_begin_in_august(write, pre, post, years):
    if post:
        write(
            ("{from: 2025-09-15, to: 2025-10-31}", f"{{from: {pre}, to: {pre}}}"),
            ("{from: 2027-03-01, to: 2027-04-30}", f"{{from: {post}, to: {post}}}"),
        )
    else:
        write(
            ("  pre: {from: 2025-09-15, to: 2025-10-31}", "  pre:"),
            ("  post: {from: 2027-03-01, to: 2027-04-30}", "  post: {label: {nb: Etter}}"),
        )
    assert load_study("trial").years_between("pupils") == years


def test_one_wide_file_gives_a_file_per_wave(write):
    write(
        (
            "      pre: {tool: nettskjema, file: pre.txt}\n"
            "      post: {tool: spss, file: post.sav, columns: {grade: grade, link: code}}\n",
            '      {tool: table, file: both.csv, post: "{}_2", pre: "{}_1"}\n',
        ),
    )
    pupils = load_study("trial").populations["pupils"]
    assert list(pupils.files) == ["pre", "post"]
    assert pupils.files["post"][0].header("u1") == "u1_2"
    assert pupils.headers("grade", "pre") == ("trinn_1", "trinn")


def test_the_plan_has_a_row_per_estimate(write):
    write(TEACHERS_TWICE)
    study = load_study("trial")
    rows = plan(study)
    key = ["population", "outcome", "estimand", "subgroup", "wave", "contrast"]
    assert not rows.duplicated(key).any()
    assert set(rows["estimand"]) <= set(ESTIMANDS)
    assert set(rows[rows["population"] == "leaders"]["estimand"]) == {"level"}
    levels = rows[rows["estimand"] == "level"]
    assert (rows["wave"] != "").equals(rows["estimand"] == "level")
    for (population, outcome), of_outcome in levels.groupby(["population", "outcome"]):
        asked = study.populations[population].instrument.scales[outcome].waves
        there = study.populations[population].files
        assert set(of_outcome["wave"]) == set(asked) & set(there)
    groups = levels.groupby(["population", "outcome"])["subgroup"].agg(set)
    assert groups["teachers", "beliefs_inquiry"] == {"all", "role=participant", "role=colleague"}
    assert groups["pupils", "persistence"] == {"all", *(f"grade={g}" for g in range(5, 11))}
    primary = rows[rows["plan_role"] == "primary"]
    assert primary[["population", "outcome", "estimand", "family"]].to_numpy().tolist() == [
        ["pupils", "persistence", "linked_change", "pupils: primary"],
        ["pupils", "persistence", "same_grade", "pupils: primary"],
    ]
    assert (rows[rows["plan_role"] == "secondary"]["family"] == "").all()
    pupils = rows[rows["population"] == "pupils"]
    months = pupils[pupils["flags"] != ""].drop_duplicates("subgroup")
    assert months.set_index("subgroup")["flags"].to_dict() == {
        "grade=5": "programme_months=7", "grade=6": "programme_months=17",
        "grade=7": "programme_months=17", "grade=8": "programme_months=17",
        "grade=9": "programme_months=17", "grade=10": "programme_months=17",
    }  # fmt: skip
    assert set(pupils["estimand"]) == {
        "linked_change", "same_grade", "school_change", "cohort_change",
        "programme_vs_comparison", "same_grade_quantile", "share_below",
        "lowest_fifth", "spread_ratio", "level",
    }  # fmt: skip
    by_grade = pupils[pupils["subgroup"].str.startswith("grade=")]
    linked = by_grade[by_grade["estimand"] == "linked_change"]["subgroup"]
    assert list(linked.unique()) == ["grade=5", "grade=6", "grade=7", "grade=8", "grade=9"]
    assert list(pupils["question"].unique()) == ["Q1", "Q2", "Q3", "Q4"]
    assert set(rows[rows["population"] == "teachers"]["estimand"]) == {
        "linked_change", "school_change", "participants", "colleagues",
        "participants_vs_colleagues", "programme_vs_comparison", "dose", "level",
    }  # fmt: skip


def test_in_one_school_year_the_linked_change_is_the_main_one_unless_another_is_declared(write):
    one_year = (
        "post: {from: 2027-03-01, to: 2027-04-30}",
        "post: {from: 2026-05-01, to: 2026-06-15}",
    )
    write(one_year)
    assert main_estimands(load_study("trial"), "teachers")[0] == "linked_change"
    declared = load_study("trial").analysis.primary["pupils"].estimands
    assert main_estimands(load_study("trial"), "pupils")[0] == declared[0]


@pytest.mark.parametrize(
    ("declared", "first"),
    [
        ("[same_grade, linked_change]", "same_grade"),  # as without any
        ("[linked_change, same_grade]", "linked_change"),
        ("[linked_change, school_change]", "linked_change"),
        ("[cohort_change]", "cohort_change"),
        ("[gap_change]", "same_grade"),  # no change of a mean
    ],
)
def test_the_main_change_is_the_one_that_is_declared_primary(write, declared, first):
    write(("[same_grade, linked_change]", declared))
    study = load_study("trial")
    assert main_estimands(study, "pupils")[0] == first
    assert main_estimands(study, "teachers")[0] == "same_grade"  # the others follow, as ever
    rows = plan(study)
    rows = rows[rows["population"].eq("pupils")].assign(region="troms")
    shown = main_changes(study, rows.sample(frac=1, random_state=1))
    assert set(shown["estimand"]) == {first}
    assert sorted(shown["outcome"]) == sorted(set(rows["outcome"]))
    assert set(shown["subgroup"]) == {"all"}


def test_the_plan_asks_only_what_the_study_declares(write):
    write(TEACHERS_TWICE, ("    attendance:", "    estimands: [participants]\n    attendance:"))
    rows = plan(load_study("trial"))
    assert set(rows[rows["population"] == "teachers"]["estimand"]) == {"participants"}


def test_roles_that_were_not_asked_give_no_rows(write):
    folder = write(TEACHERS_TWICE, ("instrument: teacher", "instrument: own"))
    (folder / "instruments").mkdir()
    (folder / "instruments" / "own.yml").write_text(
        "responses: {yes: {0: {nb: Nei}, 1: {nb: Ja}}}\n"
        "scales:\n"
        "  all: {label: {nb: A}, responses: yes, items: {a: {nb: En}}}\n"
        "  few: {label: {nb: B}, responses: yes, roles: participant, items: {b: {nb: To}}}\n"
    )
    assert problems() == [
        "wrong value for scales.few.roles\n"
        "    where:   data_raw/trial/instruments/own.yml, line 4\n"
        "    found:   participant\n"
        "    allowed: a list"
    ]
    own = folder / "instruments" / "own.yml"
    own.write_text(own.read_text().replace("roles: participant", "roles: [participant]"))
    rows = plan(load_study("trial"))
    few = rows[(rows["population"] == "teachers") & (rows["outcome"] == "few")]
    assert list(few["estimand"]) == [
        "linked_change", "school_change", "participants", "programme_vs_comparison", "level",
        "level", "dose",
    ]  # fmt: skip


ANALYSIS = """\
  subgroups: {{pupils: [{subgroup}]}}
  gaps: {{pupils: [{gap}]}}
  drift:
    pupils:
      {outcome}: {{per_grade: -0.067, source: Scherrer and Preckel, date: 2019}}
"""


def test_drift_subgroups_and_gaps_are_declared_beforehand(write):
    folder = write()
    text = (folder / "study.yml").read_text()
    more = ANALYSIS.format(subgroup="grade_band", gap="grade", outcome="persistence")
    (folder / "study.yml").write_text(text + more)
    study = load_study("trial")
    rows = plan(study)
    drift = rows[rows["drift"].notna()]
    assert set(drift["outcome"]) == {"persistence"}
    assert set(drift["estimand"]) == {"linked_change", "cohort_change"}
    assert set(drift["drift"]) == {-0.067}  # from autumn to the spring of the next school year
    pupils = rows[rows["population"] == "pupils"]
    assert set(pupils["subgroup"]) == {"all", "grade_band=5-7", "grade_band=8-10"}
    gaps = rows[rows["estimand"] == "gap_change"]["contrast"].unique()
    assert list(gaps) == [f"grade={other} - grade=5" for other in range(6, 11)]
    assert study.analysis.drift["pupils"]["persistence"].source == "Scherrer and Preckel"


def test_groupings_and_drift_that_the_study_cannot_have_are_told(write):
    folder = write()
    text = (folder / "study.yml").read_text()
    more = ANALYSIS.format(subgroup="gender", gap="grades", outcome="persistance")
    (folder / "study.yml").write_text(text + more)
    told = "\n".join(problems())
    assert told.count("by a column whose groups are not known") == 2
    assert "did you mean grade?" in told
    assert "drift of an outcome that pupils are not asked both before and after" in told
    assert "did you mean persistence?" in told


def test_unknown_study_lists_the_studies(write):
    write()
    with pytest.raises(InputError, match="unknown study") as error:
        load_study("trail")
    assert "allowed: trial" in str(error.value)
    assert "did you mean trial?" in str(error.value)
    with pytest.raises(InputError, match="unknown study"):
        load_study("../data_raw/trial")


WRONG = [
    (("disclosure: internal", "disclosure: intern"), 3, "wrong value for disclosure",
     "did you mean internal?"),
    (("disclosure: internal\n", ""), 1, "missing key: disclosure", "add disclosure"),
    (("analysis:", "analyses:"), 33, "unknown key: analyses", "did you mean analysis?"),
    (("    consent:", "    concent:"), 14, "unknown key: populations.pupils.concent",
     "did you mean consent?"),
    (("languages: [nb, nn, en]", "languages: [nb, no]"), 2, "wrong value for languages.1",
     "allowed: nb, nn, en"),
    (("languages: [nb, nn, en]", "languages: [nb, nb]"), 2, "a language stands twice", "nb, nb"),
    (("languages: [nb, nn, en]", "languages: []"), 2, "wrong value for languages", "at least 1"),
    (("title: {nb:", "title: {no:"), 1, "wrong value for title.no", "found:   no"),
    (("from: 2027-03-01", "from: 1.3.2027"), 5, "wrong value for waves.post.from",
     "a date such as 2025-09-15"),
    (("from: 2027-03-01", "from: 2027-05-01"), 5, "a wave that ends before it begins",
     "from 2027-05-01 to 2027-04-30"),
    (("from: 2027-03-01, ", ""), 5, "a wave with one date", "from and to, or neither"),
    (("{from: 2027-03-01, to: 2027-04-30}", "{}"), 4, "waves with and without dates",
     "dates for pre"),
    (("from: 2027-03-01", "from: 2025-10-01"), 5, "waves out of order", "pre before post"),
    (("  pre: {from: 2025-09-15, to: 2025-10-31}\n", ""), 4, "missing key: waves.pre",
     "others may come later"),
    (("  pre: {from", "  before: {from"), 6, "wrong value for waves.before", "pre, mid, post"),
    (("instrument: pupil", "instrument: pupils"), 9, "instrument not found",
     "did you mean pupil?"),
    (("    instrument: leader\n", ""), 27, "missing key: populations.leaders.instrument", "add"),
    (("{tool: spss,", "{tool: sps,"), 17, "wrong value for populations.pupils.files.post.tool",
     "did you mean spss?"),
    (("file: pre.txt", "fil: pre.txt"), 16, "unknown key: populations.pupils.files.pre.fil",
     "did you mean file?"),
    (("      post: {tool: table", "      mid: {tool: table"), 32,
     "files of a wave that the study does not have (leaders)", "found:   mid"),
    (("file: post.sav", "file: pre.txt"), 17, "one export for two waves or populations",
     "pupils pre; pupils post"),
    (("columns: {grade: grade,", "columns: {grad: grade,"), 17,
     "a file renames a column that pupils does not have", "did you mean grade?"),
    (("    columns: {school_id: skole}\n", "    columns: {skole: skole}\n"), 30,
     "missing key: populations.leaders.columns.school_id", "name the export column"),
    (("school_id: skole, grade: trinn", "school_id: skole, grade: trinn, persistence: x"), 10,
     "a background column of pupils with a name that is taken", "found:   persistence"),
    (("school_id: skole, grade: trinn", "school_id: skole, grade: trinn, wave: x"), 10,
     "a background column of pupils with a name that is taken", "found:   wave"),
    (("    columns: {school_id: skole}\n", "    columns: {school_id: skole, kjonn: k}\n"), 30,
     "a column of leaders that nothing declares", "values: {kjonn: {}} keeps them"),
    (("    columns: {school_id: skole}\n", "    columns: {school_id: skole, gendre: k}\n"), 30,
     "a column of leaders that nothing declares", "did you mean gender?"),
    (("      grade: {5:", "      grad: {5:"), 12,
     "values of a column that pupils does not have", "did you mean grade?"),
    (("grade: {5:", "grade: {fem:"), 12, "grade is not a number", "found:   fem"),
    (("analysis:\n", "labels: {spoken: {nb: språk}}\nanalysis:\n"), 33,
     "a label of what is no background column of the study's own", "allowed: none"),
    (("6: 6. trinn", "6: 5.  TRINN"), 12, "one text for two values of grade", "(5; 6)"),
    (("colleague: [Nei]", "kollega: [Nei]"), 22, "unknown role", "participant, colleague, leader"),
    (("role: leader", "role: rektor"), 29, "wrong value for populations.leaders.role", "rektor"),
    (("    values:\n      role:", "    role: leader\n    values:\n      role:"), 21,
     "one role for all and a column of roles (teachers)", "keep one"),
    (("{by: id, column: nummer}", "{by: id}"), 23, "link and its column do not go together",
     "column: nothing"),
    (("{by: id, column: nummer}", "{by: name, column: nummer}"), 23,
     "wrong value for populations.teachers.link.by", "id, code, row, none"),
    (("yes: Ja}", "yes: []}"), 14, "consent and its answer do not go together",
     "column with yes"),
    (("columns: {gatherings: samlinger}", "columns: {samlinger: samlinger}"), 26,
     "wrong value for populations.teachers.attendance.columns.samlinger",
     "gatherings, interim_work"),
    (("outcomes: [persistence]", "outcomes: [persistance]"), 35,
     "primary outcome that the instrument of pupils does not have", "did you mean persistence?"),
    (("    pupils: {outcomes: [persistence], estimands: [same_grade, linked_change]}",
      "    teachers: {outcomes: [anchoring], estimands: [participants]}"), 35,
     "primary outcome that is not asked both before and after", "found:   anchoring"),
    (("estimands: [same_grade, ", "estimands: [samegrade, "), 35,
     "wrong value for analysis.primary.pupils.estimands.0", "did you mean same_grade?"),
    (("estimands: [same_grade, ", "estimands: [participants, "), 35,
     "estimand that the columns of pupils do not allow", "linked_change, same_grade"),
    (("    attendance:", "    estimands: [same_grade]\n    attendance:"), 26,
     "estimand that the columns of teachers do not allow", "found:   same_grade"),
    (("    pupils: {outcomes", "    pupil: {outcomes"), 35,
     "wrong value for analysis.primary.pupil", "did you mean pupils?"),
    (("analysis:\n", "analysis:\n  sesoi: 0,1\n"), 34, "wrong value for analysis.sesoi",
     "a number, with a decimal point"),
    (("analysis:\n", "analysis:\n  ci_level: 95\n"), 34, "wrong value for analysis.ci_level",
     "less than 1"),
    (("disclosure: internal", "disclosure: internal\ndisclosure: open"), 4, "duplicate key",
     "disclosure (first in line 3)"),
    (("title: {nb: Prøve, en: Trial}", "title: &t {nb: Prøve}\nother: *t"), 2,
     "a part repeated by *", "write it out"),
    (("populations:\n", "schools: [a.csv]\npopulations:\n"), 7, "wrong value for schools",
     "a list of 1"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "what", "more"), WRONG, ids=[w[2] for w in WRONG])
def test_what_is_wrong_in_study_yml_is_told_with_its_line(write, change, line, what, more):
    write(change)
    told = [p for p in problems() if p.startswith(what) and more in p]
    assert told, problems()
    assert f"data_raw/trial/study.yml, line {line}\n" in told[0] + "\n"


def test_wide_files_are_told_where_they_stand(write):
    write(
        (
            "      pre: {tool: nettskjema, file: pre.txt}\n"
            "      post: {tool: spss, file: post.sav, columns: {grade: grade, link: code}}\n",
            "      tool: tabel\n      file: both.csv\n      pre: Pre\n      post: Post.{}\n",
        ),
    )
    tool, pattern = sorted(problems(), reverse=True)
    assert "study.yml, line 16\n" in tool
    assert "did you mean table?" in tool
    assert pattern.startswith("wrong column pattern")
    assert "study.yml, line 18\n" in pattern


def test_everything_wrong_comes_in_one_message(write):
    folder = write(
        ("disclosure: internal", "disclosure: internal\ndisclosure: open"),
        ("    consent:", "    concent:"),
        ("tool: spss", "tool: sps"),
        ("instrument: leader", "instrument: boss"),
        ("outcomes: [persistence]", "outcomes: [persistance]"),
        ("instrument: teacher", "instrument: own"),
        schools=SCHOOLS.replace("1-7", "1-"),
    )
    (folder / "instruments").mkdir()
    (folder / "instruments" / "own.yml").write_text("responses: {}\nscale: {}\n")
    assert [problem.splitlines()[0] for problem in problems()] == [
        "duplicate key",
        "unknown key: populations.pupils.concent",
        "wrong value for populations.pupils.files.post.tool",
        "primary outcome that the instrument of pupils does not have",
        "grades not understood",
        "missing key: scales",
        "unknown key: scale",
        "instrument not found",
    ]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("title: {nb: a\nlanguages: [nb]\n", "line 2", "not valid YAML"),
        ("title: a: b\n", "line 1", "not valid YAML"),
        ("", "line 1", "an empty file"),
        ("- a\n- b\n", "line 1", "no keys at the top"),
        ("? [a]\n: b\n", "line 1", "a key that is not a text"),
    ],
)
def test_a_file_that_is_no_study_is_told(write, text, where, what):
    (write() / "study.yml").write_text(text)
    told = "\n".join(problems())
    assert what in told
    assert f"data_raw/trial/study.yml, {where}" in told


def test_a_file_in_another_encoding_is_told(write):
    (write() / "study.yml").write_bytes("title: {nb: Løft}".encode("cp1252"))
    assert "a text file in UTF-8" in problems()[0]


def test_scalars_stay_text(tmp_path):
    file = tmp_path / "a.yml"
    file.write_text("a: [0301, No, 007, 1e3, 2025-01-01, null, '']\nb:\nc: ~\n")
    read = read_yaml(file).content
    assert read["a"] == ["0301", "No", "007", "1e3", "2025-01-01", "null", ""]
    assert read["b"] is read["c"] is None


def test_the_register_keeps_ids_and_names_regions_once(write):
    write(schools="\ufeff" + SCHOOLS.replace(",", ";"))
    schools = load_study("trial").schools
    assert list(schools["school_id"]) == ["007", "0301", "12"]
    assert list(schools["region"]) == ["troms", "oslo", "troms"]
    assert list(schools["role"]) == ["programme", "comparison", "programme"]
    assert list(schools["grades"]) == ["1-7", "8-10", ""]
    assert schools["invited_pupils"].isna().tolist() == [False, True, False]
    assert schools["invited_pupils"].sum() == 47
    assert load_study("trial").regions.to_dict("list") == {
        "region": ["troms", "oslo"],
        "name": ["Troms - Romsa - Tromssa", "Oslo"],
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nordland - Nordlánnda", "nordland"),
        ("Trøndelag - Trööndelage", "trondelag"),
        ("Finnmark - Finnmárku - Finmarkku", "finnmark"),
        ("Møre og Romsdal", "more-og-romsdal"),
        ("  Ålesund & omegn ", "alesund-omegn"),
        ("A\u030alesund", "alesund"),
        ("spring 2009", "spring-2009"),
        ("Aust-Agder", "aust-agder"),
        ("—", ""),
    ],
)
def test_slugs(name, expected):
    assert slug(name) == expected


def test_everything_wrong_in_the_register_comes_with_its_line(write):
    write(
        schools="school_id,school,region,grades,role,invited_pupils,skole_type\n"
        "1,A,Oslo,1-,,,\n"
        "1,B,,7-1,,,\n"
        ",C,Oslo,01.jul,program,,\n"
        "\n"
        "4,D,National,1-11,,tre,\n"
        "5,E\n"
        "6,F,Vest - A,,,,\n"
        "7,G,Vest - B,8,,,\n"
    )
    told = [
        (problem.splitlines()[0], problem.splitlines()[1].rpartition("row ")[2])
        for problem in problems()
    ]
    assert told == [
        ("grades not understood", "2"),
        ("region is empty", "3"),
        ("duplicate school_id", "3"),
        ("grades not understood", "3"),
        ("school_id is empty", "4"),
        ("grades not understood", "4"),
        ("unknown role of a school", "4"),
        ("region without a usable name", "6"),
        ("grades not understood", "6"),
        ("invited_pupils is not a number", "6"),
        ("region is empty", "7"),
        ("two regions with the short name vest", "9"),
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "missing column: school_id"),
        ("school_id,school\n1,A\n", "missing column: region"),
        ("school_id,school,region\n", "no school in the register"),
        ("school_id,school,region,region\n1,A,B,C\n", "column stands twice"),
    ],
)
def test_a_register_without_what_it_needs_is_told(write, text, what):
    write(schools=text)
    assert any(problem.startswith(what) for problem in problems())


def test_a_missing_register_is_told_and_does_not_stop_a_plan(write):
    (write() / "schools.csv").unlink()
    study = load_study("trial")
    assert study.regions.empty
    (problem,) = missing_register(study)
    assert problem.found == "no such file"
    assert problem.where == "data_raw/trial/schools.csv"


def test_a_register_may_be_in_any_encoding_of_exports(tmp_path):
    file = tmp_path / "schools.csv"
    text = "school_id;school;region;type\n1;Å;B;x\n"
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        file.write_bytes(text.encode(encoding))
        frame, told, (remark,) = read_schools(file)
        assert frame["school"].to_list() == ["Å"]
        assert not told
        assert remark.found == "1: type"
    file.write_bytes(text.encode("mac-roman"))
    frame, (problem,), _ = read_schools(file)
    assert frame.empty
    assert problem.what == "school register cannot be read"
    assert problem.where.endswith("schools.csv")
    assert read_schools(file, encoding="mac-roman")[0]["school"].to_list() == ["Å"]


def test_a_region_written_in_several_ways_is_one_and_told(tmp_path):
    file = tmp_path / "schools.csv"
    rows = ["Trøndelag", "Trondelag", "Troms - Romsa - Tromssa", "Troms", "Trøndelag", "Oslo"]
    lines = [f"{n},School {n},{region}" for n, region in enumerate(rows)]
    file.write_text("school_id,school,region\n" + "\n".join(lines), encoding="utf-8")
    frame, problems, remarks = read_schools(file)
    assert not problems
    assert [*frame["region"].unique()] == ["trondelag", "troms", "oslo"]
    assert [remark.found for remark in remarks] == [
        "“Trøndelag” (2 schools), “Trondelag” (1 school)",
        "“Troms - Romsa - Tromssa” (1 school), “Troms” (1 school)",
    ]
    assert "it counts as one, called “Trøndelag”" in remarks[0].todo


def test_columns_of_the_register_may_have_names_of_their_own(write):
    columns = (
        "{school_id: Organisasjonsnummer, school: Navn, region: Fylke, invited_pupils: Elever}"
    )
    own = f"schools: {{file: schools.csv, columns: {columns}}}\nlanguages:"
    folder = write(
        ("languages:", own),
        schools="Navn;Fylke;Organisasjonsnummer;Elever;Målform\n"
        "Ås skole;Oslo - Oslove;975 270 920;120;B\n",
    )
    study = load_study("trial")
    assert study.schools[["school_id", "region"]].values.tolist() == [["975270920", "oslo"]]
    assert study.schools["invited_pupils"].to_list() == [120]
    assert study.remarks[0].found == "1: Målform"
    assert register_path("trial") == folder / "schools.csv"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("{school_id: Orgnr}", "missing column of the register: Orgnr"),
        ("{skole: school}", "unknown column of the school register"),
        ("school_id", "wrong value for schools.columns"),
    ],
)
def test_names_of_the_registers_columns_are_checked(write, columns, said):
    write(("languages:", f"schools: {{file: schools.csv, columns: {columns}}}\nlanguages:"))
    assert any(problem.startswith(said) for problem in problems())


def test_missing_exports_are_told_but_do_not_stop_loading(write):
    folder = write()
    (folder / "pre_.txt").write_text("x")
    (folder / "leaders.csv").write_text("x")
    told = [str(problem) for problem in missing_exports(load_study("trial"))]
    assert [line.split()[-1] for text in told for line in text.splitlines() if "found" in line] == [
        "pre.txt", "post.sav", "teachers.xlsx", "attendance.csv",
    ]  # fmt: skip
    assert "data_raw/trial/study.yml, line 16" in told[0]
    assert "did you mean pre_.txt?" in told[0]
    assert "put the export into data_raw/trial" in told[1]


def test_exports_are_found_however_their_letters_are_composed(write):
    folder = write(("file: pre.txt", "file: før.txt"), ("file: post.sav", "file: år.sav"))
    (folder / "før.txt").write_text("x")
    (folder / "a\u030ar.sav").write_text("x")
    study = load_study("trial")
    assert study.export_path("år.sav").read_text() == "x"
    assert not any("år" in problem.found for problem in missing_exports(study))


def test_texts_that_lack_a_language_are_told_place_by_place():
    study = load_study("sats")
    assert untranslated(study) == []
    title, instrument = untranslated(study.model_copy(update={"languages": ("en", "nn")}))
    assert (title.where, title.found) == ("study.yml", "1: title")
    assert instrument.what == "texts without a translation into nn"
    n_texts = sum(1 + len(s.items) for s in study.populations["pupils"].instrument.scales.values())
    assert instrument.found.startswith(f"{n_texts + 3}: scale effort")  # labels in words: three
    assert untranslated(load_study("demo")) == []
