"""Drafts of a study from its exports: what they hold, that guesses stop, that check gets green."""

import re
import shutil

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from ruamel.yaml import YAML

from loftet_analysis import paths
from loftet_analysis.batch.cli import main
from loftet_analysis.cleaning.answer_scales import SCALES, known_scale
from loftet_analysis.cleaning.draft import draft
from loftet_analysis.study import load_study
from loftet_analysis.study.load import UNCONFIRMED
from tests.long import long_but
from tests.small_demo import HERE, build_root

EXPORTS = ("*.txt", "*.sav", "data-*.xlsx")


@pytest.fixture
def root(tmp_path, tmp_path_factory, monkeypatch):
    build_root(tmp_path)
    for name in ("LOFTET_ROOT", "LOFTET_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path_factory.mktemp("keys")))
    return tmp_path


def confirm(folder) -> int:
    """Take the words away that mark guesses; return how many there were."""
    n = 0
    for path in [folder / "study.yml", *folder.glob("instruments/*.yml")]:
        text, found = re.subn(
            rf"(?m)(?<=\S)  #.*{UNCONFIRMED}$", "", path.read_text(encoding="utf-8")
        )
        path.write_text(text, encoding="utf-8")
        n += found
    return n


def new(root, study, files, *options) -> int:
    (root / "data_raw" / study).mkdir(exist_ok=True)
    return main(["new", study, *map(str, files), *options])


def invented(n=240, seed=5) -> dict[str, pd.DataFrame]:
    """Two waves of an invented questionnaire with texts, a turned item, ids and free text."""
    rng = np.random.default_rng(seed)
    agree = [text.split("|")[0] for text in SCALES["agree5", "nb"]]
    waves = {}
    for wave, day in (("pre", "2025-09-1"), ("post", "2027-09-1")):
        trait = rng.normal(size=n)

        def answer(sign, trait=trait):
            value = np.clip(np.round(3 + sign * trait + rng.normal(size=n) * 0.6), 1, 5)
            return [agree[int(v) - 1] for v in value]

        waves[wave] = pd.DataFrame({
            "Tidspunkt": [f"{day}{i % 9} 10:{i % 60:02}" for i in range(n)],
            "Elevkode": [f"ab{i:04}" for i in range(n)],
            "E-postadresse": [f"kari{i}@example.org" for i in range(n)],
            "Skole": [f"Skole {i % 8}" for i in range(n)],
            "Hvilket trinn går du på?": [f"{5 + i % 3}. trinn" for i in range(n)],
            "Kjønn": [["Jente", "Gutt"][i % 2] for i in range(n)],
            "Jeg liker matematikk.": answer(1),
            "Jeg gleder meg til matematikk.": answer(1),
            "Matematikk er gøy.": answer(1),
            "Matematikk er kjedelig.": answer(-1),
            "Hva vil du si til oss?": [f"Jeg synes at time {i} var fin" for i in range(n)],
        })  # fmt: skip
    return waves


def written(folder, **waves):
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in waves.items():
        frame.to_csv(folder / f"elever_{name}.csv", index=False)
    return sorted(folder.glob("elever_*.csv"))


@pytest.mark.long
def test_the_demo_s_exports_alone_lead_to_a_study_that_nothing_stops(small_demo, root, capsys):
    folder = root / "data_raw/mine"
    folder.mkdir()
    for pattern in EXPORTS:
        for path in (small_demo / "data_raw/demo").glob(pattern):
            shutil.copy(path, folder)
    files = sorted(folder.iterdir())
    assert new(root, "mine", files) == 0
    said = capsys.readouterr().out
    assert re.search(r"pupils › link: .*\(9", said)
    assert main(["check", "mine"]) == 2
    told = capsys.readouterr().err
    assert "1 problem:\n\nguesses that are not confirmed\n" in told
    lines = re.findall(r"^ {13}(\S+:\d+  .+)$", told, re.MULTILINE)
    assert re.findall(r"^  (\S+:\d+  .+)$", said, re.MULTILINE) == lines  # one list, one order
    listed = re.findall(r"^ {13}(\S+):(\d+)  (.+?)(?:  \(.*)?$", told, re.MULTILINE)
    for file, line, key in listed:
        there = (folder / file).read_text("utf-8").splitlines()[int(line) - 1]
        assert UNCONFIRMED in there
        assert key.rpartition(" › ")[2] in there
    assert f"{len(listed)}, the most important first" in told
    said_of = [key for *_, key in listed]
    assert said_of[-2:] == ["title: {nb: mine}", "languages: [nb]"]
    link = next(key for key in said_of if key.startswith("pupils › link: "))
    assert said_of.index(link) < said_of.index(next(k for k in said_of if "columns › " in k))
    assert confirm(folder) > 20
    assert main(["check", "mine"]) == 0
    study, own = load_study("mine"), load_study_of(small_demo)
    for who, population in own.populations.items():
        drafted = study.populations[who]
        assert drafted.instrument.name == population.instrument.name
        assert drafted.files.keys() == population.files.keys()
        for wave, file in population.files.items():
            of = drafted.files[wave]
            assert [each.file for each in of] == [each.file for each in file]
        assert drafted.link.by == population.link.by
        assert drafted.consent["post"].yes == population.consent["post"].yes
        assert set(drafted.columns) >= set(population.columns) - {"role"}
    assert "some exports name schools by id and others by name" in said
    schools = study.schools.set_index("school_id")["school"]
    by_name = schools.index.str.match(r"s\d{3}$")
    assert set(schools.index[~by_name]) <= set(own.schools["school_id"])
    assert set(schools[by_name]) <= {*own.schools["school"], "TEST"}


def load_study_of(root, name="demo"):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(root))
        return load_study(name)


def test_an_unknown_questionnaire_is_drafted_with_scales_answers_and_turned_items(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    assert new(root, "mine", files) == 0
    folder = root / "data_raw/mine"
    everything = "".join(p.read_text("utf-8") for p in folder.rglob("*") if p.suffix == ".yml")
    everything += (folder / "schools.csv").read_text("utf-8")
    assert "kari" not in everything
    assert "ab00" not in everything
    assert "fin" not in re.findall(r"\w+", everything)
    confirm(folder)
    assert main(["check", "mine"]) == 0
    study = load_study("mine")
    pupils = study.populations["pupils"]
    (scale,) = pupils.instrument.scales.values()
    assert [item.reversed for item in scale.items.values()] == [False, False, False, True]
    assert next(item.text["nb"] for item in scale.items.values()) == "Jeg liker matematikk."
    labels = pupils.instrument.responses[scale.responses].labels
    assert [text["nb"] for text in labels.values()] == [
        text.split("|")[0] for text in SCALES["agree5", "nb"]
    ]
    assert pupils.link.by == "code"
    assert study.waves["pre"].start.isoformat() == "2025-09-10"
    assert study.waves["post"].end.isoformat() == "2027-09-18"
    assert list(study.schools["school"]) == [f"Skole {i}" for i in range(8)]
    assert set(pupils.columns) >= {"school_id", "grade", "gender", "submitted"}


def test_what_fewer_than_three_sheets_say_is_not_written(root, capsys):
    waves = invented()
    waves["post"].loc[7, "Kjønn"] = "annet, spør Solveig"
    waves["post"].loc[8, "Skole"] = "Solveigs skole"
    files = written(root / "data_raw/mine", **waves)
    made, notes = draft("mine", files)
    assert "Solveig" not in "".join([*made.values(), *notes])
    assert any("1 schools of few questionnaires, or like" in note for note in notes)


@pytest.mark.long
def test_the_real_file_with_both_waves_in_a_row_is_drafted_to_clean_data(root, capsys):
    folder = root / "data_raw/mine"
    folder.mkdir()
    shutil.copy(HERE / "data_raw/sats/sats_s.csv", folder)
    assert new(root, "mine", [folder / "sats_s.csv"], "--accept") == 0
    assert UNCONFIRMED not in (folder / "study.yml").read_text("utf-8")
    assert main(["clean", "mine"]) == 0
    assert paths.clean("mine").is_dir()
    drafted = load_study("mine")
    # the study that is kept differs in what the guide lists, and in nothing else
    kept = load_study_of(HERE, "sats")

    def told(study):
        (pupils,) = study.populations.values()
        files = {w: [(f.file, f.header("E1")) for f in of] for w, of in pupils.files.items()}
        return pupils.columns, pupils.link, files, {*study.schools["school_id"]}

    def scales(study):
        items = study.populations["pupils"].instrument.items.values()
        assert not any(item.reversed for _, item in items)
        return {
            frozenset(item.columns[0] for item in scale.items.values())
            for scale in study.populations["pupils"].instrument.scales.values()
        }

    assert told(drafted) == told(kept)
    assert scales(drafted) - scales(kept) == {frozenset({"cgmath", "vcareer", "cmaster"})}
    assert scales(kept) < scales(drafted)


@pytest.mark.parametrize(("low", "high"), [(1, 7), (0, 10), (1, 4)])
def test_codes_without_labels_are_a_guess_that_is_named_first(root, capsys, low, high):
    rng = np.random.default_rng(low + high)
    frame = pd.DataFrame({"school": [f"S{i % 6}" for i in range(90)]})
    for i in range(1, 6):
        frame[f"q{i}"] = rng.integers(low, high + 1, 90)
    files = written(root / "data_raw/mine", pre=frame)
    assert new(root, "mine", files) == 0
    first = capsys.readouterr().out.partition("the most important first:\n")[2].splitlines()[0]
    assert re.match(r"  instruments/pupils.yml:\d+  responses › .*the export tells no order", first)
    made = {path: path.read_text("utf-8") for path in (root / "data_raw/mine").rglob("*.yml")}
    text = made[root / "data_raw/mine/instruments/pupils.yml"]
    assert f"from_{min(low, 1)}_to_{high}:" in text
    assert text.count("columns: [q") == 5


def test_without_files_templates_are_written_that_say_what_to_fill_in(root, capsys):
    assert main(["new", "mine"]) == 0
    assert {path.name for path in (root / "data_raw/mine").rglob("*") if path.is_file()} == {
        "study.yml", "pupils.yml", "schools.csv",
    }  # fmt: skip
    assert "1: {nb: Helt uenig}" in (root / "data_raw/mine/instruments/pupils.yml").read_text(
        "utf-8"
    )
    assert main(["check", "mine"]) == 2
    confirm(root / "data_raw/mine")
    assert main(["check", "mine"]) == 2
    said = capsys.readouterr().err
    assert "no school in the register" in said


def test_nothing_is_overwritten_and_what_cannot_be_read_stops(root, capsys):
    files = written(root / "data_raw/mine", **invented(40))
    assert new(root, "mine", files) == 0
    before = (root / "data_raw/mine/study.yml").read_bytes()
    assert new(root, "mine", files) == 2
    assert "the study is there already" in capsys.readouterr().err
    assert (root / "data_raw/mine/study.yml").read_bytes() == before
    assert new(root, "other", [root / "nowhere.csv"]) == 2
    assert "export is missing" in capsys.readouterr().err
    assert new(root, "Å Ø", []) == 2
    elsewhere = written(root / "elsewhere", pre=invented(40)["pre"])
    assert new(root, "third", [*files, *elsewhere]) == 2
    assert "several folders" in capsys.readouterr().err


def test_every_known_scale_is_found_by_all_of_its_answers():
    for (name, language), answers in SCALES.items():
        texts = [answer.split("|")[0] for answer in answers]
        found = known_scale(texts)
        assert (found[0], [*found[2].values()]) == (name, texts), (name, language)
        assert known_scale([*texts, "Blue"]) is None


def scale(n, sign=1.0, seed=1, levels=5, trait=None):
    """Answers of a scale as whole numbers from 1, and the trait behind them."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n) if trait is None else trait
    value = (levels + 1) / 2 + sign * trait + rng.normal(size=n) * 0.6
    return np.clip(np.round(value), 1, levels).astype(int)


def questions_of(root, frame, accept=True):
    """Return the drafted instrument of one export, and its text."""
    (path,) = written(root / "data_raw/mine", pre=frame)
    made, _ = draft("mine", [path], accept=accept)
    text = next(text for place, text in made.items() if place.parent.name == "instruments")
    return YAML(typ="safe").load(text), text


def study_of(root, **waves):
    """Return what is drafted of the pupils in study.yml, with its lines and the notes."""
    made, notes = draft("mine", written(root / "data_raw/mine", **waves))
    text = next(text for place, text in made.items() if place.name == "study.yml")
    return YAML(typ="safe").load(text)["populations"]["pupils"], [*text.splitlines(), *notes]


@pytest.mark.parametrize("known", [(), ("Skole", "Kjønn")])
def test_a_number_of_the_rows_links_nobody(root, known):
    waves = invented()
    for frame in waves.values():
        frame.insert(0, "Løpenummer", range(1, len(frame) + 1))
        for column in {"Skole", "Kjønn"}.difference(known):
            del frame[column]
    waves["post"] = waves["post"].sample(frac=0.9, random_state=1)
    waves["post"]["Løpenummer"] = range(1, len(waves["post"]) + 1)
    told, guesses = study_of(root, **waves)
    assert told["link"] == {"by": "code", "column": "Elevkode"}
    assert any("not Løpenummer, which numbers the rows" in guess for guess in guesses)
    for frame in waves.values():
        del frame["Elevkode"]
    told, guesses = study_of(root, **waves)
    assert told["link"] == {"by": "none"}
    assert any("link: {by: none}  # " in guess for guess in guesses)


def test_the_elements_of_a_code_are_told_by_its_shape(root):
    waves = invented()
    for frame in waves.values():
        made = [f"{'ABCDEFGH'[i % 8]}{'KLMN'[i % 4]} {i % 28 + 1:02}-{'RSTUV'[i // 48]}"
                for i in range(len(frame))]  # fmt: skip
        frame["Elevkode"] = [*made[:-2], "a1", "vet ikke"]
    told, _ = study_of(root, **waves)
    assert told["link"] == {"by": "code", "column": "Elevkode", "elements": [2, 2, 1]}
    for frame in waves.values():
        frame["Elevkode"] = [f"a{i:04}b" for i in range(len(frame))]  # a number counts people
    told, guesses = study_of(root, **waves)
    assert "elements" not in told["link"]
    assert any("no elements of the codes: three or more parts of at most two" in g for g in guesses)


def test_a_file_of_several_populations_is_parted_by_the_column_that_tells_them(root):
    waves = invented()
    for wave, pupils in waves.items():
        asked = [column for column in pupils if column.endswith("matematikk.")]
        teachers = pupils.iloc[:90].drop(columns=[*asked, "Hvilket trinn går du på?"])
        renamed = {"Matematikk er gøy.": "Jeg liker å undervise.",
                   "Matematikk er kjedelig.": "Elevene får prøve selv."}  # fmt: skip
        teachers = teachers.rename(columns=renamed)
        teachers["Elevkode"] = "t" + teachers["Elevkode"]
        parts = [pupils.assign(Rolle="Elev"), teachers.assign(Rolle="Lærer")]
        waves[wave] = pd.concat(parts, ignore_index=True).fillna("")
    folder = root / "data_raw/mine"
    files = [path.rename(path.with_stem(f"svar_{path.stem[-4:].strip('_')}"))
             for path in written(folder, **waves)]  # fmt: skip
    assert new(root, "mine", files) == 0
    told = YAML(typ="safe").load((folder / "study.yml").read_text("utf-8"))["populations"]
    assert [*told] == ["pupils", "teachers"]
    assert told["pupils"]["files"]["pre"]["only"] == {"column": "Rolle", "values": ["Elev"]}
    assert told["teachers"]["files"]["post"]["only"] == {"column": "Rolle", "values": ["Lærer"]}
    assert "role" not in told["teachers"]["columns"]
    assert (folder / "study.yml").read_text("utf-8").count("by the column Rolle") == 2
    confirm(folder)
    assert main(["check", "mine"]) == 0
    asked = {who: of.instrument.columns for who, of in load_study("mine").populations.items()}
    assert (len(asked["pupils"]), len(asked["teachers"])) == (4, 2)


@pytest.mark.parametrize(
    "owned", long_but([("Elevkode", False)], [("Elevnummer", True), ("Elevkode", False)])
)
def test_a_register_of_attendance_is_known_and_belongs_to_whom_it_finds(root, owned):
    owner, reads = owned
    waves = {wave: frame.rename(columns={"Elevkode": owner}) for wave, frame in invented().items()}
    folder = root / "data_raw/mine"
    files = written(folder, **waves)
    register = folder / "oppmote.csv"
    register.write_text(
        "\n".join(
            [f"{owner};Samlinger;Mellomarbeid", *(f"AB{i:04};{i % 9};3" for i in range(150))]
        ),
        "utf-8",
    )
    assert new(root, "mine", [*files, register]) == 0
    text = (folder / "study.yml").read_text("utf-8")
    told = YAML(typ="safe").load(text)["populations"]["pupils"]
    columns = {"gatherings": ["Samlinger"], "interim_work": ["Mellomarbeid"]}
    asked = {"file": "oppmote.csv", "id": owner, "columns": columns}
    assert told.get("attendance") == (asked if reads else None)
    assert ("# not used: oppmote.csv" in text) is not reads
    confirm(folder)
    assert main(["check", "mine"]) == 0


def test_a_column_that_finds_pupils_of_other_schools_links_nobody(root):
    waves = invented()
    waves["post"]["Elevkode"] = waves["post"]["Elevkode"].sample(frac=1, random_state=1).array
    told, guesses = study_of(root, **waves)
    assert told["link"] == {"by": "none"}
    assert any("not Elevkode, which finds other people" in guess for guess in guesses)


def test_numbered_people_who_come_back_to_their_schools_are_linked(root):
    waves = invented()
    for frame in waves.values():
        frame["Elevkode"] = range(1, len(frame) + 1)
    told, _ = study_of(root, **waves)
    assert told["link"]["column"] == "Elevkode"


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        ("Samtykke", "Ja, jeg vil", "Ja, men ikke nå"),
        ("Vil du være med i undersøkelsen?", "Ja", "Nei"),
        ("Ønskjer du å delta?", "Ja", "Nei"),
        ("Do you agree to take part in this study?", "Yes", "No"),
        ("Samtykke", "Jeg samtykker", "Jeg samtykker ikke"),
    ],
)
def test_consent_is_known_by_its_question(root, asked, yes, no):
    waves = invented()
    for frame in waves.values():
        frame[asked] = np.where(np.arange(len(frame)) % 20, yes, no)
    told, guesses = study_of(root, **waves)
    assert told["consent"] == {"column": asked, "yes": yes}
    assert any(" consent: {" in guess and "# 95% say so" in guess for guess in guesses)


def test_a_question_that_nearly_all_say_yes_to_is_asked_about(root):
    waves = invented()
    for frame in waves.values():
        frame["Går det greit at svarene brukes?"] = np.where(
            np.arange(len(frame)) % 20, "Ja", "Nei"
        )
    told, guesses = study_of(root, **waves)
    assert "consent" not in told
    assert any("the consent? 95% say yes" in guess for guess in guesses)


def test_a_draft_says_where_no_question_of_consent_was_found(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    assert new(root, "mine", files) == 0
    left = capsys.readouterr().out.partition("Left to you:\n")[2]
    assert "study.yml, pupils: no question of consent was found; if there was one, " in left
    text = (root / "data_raw/mine/study.yml").read_text("utf-8")
    assert "    # no question of consent was found\n    # where there is one: consent: {" in text
    waves = {wave: frame.assign(Samtykke="Ja") for wave, frame in invented().items()}
    _, said = study_of(root, **waves)
    assert not any("no question of consent" in each for each in said)


def test_a_number_in_the_class_is_no_question(root):
    pre = invented()["pre"].assign(Elevnummer=np.arange(240) % 9 + 1)
    scales, _ = questions_of(root, pre)
    columns = [item["columns"] for s in scales["scales"].values() for item in s["items"].values()]
    assert len(columns) == 4
    assert ["Elevnummer"] not in columns


def test_typing_errors_and_codes_for_no_answer_lose_no_question(root):
    n = 300
    rng = np.random.default_rng(3)
    trait = rng.normal(size=n)
    often = ["Nesten aldri", "Av og til", "Omtrent halvparten av tiden", "For det meste",
             "Nesten alltid"]  # fmt: skip
    columns = {}
    for i in range(4):
        codes = pd.Series(scale(n, seed=i, levels=4, trait=trait).astype(str))
        codes[rng.choice(n, 12, replace=False)] = "Vet ikke"
        codes[rng.choice(n, 6, replace=False)] = "9"
        codes[5 + i] = "33"
        columns[f"m{i + 1}"] = codes
        words = pd.Series([often[v - 1] for v in scale(n, seed=9 + i, trait=trait)])
        words[rng.choice(n, 5, replace=False)] = "NESTEN ALDRI"
        words[7 + i] = "nesten aldrri"
        columns[f"h{i + 1}"] = words
    said, _ = questions_of(root, pd.DataFrame(columns))
    sets, scales = said["responses"], said["scales"]
    assert [len(each["items"]) for each in scales.values()] == [4, 4]
    first, second = (sets[each["responses"]] for each in scales.values())
    assert [*first] == [1, 2, 3, 4, "missing"]
    assert set(map(str, first["missing"])) == {"Vet ikke", "9"}
    assert [second[value]["nb"] for value in range(1, 6)] == often


def test_scales_that_are_numbered_together_are_told_apart_by_their_answers(root):
    rng = np.random.default_rng(4)
    traits = rng.normal(size=(3, 400))
    frame = pd.DataFrame({
        f"v{i + 1}": scale(400, seed=i, trait=traits[i // 4], sign=-1 if i == 6 else 1).astype(str)
        for i in range(12)
    })  # fmt: skip
    said, _ = questions_of(root, frame)
    found = [[*each["items"]] for each in said["scales"].values()]
    assert found == [[f"v{i}" for i in range(k, k + 4)] for k in (1, 5, 9)]
    turned = {c for each in said["scales"].values() for c, i in each["items"].items()
              if i.get("reversed")}  # fmt: skip
    assert turned == {"v7"}


def test_answers_that_no_list_knows_are_a_scale_whose_order_is_a_guess(root):
    words = ["Som en katt", "Som en hund", "Som en hest"]
    frame = pd.DataFrame({
        f"k{i}": [words[v - 1] for v in scale(90, seed=i, levels=3)] for i in range(3)
    })  # fmt: skip
    frame = frame.assign(alene=["rød", "blå", "grå"] * 30, m1=["1", "2", "3"] * 30)
    said, _ = questions_of(root, frame)
    assert [[*each["items"]] for each in said["scales"].values()] == [["m1"]]  # nobody looks at it
    said, text = questions_of(root, frame.drop(columns="m1"), accept=False)
    (found,) = said["scales"].values()
    assert [*found["items"]] == ["k0", "k1", "k2"]
    assert {t["nb"] for t in said["responses"][found["responses"]].values()} == {*words}
    assert "the export tells no order" in text


def three_scales(people: int = 240) -> dict[str, pd.DataFrame]:
    """Two waves of twelve questions of three scales, each with its last one turned."""
    agree = [text.split("|")[0] for text in SCALES["agree5", "nb"]]
    asked = {"Regning": "går lett for meg.", "Prøver": "gjør meg nervøs.", "Grupper": "lærer mest."}
    waves = invented(people)
    for seed, (wave, frame) in enumerate(waves.items()):
        rng = np.random.default_rng(seed)
        kept = frame.drop(columns=[c for c in frame if c.endswith("matematikk.") or "er " in c])
        for word, rest in asked.items():
            trait = rng.normal(size=people)
            for k, more in enumerate(("i timen", "hjemme", "på skolen", "alene")):
                sign = -1 if k == 3 else 1
                value = np.clip(np.round(3 + sign * trait + rng.normal(size=people) * 0.7), 1, 5)
                kept[f"{word} {more} {rest}"] = [agree[int(v) - 1] for v in value]
        waves[wave] = kept
    return waves


def drafted(root, waves) -> tuple[dict, str]:
    """Return the scales of a draft and its text."""
    made, _ = draft("mine", written(root / "data_raw/mine", **waves), accept=True)
    text = next(text for place, text in made.items() if place.parent.name == "instruments")
    return YAML(typ="safe").load(text)["scales"], text


@pytest.mark.parametrize(
    "heading",
    long_but(
        ["Regning heime går lett for meg."],
        [
            "Regning hjemme går greit for meg.",
            "Regning heime går lett for meg.",
            "Regning når vi er hjemme går lett for meg.",
        ],
    ),
)
def test_a_question_in_other_words_in_one_wave_is_one_question(root, heading):
    why = "they stand at the same place"
    waves = three_scales()
    whole, _ = drafted(root, waves)
    waves["post"] = waves["post"].rename(columns={"Regning hjemme går lett for meg.": heading})
    scales, text = drafted(root, waves)
    assert len(scales) == 3
    both = {"Regning hjemme går lett for meg.", heading}
    (first, *_) = scales.values()
    assert {*[*first["items"].values()][1]["columns"]} == both
    assert text.count(f"  # one question in other words: {why}; guessed") == 1
    for found, before in zip(scales.values(), whole.values(), strict=True):
        turned = [item.get("reversed", False) for item in found["items"].values()]
        assert turned == [item.get("reversed", False) for item in before["items"].values()]
        assert turned == [False, False, False, True]


def test_a_question_that_is_moved_and_hardly_reworded_is_one_question(root):
    waves = three_scales()
    moved = waves["post"].pop("Prøver alene gjør meg nervøs.")
    waves["post"]["Prøver alene gjer meg nervøs."] = moved
    scales, text = drafted(root, waves)
    assert len(scales) == 3
    assert text.count("# one question in other words: they resemble each other; guessed") == 1


@pytest.mark.parametrize(
    "heading",
    long_but(
        ["turned"],
        ["Vi bruker spill og film ofte nok.", "Regning hjemme 2 går lett for meg.", "turned"],
    ),
)
def test_a_question_of_one_wave_breaks_no_scale_and_is_told(root, heading):
    waves = three_scales()
    old, agree = "Regning hjemme går lett for meg.", SCALES["agree5", "nb"]
    if heading == "turned":  # words that resemble the old ones, and mean the opposite
        heading = "Regning hjemme går ikke lett for meg."
        texts = [text.split("|")[0] for text in agree]
        waves["post"][old] = waves["post"][old].map(dict(zip(texts, texts[::-1], strict=True)))
    waves["post"] = waves["post"].rename(columns={old: heading})
    scales, text = drafted(root, waves)
    assert [len(scale["items"]) for scale in scales.values()] == [5, 4, 4]
    asked = {
        item["columns"][0]: item["waves"]
        for item in next(iter(scales.values()))["items"].values()
        if "waves" in item
    }
    assert asked == {old: ["pre"], heading: ["post"]}
    assert text.count("# no export of another wave has it; guessed") == 2
    assert new(root, "mine", sorted((root / "data_raw/mine").glob("*.csv")), "--accept") == 0
    assert main(["check", "mine"]) == 0


def test_a_code_that_is_another_question_in_another_wave_is_written_as_its_question(root):
    waves = {}
    for wave, frame in three_scales().items():
        texts = ["Hvor sant er dette? - " + c if c in [*frame][-12:] else c for c in frame]
        if wave == "post":
            texts[-12] = "Hvor sant er dette? - Vi bruker spill og film."
        codes = [f"a{k}" for k in range(len(texts) - 12)]
        codes += [f"Q{scale}_{k}" for scale in "567" for k in range(4)]
        tool = {"EndDate": frame["Tidspunkt"], "ResponseId": [f"R_{i}" for i in range(len(frame))]}
        told = pd.concat([pd.DataFrame([texts, ["{}"] * len(texts)], columns=codes),
                          frame.set_axis(codes, axis=1)], ignore_index=True)  # fmt: skip
        own = {c: [c, "{}", *values] for c, values in tool.items()}
        waves[wave] = pd.DataFrame({"StartDate": own["EndDate"], **own, **told})
    scales, _ = drafted(root, waves)
    first = [*next(iter(scales.values()))["items"].values()]
    assert len(scales) == 3
    assert sorted((*item["columns"], *item["waves"]) for item in first if "waves" in item) == [
        ("Hvor sant er dette? - Regning i timen går lett for meg.", "pre"),
        ("Hvor sant er dette? - Vi bruker spill og film.", "post"),
    ]
    assert new(root, "mine", sorted((root / "data_raw/mine").glob("*.csv")), "--accept") == 0
    assert main(["check", "mine"]) == 0


def test_a_scale_of_one_wave_is_asked_in_that_wave(root):
    waves = three_scales()
    waves["pre"] = waves["pre"].drop(columns=[c for c in waves["pre"] if c.startswith("Grupper ")])
    scales, text = drafted(root, waves)
    assert [scale.get("waves") for scale in scales.values()] == [None, None, ["post"]]
    assert text.count("no export of another wave has it") == 1
    assert new(root, "mine", sorted((root / "data_raw/mine").glob("*.csv")), "--accept") == 0
    assert main(["check", "mine"]) == 0


@pytest.mark.parametrize("share", long_but([2], [1, 2]), ids=["all", "every second one"])
def test_a_school_misspelt_in_one_wave_is_told(root, capsys, share):
    waves = invented()
    for wave in waves.values():
        wave["Skole"] = wave["Skole"].replace({"Skole 3": "Fjellheim skole", "Skole 4": "Vik"})
    post = waves["post"]
    wrong = post.index[post["Skole"] == "Fjellheim skole"][::share]
    post.loc[wrong, "Skole"] = "Fjelheim skole"
    files = written(root / "data_raw/mine", **waves)
    rest = 30 - len(wrong)
    told = (
        f"“Fjellheim skole” (pupils: 30 in pre, {rest} in post), and “Fjelheim skole” "
        f"(pupils: 0 in pre, {len(wrong)} in post)"
    )
    assert new(root, "mine", files, "--accept", "--region", "Agder") == 0
    assert f"schools.csv: names that resemble each other: {told}: if" in capsys.readouterr().out
    assert main(["check", "mine"]) == 0
    said = capsys.readouterr().out
    assert "warning: two schools of nearly the same name, of which one lacks answers\n" in said
    assert f"questionnaires of {told}\n" in said
    path = root / "data_raw/mine/schools.csv"
    schools = pd.read_csv(path, dtype=str).fillna("")
    schools["earlier"] = schools["school"].map({"Fjellheim skole": "Fjelheim skole"}).fillna("")
    schools[schools["school"] != "Fjelheim skole"].to_csv(path, index=False)
    assert main(["check", "mine"]) == 0
    assert "nearly the same name" not in capsys.readouterr().out


def test_a_file_given_twice_is_used_once_and_told(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    again = root / "data_raw/mine/elever_post (1).csv"
    shutil.copy(files[0], again)
    assert new(root, "mine", [again, *files], "--accept") == 0
    said = capsys.readouterr().out
    assert "elever_post (1).csv: not used, since it holds the same as elever_post.csv" in said
    study = root / "data_raw/mine/study.yml"
    text = study.read_text("utf-8")
    assert "(1)" not in text
    assert "the wave by the days of the answers; the tool, since its headings begin" in text
    assert main(["check", "mine"]) == 0
    assert "1: elever_post (1).csv (the same as elever_post.csv)" in capsys.readouterr().out
    entry = re.search(r"post: (\{tool.*?\})  #", text)[1]
    both = f"post: [{entry}, {entry.replace('elever_post.csv', 'elever_post (1).csv')}]  #"
    study.write_text(text.replace(f"post: {entry}  #", both), encoding="utf-8")
    assert main(["check", "mine"]) == 2
    said = capsys.readouterr().err
    assert "two exports that hold the same\n    where:   data_raw/mine/study.yml" in said
    assert "elever_post (1).csv and elever_post.csv\n" in said


def test_questions_of_two_files_are_joined_by_their_order(root):
    rng = np.random.default_rng(8)
    agree = [text.split("|")[0] for text in SCALES["agree5", "nb"]]
    waves = {}
    for wave, names_ in (("pre", "abcde"), ("post", [f"glede_{i}" for i in range(1, 6)])):
        trait = rng.normal(size=200)
        waves[wave] = pd.DataFrame({
            f"Jeg liker {name}." if wave == "pre" else name:
                [agree[v - 1] for v in scale(200, seed=k, trait=trait)]
            for k, name in enumerate(names_)
        })  # fmt: skip
    files = written(root / "data_raw/mine", **waves)
    made, _ = draft("mine", files, accept=True)
    text = next(text for place, text in made.items() if place.parent.name == "instruments")
    (found,) = YAML(typ="safe").load(text)["scales"].values()
    assert [*found["items"]] == [f"glede_{i}" for i in range(1, 6)]
    assert found["items"]["glede_2"]["nb"] == "Jeg liker b."
    assert {*found["items"]["glede_2"]["columns"]} == {"Jeg liker b.", "glede_2"}
    assert text.count("# one question, by their order; guessed") == 5
    three = waves["post"].assign(glede_6=waves["post"]["glede_1"])  # two places would do
    files = written(root / "data_raw/mine", pre=waves["pre"], post=three)
    made, _ = draft("mine", files, accept=True)
    assert "one question, by their order" not in "".join(made.values())


def three_waves(root, code: bool) -> list:
    """Exports of an English questionnaire in three waves, with a code that people make or not."""
    agree = [text.split("|")[0] for text in SCALES["agree7", "en"]]
    rng, frames = np.random.default_rng(6), {}
    for wave, month in (("pre", "2024-09"), ("mid", "2025-05"), ("post", "2026-05")):
        trait = rng.normal(size=240)
        frames[wave] = pd.DataFrame({
            "Submitted": [f"{month}-{1 + i % 20:02} 10:00" for i in range(240)],
            "Which school do you go to?": [f"School {i % 10}" for i in range(240)],
            "Which grade are you in?": ["8", "9", "10"] * 80,
            **({"Your code": [f"XY{i:04}" for i in range(240)]} if code else {}),
            **{f"I like part {k} of mathematics.":
               [agree[v - 1] for v in scale(240, seed=k, levels=7, trait=trait)]
               for k in range(4)},
        })  # fmt: skip
    return written(root / "data_raw/mine", **frames)


@pytest.mark.parametrize("code", long_but([True], [True, False]), ids=["code", "no link"])
def test_three_waves_in_english_lead_from_a_draft_to_clean_data(root, capsys, code):
    files = three_waves(root, code)
    assert new(root, "mine", files) == 0
    assert main(["check", "mine"]) == 2
    assert main(["new", "mine", "--accept"]) == 0
    assert re.search(r"Marks “to be confirmed” taken away: \d+\.", capsys.readouterr().out)
    assert main(["check", "mine"]) == 0
    study = load_study("mine")
    pupils = study.populations["pupils"]
    assert [*study.waves] == ["pre", "mid", "post"]
    assert pupils.link.by == ("code" if code else "none")
    assert pupils.columns["school_id"] == "Which school do you go to?"
    assert [*study.languages] == ["en"]
    assert main(["clean", "mine"]) == 0


def test_a_register_may_lie_elsewhere_and_a_mark_may_be_taken_away_by_hand(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    register = root / "registers/schools.csv"
    register.parent.mkdir()
    rows = [f"s{i};Skole {i};{'Nord' if i < 4 else 'Sør'}" for i in range(8)]
    register.write_text("\n".join(["school_id;school;region", *rows]) + "\n", "utf-8")
    assert new(root, "mine", [*files, register]) == 0
    for path in (root / "data_raw/mine").rglob("*.yml"):  # the very words, and no more
        text = path.read_text("utf-8")
        path.write_text(re.sub(f"{UNCONFIRMED}$", "", text, flags=re.MULTILINE), "utf-8")
    assert main(["check", "mine"]) == 0
    assert {*load_study("mine").schools["region_name"]} == {"Nord", "Sør"}


def qualtrics(folder, frame, language="NO"):
    """Write a file as Qualtrics does, with its three rows of headings."""
    folder.mkdir(parents=True, exist_ok=True)
    own = ["StartDate", "EndDate", "Status", "RecordedDate", "ResponseId", "UserLanguage"]
    head = [*own, *(f"Q{i}" for i in range(len(frame.columns)))]
    texts = ["Start Date", "End Date", "Response Type", "Recorded Date", "Response ID",
             "User Language", *frame.columns]  # fmt: skip
    imports = [f'{{"ImportId":"{name}"}}' for name in head]
    day = "2025-09-12 10:00:00"
    rows = [[day, day, "IP Address", day, f"R_{i}", language, *row]
            for i, row in enumerate(frame.astype(str).to_numpy())]  # fmt: skip
    path = folder / "elever_pre.csv"
    pd.DataFrame([texts, imports, *rows], columns=head).to_csv(path, index=False)
    return path


def language_of(path) -> str:
    """Return what the draft of an export says of its language, with the reason."""
    made, _ = draft("mine", [path])
    said = next(text for path, text in made.items() if path.name == "study.yml")
    return re.search("languages: .*", said)[0]


def test_headings_of_the_tool_do_not_tell_the_language(root):
    path = qualtrics(root / "data_raw/mine", invented()["pre"])
    assert "[nb]  # by the questions and the tool's column of languages;" in language_of(path)


def in_matrix(stem: str, scales, n=200) -> pd.DataFrame:
    """Answers to scales of four questions that stand below one stem in a matrix."""
    agree = [text.split("|")[0] for text in SCALES["agree5", "nb"]]
    rng = np.random.default_rng(11)
    traits = [rng.normal(size=n) for _ in scales]
    return pd.DataFrame({
        f"{stem} - {text}": [agree[v - 1] for v in scale(n, seed=10 * k + i, trait=traits[k])]
        for k, items in enumerate(scales) for i, text in enumerate(items)
    })  # fmt: skip


GROUPS = (
    ["I naturfag lærer jeg mye.", "I timene følger jeg med.", "I naturfag er jeg flink.",
     "I prøver får jeg det til."],
    ["Prøver gjør meg urolig.", "Urolig blir jeg ofte.", "Før prøver er jeg urolig.",
     "I timene er jeg urolig."],
    ["Vi deler i grupper.", "I lag deler vi på det.", "I par går det best.",
     "I gruppe lærer jeg best."],
)  # fmt: skip


@pytest.mark.parametrize("stem", ["Hvor godt passer det i timene?", "Hvordan er det i dag?"])
def test_the_stem_of_a_matrix_counts_once_for_the_language(root, stem):
    (path,) = written(root / "data_raw/mine", pre=in_matrix(stem, GROUPS))
    assert language_of(path).startswith("languages: [nb]  # by the questions;")


@pytest.mark.parametrize(
    ("asked", "tool", "language", "why"),
    [
        (["Epler", "Pærer", "Plommer"], "NO", "nb", "by the tool's column of languages"),
        (["Epler", "Pærer", "Plommer"], "NN", "nn", "by the tool's column of languages"),
        (["Apples", "Pears", "Plums"], "EN-GB", "en", "by the tool's column of languages"),
        (["Eg likar eple", "Eg et ikkje plommer", "Eg veit kva eg vil"], "NO", "nn",
         "by the questions and the tool's column of languages"),
        # a form in Norwegian that the tool was told nothing of
        (["Jeg liker å spise epler", "Det er ikke noe som jeg spiser", "Jeg vet hva jeg har"],
         "EN", "nb", "by the questions"),
    ],
)  # fmt: skip
def test_the_tool_s_own_column_is_evidence_of_the_language(root, asked, tool, language, why):
    frame = pd.DataFrame({text: scale(60, seed=i).astype(str) for i, text in enumerate(asked)})
    path = qualtrics(root / "data_raw/mine", frame, tool)
    assert language_of(path).startswith(f"languages: [{language}]  # {why};")


def test_scales_of_one_stem_are_named_by_words_of_their_questions(root):
    stem = "Hvor godt passer det i timene?"
    said, _ = questions_of(root, in_matrix(stem, GROUPS))
    assert [*said["scales"]] == ["scale_a", "scale_b", "scale_c"]  # all words are short, or shared
    longer = [[text.replace("urolig", "nervøse") for text in items] for items in GROUPS]
    for _ in range(2):
        said, _ = questions_of(root, in_matrix(stem, longer))
        assert [*said["scales"]] == ["scale_a", "nervose", "scale_b"]
    said, _ = questions_of(root, in_matrix("Motivasjon for naturfag", GROUPS[:1]))
    assert [*said["scales"]] == ["motivasjon_for_naturfag"]


def test_one_region_is_named_in_one_place(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    assert new(root, "mine", files) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in one region that is called Alle; `loftet new mine --region NAME`" in said
    register = root / "data_raw/mine/schools.csv"
    drafted = register.read_text("utf-8")
    assert new(root, "mine", [], "--region", "Nordland, sør", "--accept") == 0
    assert register.read_text("utf-8") == drafted.replace(",Alle,", ',"Nordland, sør",')
    assert {*load_study("mine").schools["region_name"]} == {"Nordland, sør"}
    assert new(root, "mine", [], "--region", "Troms") == 2  # it has been named
    assert "regions that are no draft's" in capsys.readouterr().err
    for name in ("study.yml", "instruments/pupils.yml", "schools.csv"):
        (root / "data_raw/mine" / name).unlink()
    assert main(["new", "mine", "--region", "Nordland, sør", *map(str, files)]) == 0
    assert "is called Alle" not in capsys.readouterr().out
    assert register.read_text("utf-8") == drafted.replace(",Alle,", ',"Nordland, sør",')


def test_regions_that_stand_in_a_register_are_not_named_by_an_option(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    assert new(root, "mine", files, "--accept") == 0
    register = root / "data_raw/mine/schools.csv"
    # a region beside the first of several schools is no region of those below it
    first, *rows = register.read_text("utf-8").splitlines()
    rows = [row.replace(",Alle,", ",Nord," if i in {0, 4} else ",,") for i, row in enumerate(rows)]
    register.write_text("\n".join([first, *rows]) + "\n", "utf-8")
    before = register.read_bytes()
    assert new(root, "mine", [], "--region", "Troms") == 2
    assert register.read_bytes() == before
    assert main(["check", "mine"]) == 2
    assert capsys.readouterr().err.count("region is empty") == 6
    shutil.copy(register, root / "other.csv")
    assert new(root, "second", [*files, root / "other.csv"], "--region", "Troms") == 2
    assert "a region of all schools" in capsys.readouterr().err
    assert not (root / "data_raw/second/study.yml").exists()
    assert new(root, "third", [], "--region", "Troms") == 2


def test_texts_in_a_language_that_the_study_does_not_name_are_one_problem_a_file(root, capsys):
    files = written(root / "data_raw/mine", **invented())
    assert new(root, "mine", files, "--accept") == 0
    folder = root / "data_raw/mine"
    study, questions = folder / "study.yml", folder / "instruments/pupils.yml"
    study.write_text(study.read_text("utf-8").replace("[nb]", "[en]"), "utf-8")

    def told():
        assert main(["check", "mine"]) == 2
        return capsys.readouterr().err

    said = told()
    assert "2 problems" in said
    assert "language missing" not in said
    assert re.search(
        r"texts under nb only, which `languages` of study.yml does not name\n"
        r" +where: +\S*instruments/pupils.yml, line (\d+)\n"
        r" +found: +10 texts, the first in line \1\n",
        said,
    )
    assert "rename nb: to en: if they are in that language" in said
    assert "or add nb to languages" in said
    assert re.search(r"where: +\S*study.yml, line 2\n +found: +1 text, the first in line 2\n", said)
    # corrected by half: what is left is told, and nothing is wanted that the study does not name
    half = re.sub(r"label: \{nb:", "label: {en:", questions.read_text("utf-8"))
    questions.write_text(half, "utf-8")
    said = told()
    assert "found:   9 texts, the first in line" in said
    assert "language missing" not in said
    study.write_text(study.read_text("utf-8").replace("[en]", "[nb]"), "utf-8")
    said = told()
    assert "texts under en only" in said
    assert "found:   1 text, the first in line" in said
    assert "1 problem:" in said
    assert "language missing" not in said
    # both are named: each text that lacks one is told, as before
    study.write_text(study.read_text("utf-8").replace("[nb]", "[nb, en]"), "utf-8")
    assert told().count("language missing") == 10
    questions.write_text(half.replace("label: {en:", "label: {nb:"), "utf-8")
    assert main(["check", "mine"]) == 0


def test_what_names_people_is_in_no_file_and_in_no_guess(root):
    n = 60
    mails = ["kari@example.org", "ola@example.org", "+47 412 34 567"]
    frame = pd.DataFrame({
        "Skole": (["Bø skole", "Ås skole", "kari@example.org", "01019912345"] * n)[:n],
        **{f"k{i}": (mails * n)[i : n + i] for i in range(3)},
        **{f"m{i}": scale(n, seed=i).astype(str) for i in range(3)},
        "Ring 412 34 567 om du synes matte er gøy": scale(n, seed=7).astype(str),
        "Hjemme": ["Hjemmeskole Ola"] + [""] * (n - 1),
    })  # fmt: skip
    files = written(root / "data_raw/mine", pre=frame, mid=frame, post=frame)
    made, notes = draft("mine", files)
    everything = "".join([*made.values(), *notes])
    for told in ("example.org", "412 34 567", "01019912345", "Hjemmeskole"):
        assert told not in everything.replace("column", ""), told
    assert "Bø skole" in everything


@pytest.mark.parametrize(
    ("answers", "values", "missing"),
    [
        ([2, 3, 5, 2, 3, 5], [1, 2, 3, 4, 5], None),
        ([0, 1, 3, 5, 7, 3], [0, 1, 2, 3, 4, 5, 6, 7], None),
        ([1, 2, 3, 4, 1, 2, 3, 4, 9], [1, 2, 3, 4], ["9"]),
        ([1, 2, 3, 4, 99, 2, 3, 4, 3], [1, 2, 3, 4], ["99"]),
        ([0, 2, 4, 5, 6, 8, 9, 10], [*range(11)], None),
    ],
)
def test_answers_that_few_chose_are_not_taken_for_none(root, answers, values, missing):
    frame = pd.DataFrame({f"m{i}": list(map(str, answers * 12)) for i in range(3)})
    said, _ = questions_of(root, frame)
    (responses,) = said["responses"].values()
    assert responses.pop("missing", None) == missing
    assert [*responses] == values


def test_waves_in_columns_of_one_file_are_linked_by_row_and_questions_of_one_wave_are_told(root):
    pre, post = invented().values()
    asked = pre.columns[6:10]
    sides = {"Pre.": pre[asked], "Post.": post[asked[1:]].assign(Ny=pre[asked[0]])}
    wide = pd.concat(
        [pre[["Skole", "Kjønn"]], *(s.add_prefix(w) for w, s in sides.items())], axis=1
    )
    files = written(root / "data_raw/mine", both=wide)
    assert new(root, "mine", files, "--accept") == 0
    population = load_study("mine").populations["pupils"]
    assert population.link.by == "row"
    items = [item for _, item in population.instrument.items.values()]
    met = {item.wordings[0]: item.waves for item in items if item.waves}
    assert len(items) == 5
    assert met == {asked[0]: ("pre",), "Ny": ("post",)}
    assert main(["check", "mine"]) == 0


TIMES = ["Rarely if ever", "Once a month", "Once a week", "Most lessons", "Every lesson"]
A_LOT = ["Disagree a lot", "Disagree a little", "Agree a little", "Agree a lot"]
TURNED = "the words run against the codes of the file, where 5 is “Never”"


def labelled(root, labels, codes=None, other=None, suffix=".sav", **options):
    """Write two waves of four items of teachers with value labels, which may differ in the second.

    Some sheets have a code that is none of `codes`: `other`.
    """
    codes, rng = [*(codes or labels)], np.random.default_rng(2)
    folder = root / "data_raw/mine"
    folder.mkdir(parents=True, exist_ok=True)
    trait = rng.normal(size=120)
    write = pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta
    for wave in ("T1", "T2"):
        frame = pd.DataFrame({"school": np.arange(120.0) % 5 + 1})
        for k in range(4):
            low_first = scale(120, seed=k, levels=len(codes), trait=trait) - 1
            frame[f"q{k}"] = np.array(codes, dtype=float)[low_first]
        if other is not None:
            frame.loc[5:9, "q1"] = float(other)
        named = {float(code): text for code, text in labels.items()}
        schools = {float(k): f"School {k}" for k in range(1, 6)}
        texts = ["School", *(f"In my lessons pupils do {k}" for k in "abcd")]
        every = {"school": schools, **{f"q{k}": named for k in range(4)}}
        path = folder / f"teachers_{wave}{suffix}"
        write(frame, path, variable_value_labels=every, column_labels=texts, **options)
    return sorted(folder.glob(f"teachers*{suffix}"))


@pytest.mark.parametrize(
    ("labels", "values", "why"),
    [
        (dict(enumerate(TIMES, 1)), dict(enumerate(TIMES, 1)), "the order of the codes"),
        (dict(enumerate(TIMES)), dict(enumerate(TIMES)), "the order of the codes in the file"),
        (dict(enumerate(TIMES, -2)), dict(enumerate(TIMES, -2)), "the order of the codes"),
        (dict(enumerate(TIMES, 21)), dict(enumerate(TIMES, 1)), "the order of the codes"),
        (dict(enumerate([*TIMES[:0:-1], "Never"], 1)),
         dict(enumerate(["Never", *TIMES[1:]], 1)), TURNED),
        (dict(enumerate(A_LOT[::-1], 1)), dict(enumerate(A_LOT, 1)),
         "the words run against the codes of the file, where 4 is “Disagree a lot”"),
    ],
)  # fmt: skip
def test_stored_codes_give_order_and_values(root, labels, values, why):
    made, _ = draft("mine", labelled(root, labels), accept=True)
    text = next(text for place, text in made.items() if place.parent.name == "instruments")
    (responses,) = YAML(typ="safe").load(text)["responses"].values()
    assert {value: of["en"] for value, of in responses.items()} == values
    assert f"  # {why}" in text
    (found,) = YAML(typ="safe").load(text)["scales"].values()
    assert [*found["items"]] == ["q0", "q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("more", "met", "missing"),
    [
        ({9: "Unclear sheet"}, 9, ["Unclear sheet"]),
        ({}, 9, ["9"]),
        ({-1: "Skipped"}, -1, ["Skipped"]),
        ({6: "Don't know"}, 6, ["Don't know"]),
        ({-9: "No answer"}, None, ["No answer"]),
    ],
)
def test_stored_codes_of_no_answer_are_no_values(root, more, met, missing):
    labels = dict(enumerate(TIMES, 1))
    made, _ = draft("mine", labelled(root, labels | more, labels, met), accept=True)
    text = next(text for place, text in made.items() if place.parent.name == "instruments")
    (responses,) = YAML(typ="safe").load(text)["responses"].values()
    assert [*responses] == [1, 2, 3, 4, 5, "missing"]
    assert [*map(str, responses["missing"])] == missing


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_codes_of_which_only_the_ends_have_labels_are_one_scale(root, capsys, suffix):
    labels = {1: "Not at all like my class", 7: "Exactly like my class"}
    files = labelled(root, labels, range(1, 8), suffix=suffix)
    assert new(root, "mine", files, "--accept") == 0
    assert "warning:" not in capsys.readouterr().out
    assert main(["check", "mine"]) == 0
    (found,) = load_study("mine").populations["teachers"].instrument.responses.values()
    assert [*found.options] == [1, 2, 3, 4, 5, 6, 7]


def test_an_order_that_nothing_tells_is_a_warning_when_it_is_accepted(root, capsys):
    words = ["Som en katt", "Som en hund", "Som en hest"]
    frame = pd.DataFrame({"Skole": [f"Skole {i % 6}" for i in range(90)]} | {
        f"k{i}": [words[v - 1] for v in scale(90, seed=i, levels=3)] for i in range(3)
    })  # fmt: skip
    files = written(root / "data_raw/mine", pre=frame)
    left = "warning: pupils: the export tells no order of their answers"
    assert any(note.startswith(left) for note in draft("mine", files, accept=True)[1])
    assert new(root, "mine", files) == 0
    assert "warning:" not in capsys.readouterr().out
    assert new(root, "mine", [], "--accept") == 0
    assert re.search(
        r"^warning: instruments/pupils.yml:\d+  responses › answers:  \(the export tells no order",
        capsys.readouterr().out, re.MULTILINE,
    )  # fmt: skip


def test_a_school_that_people_spell_in_many_ways_is_one_row(root, capsys):
    waves = invented()
    forms = ["åsly skole", "Åsly Skole", "Åsly skole ", "ÅSLY  SKOLE", "Åsly skole", "Åsly"]
    for frame in waves.values():
        typed = [form for form in forms for _ in range(8)]
        typed += ["Lia skole"] * 60 + ["lia skole"] * 70 + ["Furuset"] * 20
        frame["Skole"] = typed + ["Furuset barneskole"] * (len(frame) - len(typed))
    assert new(root, "mine", written(root / "data_raw/mine", **waves), "--accept") == 0
    said = capsys.readouterr().out
    schools = load_study("mine").schools
    assert [*schools["school"]] == ["Furuset", "Furuset barneskole", "Lia skole", "Åsly skole"]
    assert [*schools["earlier"]] == ["", "", "", "Åsly"]
    assert "are one school (column earlier): Åsly skole: Åsly;" in said
    assert "“Furuset” (40 questionnaires), and “Furuset barneskole” (84): if" in said
    assert main(["check", "mine"]) == 0
    assert "unknown_school" not in capsys.readouterr().out


def test_what_lies_beside_the_exports_is_left_out_or_named_once(root, capsys):
    files = written(root / "data_raw/mine", **invented(60))
    folder = root / "data_raw/mine"
    for name in ("~$elever_pre.xlsx", ".DS_Store", "Thumbs.db", "desktop.ini", "._elever_pre.csv"):
        (folder / name).write_bytes(b"\0\1\2")
    others = {"brev.pdf": b"%PDF-1.7", "notat.docx": b"PK\3\4", "side.csv": b"<!DOCTYPE html>",
              "foto.csv": b"\x89PNG", "celle.csv": b'"a;b"\n"1;2"\n'}  # fmt: skip
    for name, start in others.items():
        (folder / name).write_bytes(start)
    assert new(root, "mine", sorted(folder.iterdir())) == 2
    said = capsys.readouterr().err
    assert "5 problems" in said
    assert said.count("a file that is no export") == 4
    assert "each row stands in quotation marks" in said
    assert "study.yml" not in said
    for name in others:
        (folder / name).unlink()
    assert new(root, "mine", sorted(folder.iterdir())) == 0
    (left,) = [line for line in capsys.readouterr().out.splitlines() if "not used: " in line]
    assert ".DS_Store" in left
    assert len(files) == 2


NYNORSK = {"Jeg liker": "Eg likar", "gleder": "gler", "gøy": "moro", "kjedelig": "kjedeleg",
           "Skole": "Skule", "Hvilket": "Kva"}  # fmt: skip
SAMD = ["Heilt usamd", "Litt usamd", "Korkje samd eller usamd", "Litt samd", "Heilt samd"]


def test_two_forms_in_bokmål_and_nynorsk_are_one_questionnaire(root):
    agree = [text.split("|")[0] for text in SCALES["agree5", "nb"]]
    frames = {}
    for wave, frame in invented(480).items():
        frame["Kode til deg"] = [f"{'ABCD'[i % 4]}{'KLMN'[i // 4 % 4]}{i % 28 + 1:02}"
                                 f"{'RSTUV'[i % 5]}" for i in range(480)]  # fmt: skip
        frame = frame.drop(columns=["Elevkode", "E-postadresse"])
        nynorsk = frame[::2].replace(dict(zip(agree, SAMD, strict=True)))
        for old, young in (*NYNORSK.items(), ("Kode til deg", "Din eigen kode")):
            nynorsk.columns = [column.replace(old, young) for column in nynorsk]
        frames |= {f"nb_{wave}": frame[1::2], f"nn_{wave}": nynorsk}
    files = written(root / "data_raw/mine", **frames)
    assert new(root, "mine", files, "--accept") == 0
    pupils = load_study("mine").populations["pupils"]
    (found,) = pupils.instrument.scales.values()
    assert [len(item.columns) for item in found.items.values()] == [2, 2, 2, 2]
    assert [item.reversed for item in found.items.values()] == [False, False, False, True]
    (answers,) = pupils.instrument.responses.values()
    for value, (nb, nn) in enumerate(zip(agree, SAMD, strict=True), 1):
        assert answers.lookup[nb.casefold()] == answers.lookup[nn.casefold()] == value
    assert pupils.link.by == "code"
    assert main(["check", "mine"]) == 0


ROLES = [
    ("Do you take part in the course?", "Yes", "No"),
    ("Deltar du i Matematikkløftet?", "Ja", "Nei"),
    ("Har du delteke på kurset?", "Ja, eg har delteke", "Nei, eg har ikkje delteke"),
    ("Rolle", "Kursdeltaker", "Deltar ikke"),
]


@pytest.mark.parametrize("role", long_but(ROLES[2:3], ROLES))
def test_the_plan_of_a_draft_offers_what_roles_allow(root, role):
    asked, yes, no = role
    waves = {f"laerere_{wave}": frame for wave, frame in invented().items()}
    for frame in waves.values():
        del frame["Hvilket trinn går du på?"]
        frame[asked] = np.where(np.arange(len(frame)) % 2, yes, no)
    folder = root / "data_raw/mine"
    files = [path.rename(path.with_name(path.name[7:])) for path in written(folder, **waves)]
    assert new(root, "mine", files) == 0
    text = (folder / "study.yml").read_text("utf-8")
    told = YAML(typ="safe").load(text)["populations"]["teachers"]
    assert told["values"]["role"] == {"participant": [yes], "colleague": [no]}
    assert "estimands: [participants, participants_vs_colleagues]}" in text
    assert "#     # teachers can also be asked: linked_change, school_change, colleagues" in text
    (folder / "study.yml").write_text(
        re.sub(r"(?m)^# ?(analysis:|  sesoi|  primary:|    teachers: )", r"\1", text), "utf-8"
    )
    confirm(folder)
    assert main(["check", "mine"]) == 0


def test_a_plan_without_a_link_or_a_grade_asks_for_no_change(root):
    waves = invented()
    for frame in waves.values():
        del frame["Elevkode"], frame["Hvilket trinn går du på?"]
    _, lines = study_of(root, **waves)
    assert any("estimands: [level]}" in line for line in lines)
