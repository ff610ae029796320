"""Answer scales that questionnaires use again and again, in three languages, from low to high."""

from __future__ import annotations

from collections.abc import Iterable

from loftet_analysis.study.instrument import normalise_label

_DEGREES = {
    "nb": ["svært liten grad", "liten grad", "noen grad", "stor grad", "svært stor grad"],
    "nn": ["svært liten grad", "liten grad", "nokon grad", "stor grad", "svært stor grad"],
    "en": ["a very small extent", "a small extent", "some extent", "a large extent",
           "a very large extent"],
}  # fmt: skip

#: Name and language → answers from low to high; what else an answer is called after ``|``.
SCALES: dict[tuple[str, str], list[str]] = {
    ("agree4", "nb"): ["Helt uenig|Svært uenig", "Uenig|Litt uenig", "Enig|Litt enig",
                       "Helt enig|Svært enig"],
    ("agree4", "nn"): ["Heilt ueinig|Svært ueinig", "Ueinig|Litt ueinig", "Einig|Litt einig",
                       "Heilt einig|Svært einig"],
    ("agree4", "en"): ["Strongly disagree", "Disagree", "Agree", "Strongly agree"],
    ("agree5", "nb"): ["Helt uenig|Svært uenig", "Uenig|Litt uenig|Delvis uenig",
                       "Verken enig eller uenig|Nøytral", "Enig|Litt enig|Delvis enig",
                       "Helt enig|Svært enig"],
    ("agree5", "nn"): ["Heilt ueinig|Svært ueinig", "Ueinig|Litt ueinig|Delvis ueinig",
                       "Verken einig eller ueinig|Nøytral", "Einig|Litt einig|Delvis einig",
                       "Heilt einig|Svært einig"],
    ("agree5", "en"): ["Strongly disagree", "Disagree|Somewhat disagree",
                       "Neither agree nor disagree|Neither disagree nor agree|Neutral",
                       "Agree|Somewhat agree", "Strongly agree"],
    ("agree6", "nb"): ["Svært uenig|Helt uenig", "Uenig", "Litt uenig|Delvis uenig",
                       "Litt enig|Delvis enig", "Enig", "Svært enig|Helt enig"],
    ("agree6", "nn"): ["Svært ueinig|Heilt ueinig", "Ueinig", "Litt ueinig|Delvis ueinig",
                       "Litt einig|Delvis einig", "Einig", "Svært einig|Heilt einig"],
    ("agree6", "en"): ["Strongly disagree", "Disagree", "Slightly disagree|Somewhat disagree",
                       "Slightly agree|Somewhat agree", "Agree", "Strongly agree"],
    ("agree7", "nb"): ["Helt uenig|Svært uenig", "Uenig", "Litt uenig|Delvis uenig",
                       "Verken enig eller uenig|Nøytral", "Litt enig|Delvis enig", "Enig",
                       "Helt enig|Svært enig"],
    ("agree7", "nn"): ["Heilt ueinig|Svært ueinig", "Ueinig", "Litt ueinig|Delvis ueinig",
                       "Verken einig eller ueinig|Nøytral", "Litt einig|Delvis einig", "Einig",
                       "Heilt einig|Svært einig"],
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

#: Answers that are none, in any language.
MISSING = (
    "Vet ikke", "Veit ikkje", "Don't know", "Ikke aktuelt", "Ikkje aktuelt", "Not applicable",
    "Ønsker ikke å svare", "Ønskjer ikkje å svare", "Prefer not to answer", "Vil ikke svare",
    "Vil ikkje svare", "Ikke relevant", "Ikkje relevant", "N/A", "Usikker/vet ikke",
)  # fmt: skip


def known_scale(texts: Iterable[str]) -> tuple[str, str, dict[int, str]] | None:
    """Return the known answer scale that holds all of some answers, the shortest that does.

    Parameters
    ----------
    texts : iterable of str
        Distinct answers; those of `MISSING` do not count.

    Returns
    -------
    name, language : str
    labels : dict of int to str
        By value from 1 on, as the texts write them where they do.

    Examples
    --------
    >>> known_scale(["Uenig", "Helt enig", "Vet ikke"])
    ('agree4', 'nb', {1: 'Helt uenig', 2: 'Uenig', 3: 'Enig', 4: 'Helt enig'})
    >>> known_scale(["Verken enig eller uenig", "Enig", "Helt uenig"])[0]
    'agree5'
    >>> known_scale(["Blue", "Green"]) is None
    True
    """
    given = {normalise_label(text): text for text in texts}
    none = {normalise_label(text) for text in MISSING}
    wanted = {text for text in given if text not in none}
    if len(wanted) < 2:
        return None
    fits = []
    for (name, language), answers in SCALES.items():
        of = [[normalise_label(text) for text in answer.split("|")] for answer in answers]
        known = {text for each in of for text in each}
        hit = [[text for text in each if text in wanted] for each in of]
        # two names of one answer beside each other would be two answers
        if wanted <= known and all(len(each) < 2 for each in hit):
            labels = {
                value: given[each[0]] if each else answer.split("|")[0]
                for value, (each, answer) in enumerate(zip(hit, answers, strict=True), 1)
            }
            fits.append((len(answers), sum(not each for each in hit), name, language, labels))
    return min(fits, key=lambda fit: fit[:2])[2:] if fits else None
