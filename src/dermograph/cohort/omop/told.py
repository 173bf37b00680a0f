"""What could not be taken over, and what was passed over, each with its reason in words."""

from __future__ import annotations

from dermograph.cohort.omop.records import NO_DATE

_PLAUSIBLE = "flaw = 'a measured value is plausible'"
_UNTOLD = "'whether a drug that is taken now is of a class is told by its code, form or route'"
_NUMBER = "rtrim(rtrim(CAST(number AS VARCHAR), '0'), '.') || ' ' || unit"

_REJECTED = (
    ("'person'", "TRY_CAST(person AS BIGINT)", "'birth is a day'", "wrong", "people WHERE wrong IS NOT NULL"),
    (
        "'person'",
        "TRY_CAST(person AS BIGINT)",
        "'birth comes before the question'",
        "CAST(low AS VARCHAR)",
        'people WHERE low > coalesce("asOf", current_date) AND birth IS NULL',
    ),
    ("'observation_period'", "TRY_CAST(person AS BIGINT)", f"'{NO_DATE}'", "torn_last", "people WHERE torn_last IS NOT NULL"),
    ("domain", "id", "wrong", "value", "found_conditions WHERE wrong IS NOT NULL"),
    ("domain", "id", "wrong", "value", "found_drugs WHERE wrong IS NOT NULL AND how IN ('sure', 'open')"),
    ("domain", "id", _UNTOLD, "class", "found_drugs WHERE wrong IS NULL AND how = 'open' AND current AND NOT coalesce(later, false)"),
    ("domain", "id", "wrong", "value", "judged WHERE flaw = 'wrong'"),
    ("domain", "id", "flaw", _NUMBER, f"judged WHERE {_PLAUSIBLE} AND past AND day = counting"),
    ("domain", "id", "wrong", "value", "found_tests WHERE wrong IS NOT NULL AND how = 'sure' AND result IS NOT NULL"),
)
"""Table, number, reason and value of what is rejected, and where it stands."""
REJECTED = " UNION ".join(
    f'SELECT {table} AS "table", {row} AS row, person AS patient, {reason} AS reason, {value} AS value FROM {where}'
    for table, row, reason, value, where in _REJECTED
)

_PASSED = (
    ("'its value makes it a question: ' || class || ' is taken as suspected'", "found_conditions WHERE wrong IS NULL AND valued AND how = 'sure'"),
    ("'its code does not say that it is ' || class || ', which is taken as suspected'", "found_conditions WHERE wrong IS NULL AND how = 'open'"),
    ("'it ends on the day on which it begins, as a visit does: taken as without an end'", "found_conditions WHERE wrong IS NULL AND visit"),
    ("'no therapy is mapped to what ' || class || ' is to'", "found_conditions WHERE wrong IS NULL AND caused AND cause IS NULL"),
    ("'it begins after the day asked about'", "found_drugs WHERE wrong IS NULL AND later AND how = 'sure'"),
    ("'it is given in another way than ' || class", "found_drugs WHERE how = 'not'"),
    ("'its code does not say that it is ' || class || ', on which no answer turns'", "found_drugs WHERE how = 'idle'"),
    (
        "'whether it is ' || class || ' is not told by its code, form and route; it was over by the day asked about'",
        "found_drugs WHERE wrong IS NULL AND how = 'open' AND (NOT current OR coalesce(later, false))",
    ),
    ("flaw", f"judged WHERE flaw <> 'wrong' AND NOT {_PLAUSIBLE}"),
    ("'its value is not plausible, and is not the one that counts'", f"judged WHERE {_PLAUSIBLE} AND NOT (past AND day = counting)"),
    ("'several values of one day, and no time tells which is the last'", "judged WHERE unsure"),
    ("'a later value of the same day counts'", "judged WHERE beaten AND NOT unsure"),
    (
        "'a later value cannot be read: which holds now is not known'",
        "judged WHERE flaw IS NULL AND NOT unsure AND NOT coalesce(beaten, false) AND past AND unread = counting",
    ),
    ("'what it found is not told by a concept'", "found_tests WHERE how = 'sure' AND wrong IS NULL AND result IS NULL"),
    (
        "'what a later one found cannot be read'",
        "found_tests WHERE how = 'sure' AND wrong IS NULL AND result = 'pt:Negative' AND start < unread",
    ),
    ("'its code does not say that it is ' || class", "found_tests WHERE how <> 'sure'"),
)
"""Why records were passed over, or were taken for less than they might be, and where they stand."""
_PLACES = {
    "condition_occurrence": ("condition",),
    "observation": ("condition", "observable", "assessment"),
    "measurement": ("observable", "assessment"),
    "drug_exposure": ("therapy",),
    "procedure_occurrence": ("therapy", "assessment"),
}
"""Kinds of classes that the records of a table can be of."""
_PLACED = ", ".join(f"('{table}', '{kind}')" for table, kinds in _PLACES.items() for kind in kinds)
_COUNTED = " UNION ALL ".join(
    f"SELECT domain, concept, source, '' AS text, count(*) AS records, {reason} AS reason FROM {where} GROUP BY ALL" for reason, where in _PASSED
)
IGNORED = f"""
WITH placed(domain, kind) AS (VALUES {_PLACED}),
known AS (
  SELECT DISTINCT domain, concept, source, also FROM said JOIN placed USING (domain, kind)
  UNION SELECT DISTINCT domain, concept, source, also FROM past
), unknown AS (
  SELECT c.domain, c.concept, c.source, c.text, c.records, CASE
    WHEN c.concept = 0 AND c.source = 0 THEN 'it has no concept'
    WHEN s.domain IS NOT NULL THEN 'its code is mapped to nothing that such a record says'
    ELSE 'nothing is mapped to its code, nor to what it is a kind of' END AS reason
  FROM counted c LEFT JOIN known k USING (domain, concept, source, also)
  LEFT JOIN (SELECT DISTINCT domain, concept, source, also FROM said) s USING (domain, concept, source, also) WHERE k.domain IS NULL
), every AS (
  FROM unknown UNION ALL {_COUNTED}
), coded AS (
  SELECT *, CASE WHEN concept <> 0 THEN concept ELSE source END AS shown FROM every
), named AS (
  SELECT domain, coalesce(vocabulary_id, '') AS system, coalesce(concept_code, CASE WHEN shown <> 0 THEN CAST(shown AS VARCHAR) END, '') AS code,
    coalesce(concept_name, text, '') AS text, records,
    CASE WHEN shown <> 0 AND concept_id IS NULL THEN 'the table concept does not hold its concept' ELSE reason END AS reason
  FROM coded LEFT JOIN concept ON concept_id = shown
)
SELECT domain AS resource, system, code, text, reason, CAST(sum(records) AS BIGINT) AS records FROM named GROUP BY ALL
UNION ALL SELECT 'person', '', '', '', doubt, count(*) FROM people WHERE doubt IS NOT NULL AND wrong IS NULL GROUP BY ALL
UNION ALL SELECT 'death', '', '', '', 'the person has died, and is assessed as of the day asked about', count(*) FROM death HAVING count(*) > 0
"""
