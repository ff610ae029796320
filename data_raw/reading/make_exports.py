"""Write the exports of this study: invented answers, as SurveyMonkey would export them."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

SCHOOLS = {
    "Ashdown Park School": 22, "Brook Lane Academy": 17, "Cliff View School": 20,
    "Dene Valley High School": 18, "Easton Community School": 16, "Fairfield Girls' School": 21,
    "Greenhill Academy": 19, "Harbour School": 15, "Ivybridge Road School": 20,
    "Kingsmead High School": 18, "Long Meadow School": 17, "Millbrook Academy": 22,
}  # fmt: skip
AGREE = [
    "Strongly disagree", "Disagree", "Somewhat disagree", "Neither agree nor disagree",
    "Somewhat agree", "Agree", "Strongly agree",
]  # fmt: skip
READING = "How much do you agree with what is said about you and reading?"
LESSONS = "And how much do you agree with what is said about your English lessons?"
#: Matrix, scale, sign and wording of each item.
ITEMS = [
    (READING, "enjoyment", 1, "I read because I like it"),
    (READING, "confidence", 1, "I understand most of what I read"),
    (READING, "enjoyment", 1, "I look forward to reading"),
    (READING, "confidence", -1, "Long texts are too hard for me"),
    (READING, "enjoyment", -1, "Reading is boring"),
    (READING, "confidence", 1, "I can explain a book to a friend"),
    (READING, "enjoyment", 1, "I would like to have more time to read"),
    (READING, "confidence", 1, "I can find out what a hard word means"),
    (LESSONS, "lessons", 1, "We talk about what we have read"),
    (LESSONS, "lessons", 1, "We choose books ourselves"),
    (LESSONS, "lessons", -1, "We only fill in worksheets"),
    (LESSONS, "lessons", 1, "We read together"),
]
#: File, first day, and how far each scale has moved since autumn, in points of the scale.
WAVES = {
    "autumn": (datetime(2024, 9, 16), {"enjoyment": 0.0, "confidence": 0.0, "lessons": 0.0}),
    "winter": (datetime(2025, 1, 20), {"enjoyment": 0.5, "confidence": 0.1, "lessons": 0.6}),
    "summer": (datetime(2025, 6, 9), {"enjoyment": 0.3, "confidence": 0.2, "lessons": 0.9}),
}
SCALES = ("enjoyment", "confidence", "lessons")


def main() -> None:
    """Write the exports."""
    rng = np.random.default_rng(2024)
    of_school = {school: rng.normal(0, 0.35, 3) for school in SCHOOLS}
    for wave, (first, moved) in WAVES.items():
        rows = []
        for school, size in SCHOOLS.items():
            for _ in range(size - int(rng.integers(0, 4))):
                began = first + timedelta(
                    days=int(rng.integers(0, 12)), seconds=int(rng.integers(30_000, 52_000))
                )
                ended = began + timedelta(seconds=int(rng.integers(120, 900)))
                level = dict(
                    zip(SCALES, 4.2 + of_school[school] + rng.normal(0, 1.0, 3), strict=True)
                )
                answers = []
                for _, scale, sign, _ in ITEMS:
                    value = level[scale] + moved[scale] + rng.normal(0, 0.9)
                    value = value if sign > 0 else 8 - value
                    answers.append(AGREE[int(np.clip(round(value), 1, 7)) - 1])
                for place in np.flatnonzero(rng.random(len(ITEMS)) < 0.02):
                    answers[place] = ""
                times = [f"{moment:%m/%d/%Y %I:%M:%S %p}" for moment in (began, ended)]
                year = f"Year {rng.choice([7, 8, 9])}"
                rows.append((ended, [433_281_907, *times, school, year, *answers]))
        rows = [row for _, row in sorted(rows)]
        if wave == "winter":
            rows[40][-3] = "Stongly agree"
        number = 118_000_000_000 + 1_000_000 * first.toordinal()
        _write(f"{wave}.csv", [[number + i, *row] for i, row in enumerate(rows)])


def _write(name: str, rows: list[list]) -> None:
    """Write a file with the two rows of headings of SurveyMonkey."""
    matrices = [matrix for matrix, *_ in ITEMS]
    shown = [m if i == 0 or m != matrices[i - 1] else "" for i, m in enumerate(matrices)]
    questions = ["Which school do you go to?", "Which year are you in?"]
    head = ["Respondent ID", "Collector ID", "Start Date", "End Date", *questions, *shown]
    below = ["", "", "", "", "Response", "Response", *(item[-1] for item in ITEMS)]
    path = Path(__file__).with_name(name)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, below, *rows])


if __name__ == "__main__":
    main()
