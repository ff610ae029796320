"""Answer scales that questionnaires use again and again, in three languages, from low to high."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from loftet_analysis.study.instrument import normalise_label

_DEGREES = {
    "nb": ["svært liten grad", "liten grad", "noen grad", "stor grad", "svært stor grad"],
    "nn": ["svært liten grad", "liten grad", "nokon grad", "stor grad", "svært stor grad"],
    "en": ["a very small extent", "a small extent", "some extent", "a large extent",
           "a very large extent"],
}  # fmt: skip


def _agreed(answers: Iterable[str]) -> list[str]:
    """Return answers in Nynorsk with their other forms: samd, usamd, korkje.

    Examples
    --------
    >>> _agreed(["Ueinig", "Verken einig eller ueinig"])[0]
    'Ueinig|Usamd'
    """
    found = []
    for answer in answers:
        texts = answer.split("|")
        for old, new in (("einig", "samd"), ("Einig", "Samd"), ("Verken", "Korkje")):
            texts += [text.replace(old, new) for text in texts]
        found.append("|".join(dict.fromkeys(texts)))
    return found


#: Name and language → answers from low to high; what else an answer is called after ``|``.
SCALES: dict[tuple[str, str], list[str]] = {
    ("agree4", "nb"): ["Helt uenig|Svært uenig", "Uenig|Litt uenig", "Enig|Litt enig",
                       "Helt enig|Svært enig"],
    ("agree4", "nn"): _agreed(["Heilt ueinig|Svært ueinig", "Ueinig|Litt ueinig",
                               "Einig|Litt einig", "Heilt einig|Svært einig"]),
    ("agree4", "en"): ["Strongly disagree|Disagree a lot",
                       "Disagree|Disagree a little|Somewhat disagree",
                       "Agree|Agree a little|Somewhat agree", "Strongly agree|Agree a lot"],
    ("agree5", "nb"): ["Helt uenig|Svært uenig", "Uenig|Litt uenig|Delvis uenig",
                       "Verken enig eller uenig|Nøytral", "Enig|Litt enig|Delvis enig",
                       "Helt enig|Svært enig"],
    ("agree5", "nn"): _agreed(["Heilt ueinig|Svært ueinig", "Ueinig|Litt ueinig|Delvis ueinig",
                               "Verken einig eller ueinig|Nøytral",
                               "Einig|Litt einig|Delvis einig", "Heilt einig|Svært einig"]),
    ("agree5", "en"): ["Strongly disagree", "Disagree|Somewhat disagree",
                       "Neither agree nor disagree|Neither disagree nor agree|Neutral",
                       "Agree|Somewhat agree", "Strongly agree"],
    ("agree6", "nb"): ["Svært uenig|Helt uenig", "Uenig|Ganske uenig",
                       "Litt uenig|Delvis uenig", "Litt enig|Delvis enig", "Enig|Ganske enig",
                       "Svært enig|Helt enig"],
    ("agree6", "nn"): _agreed(["Svært ueinig|Heilt ueinig", "Ueinig|Ganske ueinig",
                               "Litt ueinig|Delvis ueinig", "Litt einig|Delvis einig",
                               "Einig|Ganske einig", "Svært einig|Heilt einig"]),
    ("agree6", "en"): ["Strongly disagree", "Disagree", "Slightly disagree|Somewhat disagree",
                       "Slightly agree|Somewhat agree", "Agree", "Strongly agree"],
    ("agree7", "nb"): ["Helt uenig|Svært uenig", "Uenig", "Litt uenig|Delvis uenig",
                       "Verken enig eller uenig|Nøytral", "Litt enig|Delvis enig", "Enig",
                       "Helt enig|Svært enig"],
    ("agree7", "nn"): _agreed(["Heilt ueinig|Svært ueinig", "Ueinig", "Litt ueinig|Delvis ueinig",
                               "Verken einig eller ueinig|Nøytral", "Litt einig|Delvis einig",
                               "Einig", "Heilt einig|Svært einig"]),
    ("agree7", "en"): ["Strongly disagree", "Disagree", "Slightly disagree|Somewhat disagree",
                       "Neither agree nor disagree|Neither disagree nor agree|Neutral",
                       "Slightly agree|Somewhat agree", "Agree", "Strongly agree"],
    ("frequency4", "nb"): ["Aldri|Aldri eller nesten aldri", "Av og til|Sjelden|I noen timer",
                           "Ofte|I de fleste timene",
                           "Alltid|Svært ofte|I alle eller nesten alle timene"],
    ("frequency4", "nn"): ["Aldri|Aldri eller nesten aldri", "Av og til|Sjeldan|I nokre timar",
                           "Ofte|I dei fleste timane",
                           "Alltid|Svært ofte|I alle eller nesten alle timane"],
    ("frequency4", "en"): ["Never|Never or almost never",
                           "Sometimes|Rarely|Some lessons|In some lessons",
                           "Often|Most lessons|In most lessons",
                           "Always|Very often|Every or almost every lesson|"
                           "In every or almost every lesson"],
    ("frequency5", "nb"): ["Aldri", "Sjelden", "Av og til|Noen ganger", "Ofte",
                           "Alltid|Svært ofte"],
    ("frequency5", "nn"): ["Aldri", "Sjeldan", "Av og til|Nokre gonger", "Ofte",
                           "Alltid|Svært ofte"],
    ("frequency5", "en"): ["Never", "Rarely|Seldom", "Sometimes", "Often", "Always|Very often"],
    ("part_of_time5", "nb"): ["Aldri|Nesten aldri", "Av og til|Sjelden",
                              "Omtrent halvparten av tiden|Halvparten av tiden",
                              "For det meste|Det meste av tiden", "Alltid|Nesten alltid"],
    ("part_of_time5", "nn"): ["Aldri|Nesten aldri", "Av og til|Sjeldan",
                              "Omtrent halvparten av tida|Halvparten av tida",
                              "For det meste|Det meste av tida", "Alltid|Nesten alltid"],
    ("part_of_time5", "en"): ["Never|Almost never", "Sometimes|Now and then",
                              "About half of the time|About half the time|Half of the time",
                              "Mostly|Most of the time", "Always|Almost always"],
    ("how_often6", "nb"): ["Aldri", "Noen ganger i året|Noen få ganger i året",
                           "Noen ganger i måneden|1–3 ganger i måneden", "En gang i uka|Ukentlig",
                           "Flere ganger i uka", "Hver dag|Daglig"],
    ("how_often6", "nn"): ["Aldri", "Nokre gonger i året|Nokre få gonger i året",
                           "Nokre gonger i månaden|1–3 gonger i månaden",
                           "Ein gong i veka|Kvar veke", "Fleire gonger i veka", "Kvar dag|Dagleg"],
    ("how_often6", "en"): ["Never", "A few times a year", "A few times a month|1–3 times a month",
                           "Once a week|Weekly", "Several times a week", "Every day|Daily"],
    ("like_me5", "nb"): ["Ikke likt meg i det hele tatt", "Ikke så likt meg", "Litt likt meg",
                         "Ganske likt meg", "Veldig likt meg|Svært likt meg"],
    ("like_me5", "nn"): ["Ikkje likt meg i det heile", "Ikkje så likt meg", "Litt likt meg",
                         "Ganske likt meg", "Veldig likt meg|Svært likt meg"],
    ("like_me5", "en"): ["Not at all like me", "Not much like me",
                         "A little like me|Somewhat like me",
                         "Quite like me|Mostly like me", "Very much like me"],
    ("confident4", "nb"): ["Ikke sikker i det hele tatt|Ikke trygg i det hele tatt",
                           "Lite sikker|Lite trygg|Ikke særlig sikker",
                           "Ganske sikker|Ganske trygg|Sikker",
                           "Svært sikker|Svært trygg"],
    ("confident4", "nn"): ["Ikkje sikker i det heile|Ikkje trygg i det heile",
                           "Lite sikker|Lite trygg", "Ganske sikker|Ganske trygg|Sikker",
                           "Svært sikker|Svært trygg"],
    ("confident4", "en"): ["Not at all confident", "Not very confident", "Confident",
                           "Very confident"],
    ("important4", "nb"): ["Ikke viktig|Ikke viktig i det hele tatt", "Litt viktig|Lite viktig",
                           "Ganske viktig|Viktig", "Svært viktig"],
    ("important4", "nn"): ["Ikkje viktig|Ikkje viktig i det heile", "Litt viktig|Lite viktig",
                           "Ganske viktig|Viktig", "Svært viktig"],
    ("important4", "en"): ["Not important|Not at all important",
                           "A little important|Slightly important",
                           "Important|Quite important", "Very important"],
    ("satisfied5", "nb"): ["Svært misfornøyd", "Misfornøyd|Litt misfornøyd",
                           "Verken fornøyd eller misfornøyd", "Fornøyd|Litt fornøyd",
                           "Svært fornøyd"],
    ("satisfied5", "nn"): ["Svært misnøgd", "Misnøgd|Litt misnøgd", "Verken nøgd eller misnøgd",
                           "Nøgd|Litt nøgd", "Svært nøgd"],
    ("satisfied5", "en"): ["Very dissatisfied", "Dissatisfied|Somewhat dissatisfied",
                           "Neither satisfied nor dissatisfied", "Satisfied|Somewhat satisfied",
                           "Very satisfied"],
    ("extent4", "nb"): ["Ikke i det hele tatt|Ingen grad|I ingen grad",
                        "Liten grad|I liten grad|Litt",
                        "Noen grad|I noen grad|En del", "Stor grad|I stor grad|Mye"],
    ("extent4", "nn"): ["Ikkje i det heile|Inga grad|I inga grad", "Liten grad|I liten grad|Litt",
                        "Nokon grad|I nokon grad|Ein del", "Stor grad|I stor grad|Mykje"],
    ("extent4", "en"): ["Not at all", "To a small extent|A little", "To some extent|Some",
                        "To a large extent|A lot"],
    **{("extent5", language): [f"{'To' if language == 'en' else 'I'} {text}|{text}"
                               for text in texts]
       for language, texts in _DEGREES.items()},
}  # fmt: skip

#: Part of the sheets that answers of a scale make up; and what does not speak for a longer one.
LEAST, _FEW = 0.95, 0.005
#: Answers that are none, in any language, as labels are compared.
NONE = frozenset(
    {
        "vet ikke", "veit ikkje", "don't know", "ikke aktuelt", "ikkje aktuelt", "not applicable",
        "ønsker ikke å svare", "ønskjer ikkje å svare", "prefer not to answer", "vil ikke svare",
        "vil ikkje svare", "ikke relevant", "ikkje relevant", "n/a", "usikker/vet ikke",
        "ikke svart", "ikkje svart", "ikke besvart", "ubesvart", "ikke svar", "ikkje svar",
        "ikke spurt", "ikkje spurt", "mangler", "manglar", "mangler svar", "ugyldig", "no answer",
        "no response", "not answered", "not asked", "not administered", "missing", "invalid",
        "omitted", "omitted or invalid", "not reached", "refused", "i don't know", "does not apply",
        "jeg vet ikke", "eg veit ikkje",
    }
)  # fmt: skip
#: The lowest and the highest answers of the scales, as labels are compared.
LOWEST, HIGHEST = (
    frozenset(
        normalise_label(text) for answers in SCALES.values() for text in answers[end].split("|")
    )
    for end in (0, -1)
)


def known_scale(
    sheets: Mapping[str, int] | Iterable[str],
) -> tuple[str, str, dict[int, str]] | None:
    """Return the known answer scale that holds nearly all of some answers, the shortest that does.

    Parameters
    ----------
    sheets : mapping of str to int, or iterable of str
        How many questionnaires have each answer, or answers that count alike; those of `NONE` do
        not count. A twentieth of the others may be something else, such as typing errors.

    Returns
    -------
    name, language : str
    labels : dict of int to str
        By value from 1 on, as most questionnaires write them where any does.

    Examples
    --------
    >>> known_scale(["Uenig", "Helt enig", "Vet ikke"])
    ('agree4', 'nb', {1: 'Helt uenig', 2: 'Uenig', 3: 'Enig', 4: 'Helt enig'})
    >>> known_scale({"Verken enig eller uenig": 9, "Enig": 20, "Helt uenig": 1, "Eng": 1})[0]
    'agree5'
    >>> known_scale(["Blue", "Green"]) is None
    True
    """
    spelled: dict[str, str] = {}
    n: Counter[str] = Counter()
    for text, many in Counter(sheets).most_common():
        key = normalise_label(text)
        spelled.setdefault(key, text)
        n[key] += many * (key not in NONE)
    total = n.total()
    fits = [*_fits(n, spelled, total)] or [*_fits(n, spelled, total, mixed=True)]
    enough = max((fit[0] for fit in fits), default=0) - _FEW * total
    fits = [fit for fit in fits if fit[0] >= enough]
    return min(fits, key=lambda fit: fit[1:4])[4:] if fits else None


def _fits(
    n: Mapping[str, int], spelled: Mapping[str, str], total: int, *, mixed: bool = False
) -> Iterator[tuple]:
    """Yield the scales that hold nearly all of some answers, those of other languages too if mixed.

    Each with how many it covers, its length, how many of its answers are not met, how many are in
    its language (the fewer first), and what `known_scale` returns.
    """
    for (name, language), answers in SCALES.items():
        of = [[normalise_label(text) for text in answer.split("|")] for answer in answers]
        # two names of one answer beside each other would be two answers
        most = [max(each, key=lambda text: n.get(text, 0)) for each in of]
        own = [n.get(text, 0) for text in most]
        others = in_other_languages(name, language, n) if mixed else {}
        covered = sum(own) + sum(n[text] for text in others)
        met = sum(count > 0 for count in own)
        if met > 1 and covered >= LEAST * total:
            labels = {
                value: spelled[text] if count else answer.split("|")[0]
                for value, (text, count, answer) in enumerate(
                    zip(most, own, answers, strict=True), 1
                )
            }
            yield covered, len(answers), len(answers) - met, -sum(own), name, language, labels


def in_other_languages(name: str, language: str, n: Mapping[str, int]) -> dict[str, int]:
    """Return the answers that a known scale has in other languages, with their values.

    One for each value and language, and none where both languages have the same.

    Parameters
    ----------
    name, language : str
        As `known_scale` returns them.
    n : mapping of str to int
        How often each answer was met, as labels are compared.

    Examples
    --------
    >>> in_other_languages("agree4", "nb", {"helt enig": 9, "heilt einig": 4})
    {'heilt einig': 4}
    """
    found = {}
    own = [answer.split("|") for answer in SCALES[name, language]]
    for (other, of), answers in SCALES.items():
        if other != name or of == language:
            continue
        for value, (mine, its) in enumerate(zip(own, answers, strict=True), 1):
            shown = [normalise_label(text) for text in mine]
            alike = [normalise_label(text) for text in its.split("|")]
            shared = {*shown} & {*alike}
            met = [text for text in alike if n.get(text) and text not in shared]
            if met and max(shown, key=lambda text: n.get(text, 0)) not in shared:
                found[max(met, key=n.__getitem__)] = value
    return found
