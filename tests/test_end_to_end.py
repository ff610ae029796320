"""The main job on a demo of two regions, in a folder whose name has a space and an ø."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from ruamel.yaml import YAML

from loftet_analysis import names, schema
from loftet_analysis.batch.cli import main
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.alt_texts import LONGEST
from tests.conftest import loftet, replace
from tests.insides import insides
from tests.long import long_but
from tests.small_demo import HERE, SMALL

REGIONS = ("nordland", "oslo")
NOTEBOOKS = sorted(path.stem for path in (HERE / "notebooks/region").glob("*.ipynb"))
PAGES = len(REGIONS) * len(NOTEBOOKS) + 5  # and five of the country


def every_byte(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def own_copy(small_demo, tmp_path) -> Path:
    """A copy of the small demo that a test may spoil."""
    root = tmp_path / "Løftet {test}"
    shutil.copytree(small_demo, root)
    shutil.copytree(small_demo.parent / "keys", tmp_path / "keys", dirs_exist_ok=True)
    return root


def table(root: Path, name: str, *, exact: bool = False) -> pd.DataFrame:
    folder = "data_clean/demo/results" if exact else "reports/demo/tables"
    return pd.read_csv(root / folder / f"{name}.csv")


def test_every_page_figure_and_table_is_there(small_demo):
    reports, figures = small_demo / "reports/demo", small_demo / "figures/demo"
    assert (reports / "index.html").exists()
    for region in REGIONS:
        for notebook in NOTEBOOKS:
            assert (reports / "nb" / region / f"{notebook}.html").exists()
            assert (small_demo / f"data_clean/demo/notebooks/{region}/{notebook}.ipynb").exists()
        assert list((figures / region).glob("*.nb.svg"))
        assert {path.stem for path in (figures / region).glob("*.svg")} == {
            path.stem for path in (figures / region).glob("*.png")
        }
    assert (reports / "nb/national/10_synthesis.html").exists()
    for name, columns in {
        "effects": schema.EFFECTS,
        "reliability": schema.RELIABILITY,
        "pooled": schema.POOLED,
        "ledger": schema.LEDGER,
        "response": (*schema.RESPONSE, "answered"),
        "linkage": schema.LINKAGE,
        "attrition": schema.ATTRITION,
        "schools": schema.SCHOOLS,
        "agreement": schema.AGREEMENT,
    }.items():
        assert tuple(table(small_demo, name).columns) == columns
    assert (reports / "tables/results.xlsx").exists()


@pytest.mark.parametrize("region", [*REGIONS, names.NATIONAL])
def test_a_summary_rests_on_the_rows_of_the_other_pages_and_is_short(
    small_demo, region, monkeypatch
):
    monkeypatch.setenv("LOFTET_ROOT", str(small_demo))
    path = (
        HERE / f"notebooks/{'national' if region == names.NATIONAL else 'region'}/00_summary.ipynb"
    )
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    space: dict = {}
    for cell in cells[: [cell.id for cell in cells].index("rows") + 1]:
        exec(compile(cell.source, cell.id, "exec"), space)
        if cell.id == "parameters":
            space |= {"region": region}
    keys = [*schema.ROW]
    ours = space["effects"].astype({"wave": "str"})
    theirs = table(small_demo, "effects", exact=True).fillna({"wave": "", "school_id": ""})
    both = ours.merge(theirs, on=[key for key in keys if key in ours], suffixes=("", "_other"))
    assert len(both) == len(ours) > 60
    columns = ["estimate", "ci_low", "ci_high", "change", "p_adjusted"]
    # over the regions p-values are adjusted in the tables of all regions alone
    for column in columns if region == names.NATIONAL else columns[:-1]:
        np.testing.assert_allclose(both[column], both[f"{column}_other"], rtol=1e-9, err_msg=column)
    assert both["verdict"].to_list() == both["verdict_other"].fillna("").to_list()
    assert len(space["rows"]) == len(space["rows"].drop_duplicates(["population", "outcome"]))
    page = small_demo / "reports/demo/nb" / region / "00_summary.html"
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    assert len(soup.find(class_="reading").get_text(" ").split()) < 385
    assert len(soup.main.get_text(" ").split()) < 690
    (image,) = soup.find_all("img")
    assert 40 < len(image["alt"]) <= LONGEST


def test_alt_texts_are_short_and_no_two_figures_of_a_page_share_one(small_demo):
    found = 0
    for page in sorted((small_demo / "reports/demo").glob("*/*/*.html")):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        alts = [image["alt"] for image in soup.select("figure img")]
        assert len(alts) == len({*alts}), page
        assert all(20 < len(alt) <= LONGEST for alt in alts), page
        found += len(alts)
    assert found > 20


def test_effects_hold_every_estimand_for_every_region_and_the_country(small_demo):
    effects = table(small_demo, "effects", exact=True)
    assert set(effects["region"]) == {*REGIONS, names.NATIONAL}
    # the demo's register names no comparison schools
    assert set(effects["estimand"]) == {*tuple(ESTIMANDS)} - {"programme_vs_comparison"}
    answered = effects[effects["reason"].isna()]
    assert len(answered) > 0.95 * len(effects)
    inside = answered["change"].between(answered["change_ci_low"], answered["change_ci_high"])
    assert inside.all()
    assert (answered["n_clusters"] >= 2).all()
    pupils = answered[(answered["population"] == "pupils") & (answered["region"] == "oslo")]
    assert set(pupils.loc[pupils["estimand"] == "linked_change", "cluster"]) == {"feeder_group"}


def test_published_tables_hold_no_cell_below_the_limit(small_demo):
    effects = table(small_demo, "effects")
    mask = pd.read_parquet(small_demo / "data_clean/demo/disclosure.parquet")
    assert mask["suppressed"].any()
    shown = effects[effects["estimate"].notna()]
    for count in ("n_pre", "n_post", "n_pairs"):
        assert (shown[count].dropna() >= 6).all()
    hidden = effects[effects["suppressed"].astype(bool)]
    assert hidden[["change", "estimate", "mean_pre", "mean_post", "p_value"]].isna().all(axis=None)


def test_the_published_ledger_tells_no_small_number(small_demo):
    exact = pd.read_csv(small_demo / "data_clean/demo/ledger.csv")
    shown = table(small_demo, "ledger")
    assert exact["n_set_aside"].between(1, 5).any()
    for column in ("n_in", "n_out", "n_set_aside"):
        assert (shown[column] % 6 == 0).all()
        assert ((shown[column] - exact[column]).abs() <= 3).all()
    assert set(shown["file"].astype(str)) <= {"1", "2", "3"}
    published = [*small_demo.glob("reports/**/*"), *small_demo.glob("figures/**/*")]
    assert {path.suffix for path in published} >= {
        ".csv",
        ".html",
        ".svg",
        ".docx",
        ".xlsx",
        ".png",
    }
    published = [path.read_bytes() for path in published if path.is_file()]
    texts = [text for content in published for text in insides(content)]
    # a figure on attendance has numbers of that name too
    texts = [re.sub(rb'href="[^"]*"', b"", text) for text in texts]
    for name in exact["file"].unique():
        assert not any(name.encode() in text for text in texts)


def test_the_site_stays_small(small_demo):
    # megabytes of a region's pages and of what can be downloaded from them, with a fifth to spare
    limits = {".html": 0.36, ".svg": 0.62, ".png": 0.62, ".csv": 0.46, ".docx": 1.45}
    for region in REGIONS:
        weight = dict.fromkeys(limits, 0.0)
        for path in (small_demo / "reports/demo/nb" / region).rglob("*.*"):
            weight[path.suffix] += path.stat().st_size / 1e6
        assert {kind: mb for kind, mb in weight.items() if mb > limits[kind]} == {}


def test_no_published_count_of_people_tells_a_small_number(small_demo):
    exact = pd.read_csv(small_demo / "data_clean/demo/response.csv")
    shown = table(small_demo, "response")
    counts = [column for column in schema.RESPONSE if column.startswith("n_")]
    assert exact[counts].stack().dropna().between(1, 5).any()
    assert (shown[counts].stack().dropna() % 6 == 0).all()
    assert (table(small_demo, "linkage")["n"] % 6 == 0).all()


def test_the_follow_up_list_is_internal_and_names_schools_only(small_demo):
    clean = small_demo / "data_clean/demo"
    book = pd.read_excel(clean / "follow_up.xlsx", engine="calamine", dtype=str)
    assert list(book.columns)[:5] == ["Region", "Skole", "Skolenummer", "Hvem", "Når"]
    register = pd.read_csv(small_demo / "data_raw/demo/schools.csv", dtype=str)
    assert set(book["Skolenummer"]) == set(register["school_id"])
    assert not list((small_demo / "reports").rglob("follow_up*"))


def test_published_differences_and_schools_keep_to_the_limit(small_demo):
    attrition, schools = table(small_demo, "attrition"), table(small_demo, "schools")
    told = attrition[attrition["smd"].notna()]
    assert len(told) > 20
    assert (told[["n_one", "n_other"]] >= 6).all(axis=None)
    assert told["smd"].equals(told["smd"].round(2))
    told = schools[schools["estimate"].notna()]
    assert len(told) > 20
    assert (told[["n_pre", "n_post"]] >= 6).all(axis=None)
    assert not set(schools["population"]) & {"leaders"}


def test_every_sheet_is_accounted_for(small_demo):
    ledger = pd.read_csv(small_demo / "data_clean/demo/ledger.csv")
    assert tuple(ledger.columns) == schema.LEDGER
    for population in ("pupils", "teachers", "leaders"):
        of = ledger[(ledger["population"] == population) & ledger["wave"].notna()]
        read = of["step"] == "read"  # what leaves there are blank rows, no sheets
        entered = of.loc[read, "n_out"].sum()
        clean = pd.concat(
            pd.read_parquet(part)
            for part in (small_demo / "data_clean/demo" / population).rglob("*.parquet")
        )
        assert entered > 0
        assert entered == len(clean) + of.loc[~read, "n_set_aside"].sum()
    aside = pd.read_parquet(small_demo / "data_clean/demo/set_aside/pupils.parquet")
    counted_only = ledger["reason"].isin(["no_consent"]) & (ledger["population"] == "pupils")
    of_pupils = ledger[
        (ledger["population"] == "pupils") & (ledger["step"] != "read") & ~counted_only
    ]
    assert len(aside) == of_pupils["n_set_aside"].sum()
    assert "no_consent" not in set(aside["reason"])


def test_no_code_or_id_of_an_export_is_found_in_anything_generated(small_demo):
    raw = small_demo / "data_raw/demo"
    attendance = pd.read_csv(raw / "attendance.csv", dtype=str, sep=None, engine="python")
    ids = set(attendance.iloc[:, 0].str.strip())
    (pupils,) = [
        path
        for path in raw.glob("data-*.txt")
        if "kode" in path.read_text(encoding="utf-8-sig").split("\r\n")[0]
    ]
    export = pd.read_csv(pupils, sep=";", dtype=str, encoding="utf-8-sig")
    codes = {code for code in export["kode"].dropna().str.strip() if len(code) >= 6}
    assert len(ids) > 20
    assert len(codes) > 500
    secret = {text.casefold() for text in ids | codes}

    def found_in(text: str) -> set[str]:
        return secret & set(re.findall(r"\w+", text.casefold()))

    for folder in ("data_clean", "figures", "reports"):
        for path in (small_demo / folder).rglob("*"):
            if path.suffix in {".html", ".csv", ".svg", ".json", ".txt", ".docx", ".xlsx", ".png"}:
                for text in insides(path.read_bytes()):
                    assert not found_in(text.decode("utf-8", errors="replace")), path
            elif path.suffix == ".parquet":
                frame = pd.read_parquet(path)
                for column in frame.select_dtypes(exclude="number"):
                    told = frame[column].astype(str).str.casefold()
                    assert not told.isin(secret).any(), (path, column)
            elif path.suffix == ".ipynb":
                executed = nbformat.read(path, as_version=4)
                assert not found_in(str([cell.get("outputs") for cell in executed.cells])), path


def test_a_second_run_does_nothing(own_copy):
    done = loftet("run", "demo", root=own_copy)
    assert done.returncode == 0, done.stderr
    assert f"0 run, 0 failed, {PAGES} up to date" in done.stdout


@pytest.mark.long
def test_a_forced_run_gives_the_same_bytes(own_copy):
    before = {
        f: every_byte(own_copy / f) for f in ("reports", "figures", "data_clean/demo/results")
    }
    some = ("--region", "oslo", "--notebook", "03_teachers")
    done = loftet("run", "demo", "--force", *some, root=own_copy)
    assert done.returncode == 0, done.stderr
    assert "1 run, 0 failed, 0 up to date" in done.stdout
    assert before == {f: every_byte(own_copy / f) for f in before}


@pytest.mark.long
def test_a_failing_region_is_contained_and_reported(own_copy, monkeypatch, capsys):
    path = own_copy / "notebooks/region/05_leader_support.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[-1]["source"] = 'assert region != "oslo"'
    path.write_text(json.dumps(notebook), encoding="utf-8")
    some = ("--notebook", "03_teachers", "--notebook", "05_leader_support")
    done = loftet("run", "demo", *SMALL, *some, root=own_copy)
    assert done.returncode == 1
    assert "oslo/05_leader_support failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"oslo\s+done\s+failed", done.stdout)
    assert re.search(r"nordland\s+done\s+done", done.stdout)
    assert not (own_copy / "reports/demo/nb/oslo/05_leader_support.html").exists()
    assert (own_copy / "reports/demo/nb/nordland/05_leader_support.html").exists()
    assert (own_copy / "data_clean/demo/failed/oslo/05_leader_support.txt").exists()
    monkeypatch.setenv("LOFTET_ROOT", str(own_copy))
    assert main(["status", "demo"]) == 0
    assert "failed" in capsys.readouterr().out


def test_status_says_why_a_page_is_stale(own_copy, monkeypatch, capsys):
    notebook = own_copy / "notebooks/region/03_teachers.ipynb"
    content = json.loads(notebook.read_text(encoding="utf-8"))
    content["cells"][0]["source"] = [*content["cells"][0]["source"], "\n\nOne more sentence."]
    notebook.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setenv("LOFTET_ROOT", str(own_copy))
    assert main(["status", "demo"]) == 0
    said = capsys.readouterr().out
    assert "stale, since notebook changed: oslo/03_teachers, nordland/03_teachers" in said


@pytest.mark.long
def test_an_export_of_teachers_does_not_touch_pages_of_pupils(own_copy, monkeypatch, capsys):
    raw = own_copy / "data_raw/demo"
    described = YAML(typ="safe").load(raw / "study.yml")
    export = raw / described["populations"]["teachers"]["files"]["pre"]["file"]
    text = export.read_bytes().decode("utf-8-sig")
    assert len(set(re.findall(r"2025-\d\d-\d\dT", text))) > 1
    # all came in on one day, which no number of a page of pupils hangs on
    export.write_bytes(re.sub(r"2025-\d\d-\d\dT", "2025-09-17T", text).encode("utf-8-sig"))
    monkeypatch.setenv("LOFTET_ROOT", str(own_copy))
    monkeypatch.setenv("LOFTET_KEYS", str(own_copy.parent / "keys"))
    assert main(["clean", "demo"]) == 0
    capsys.readouterr()
    assert main(["status", "demo"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"oslo .* done +stale", told) or re.search(r"nordland .* done +stale", told)
    for page in ("oslo/04_pupils", "nordland/04_pupils"):
        assert page not in told
        assert (own_copy / f"reports/demo/nb/{page}.html").exists()
    assert "03_teachers" in told


@pytest.mark.long
def test_pages_in_other_languages(own_copy):
    done = loftet(
        "run", "demo", "--region", "oslo", "--notebook", "05_leader_support",
        "--language", "nn", "--language", "en", root=own_copy,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for language in ("nn", "en"):
        page = own_copy / "reports/demo" / language / "oslo/05_leader_support.html"
        assert f'lang="{language}"' in page.read_text(encoding="utf-8")


SPOILT = {
    "missing export": (lambda raw: next(raw.glob("*.sav")).unlink(), "export"),
    "wrong column": (
        lambda raw: replace(raw / "study.yml", "column: kode", "column: koden"), "koden"
    ),
    "typo in study.yml": (
        lambda raw: replace(raw / "study.yml", "disclosure:", "disclousure:"), "disclousure"
    ),
    "empty file": (lambda raw: next(raw.glob("data-*.txt")).write_bytes(b""), "empty"),
    "unknown label": (lambda raw: replace_label(raw), "Litt enig kanskje"),
}  # fmt: skip


@pytest.mark.parametrize("kind", long_but(["unknown label"], SPOILT))
def test_bad_input_gives_one_message_and_changes_nothing(own_copy, kind, monkeypatch, capsys):
    spoil, said = SPOILT[kind]
    monkeypatch.setenv("LOFTET_ROOT", str(own_copy))
    spoil(own_copy / "data_raw/demo")
    before = {f: every_byte(own_copy / f) for f in ("data_clean/demo", "reports", "figures")}
    # all commands read alike, and the last reading fault is found last
    for command in ("check", "clean", "run") if said == "Litt enig kanskje" else ("run",):
        assert main([command, "demo"]) == 2
        told = capsys.readouterr().err
        assert re.match(r"\d problems?:\n\n", told)
        assert said in told
    assert before == {f: every_byte(own_copy / f) for f in before}


def test_unknown_region_study_notebook_and_language_are_told_together(small_demo):
    done = loftet(
        "run", "demo", "--region", "olso", "--notebook", "99", "--language", "sv", root=small_demo
    )
    assert done.returncode == 2
    assert done.stderr.startswith("3 problems:")
    assert "nordland" in done.stderr
    assert loftet("run", "demmo", root=small_demo).returncode == 2


def replace_label(raw: Path) -> None:
    """Give one answer of the export without codebook a text that no scale has."""
    for path in raw.glob("data-*.txt"):
        text = path.read_bytes().decode("utf-8-sig")
        if '"Ganske enig"' in text:
            text = text.replace('"Ganske enig"', '"Litt enig kanskje"')
            path.write_bytes(text.encode("utf-8-sig"))
            return
    raise AssertionError("no export holds option texts")
