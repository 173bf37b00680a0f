"""The six tables out of the records, as SQL for DuckDB.

Every query reads ``event_<table>``, the records whose concepts are mapped, ``said`` and its kin
(:mod:`dermograph.cohort.omop.concepts`), and ``people``. What each row means, and why, is told in ``docs/population.md``.
"""

from __future__ import annotations

from dermograph.cohort import cells
from dermograph.cohort.omop.model import EVENTS

GENDERS = {8507: "pt:Male", 8532: "pt:Female"}
"""Concepts of the vocabulary Gender of the model."""
EQUALS = (0, 4172703)
"""Operators beside a value by which it is the value itself."""
STATUSES = {32906: "pt:Resolved", 32899: "pt:Suspected", 32892: "pt:Suspected"}
"""Concepts of the vocabulary Condition Status of the model: resolved, preliminary, to be diagnosed by a procedure."""
GAP = 30
"""Days between two exposures that the eras of the model pass over, and that a supply may have run out before it is over."""

_READ = {"told_end": "day_of(told_end) AS told_end, torn(told_end) AS torn_told_end"}
NO_DATE = "this is not of the type of its column"
"""Why a cell is rejected that should hold a day."""


def days() -> str:
    """Macros that read a day or a number, and tell a cell that holds none.

    Besides what a table may hold, the model's exports have a date with a time of day, of which the date counts, one without strokes,
    and numbers with an exponent; a time zone makes a day unsure.
    """
    text, time = "trim(CAST(x AS VARCHAR))", "([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?"
    return f"""
    CREATE OR REPLACE MACRO calendar_day(d) AS CASE WHEN {cells.in_calendar("d")} THEN d END;
    CREATE OR REPLACE MACRO day_of(x) AS calendar_day(CASE
      WHEN regexp_full_match({text}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{time}') THEN TRY_CAST({text}[:10] AS DATE)
      WHEN regexp_full_match({text}, '[0-9]{{8}}') THEN CAST(try_strptime({text}, '%Y%m%d') AS DATE) END);
    CREATE OR REPLACE MACRO torn(x) AS CASE WHEN {text} <> '' AND day_of(x) IS NULL THEN CAST(x AS VARCHAR) END;
    CREATE OR REPLACE MACRO moment_of(x) AS CASE WHEN isfinite(TRY_CAST(x AS TIMESTAMP)) THEN TRY_CAST(x AS TIMESTAMP) END;
    CREATE OR REPLACE MACRO number_of(x) AS CASE WHEN regexp_full_match({text}, '{cells.NUMBER}([eE][+-]?[0-9]+)?')
      THEN TRY_CAST(x AS DECIMAL(24, 12)) END;
    CREATE OR REPLACE MACRO count_of(x) AS CASE WHEN regexp_full_match({text}, '{cells.INTEGER}([.]0*)?') THEN TRY_CAST(x AS INTEGER) END;
    CREATE OR REPLACE MACRO months_between(low, high) AS CAST((year(high) - year(low)) * 12 + month(high) - month(low)
      - CASE WHEN day(high) < day(low) THEN 1 ELSE 0 END AS INTEGER);
    """


def people(as_of: str | None) -> str:
    """Query of the persons: the day asked about, the birth date or the first and last day that it may be, and the age that is certain.

    The day is the last one on which a person was observed, and never lies ahead: of a later one nothing is known.
    """
    sexes = " ".join(f"WHEN {concept} THEN '{sex}'" for concept, sex in GENDERS.items())
    today = f"DATE '{as_of}'" if as_of else "least(coalesce(last, (SELECT max(last) FROM periods)), current_date)"
    return f"""
    CREATE OR REPLACE TABLE people AS
    WITH periods AS (
      SELECT person_id AS person, max(day_of(observation_period_end_date)) AS last, max(torn(observation_period_end_date)) AS torn_last
      FROM observation_period GROUP BY ALL
    ),
    parted AS (
      SELECT person_id AS person, CASE gender_concept_id {sexes} END AS sex, {today} AS "asOf",
        year_of_birth AS y, month_of_birth AS m, day_of_birth AS d,
        {"NULL" if as_of else "torn_last"} AS torn_last, count_of(y) AS year, count_of(m) AS month, count_of(d) AS day
      FROM person LEFT JOIN periods ON person = person_id
    ), dated AS (
      SELECT *, TRY_CAST(printf('%04d-%02d-%02d', year, coalesce(month, 1), CASE WHEN month IS NULL THEN 1 ELSE coalesce(day, 1) END) AS DATE) AS low,
        CASE WHEN month IS NULL THEN TRY_CAST(printf('%04d-12-31', year) AS DATE)
          WHEN day IS NULL THEN last_day(TRY_CAST(printf('%04d-%02d-01', year, month) AS DATE))
          ELSE TRY_CAST(printf('%04d-%02d-%02d', year, month, day) AS DATE) END AS high
      FROM parted
    ), aged AS (
      SELECT *, greatest(months_between(high, coalesce("asOf", current_date)), 0) AS least,
        months_between(low, coalesce("asOf", current_date)) AS most
      FROM dated
    ), certain AS (
      SELECT *, CASE WHEN low < high AND NOT EXISTS (FROM thresholds WHERE months > least AND months <= most)
        THEN CAST(ceil(least * 10000 / 12) / 10000 AS DECIMAL(24, 12)) END AS age
      FROM aged
    )
    SELECT person, sex, "asOf", low, high, torn_last, CASE WHEN low = high THEN low END AS birth, age,
      CASE WHEN concat(trim(y), trim(m), trim(d)) <> '' AND low IS NULL
        OR (trim(m) <> '' AND month IS NULL) OR (trim(d) <> '' AND day IS NULL) THEN concat_ws('-', y, m, d) END AS wrong,
      CASE WHEN low IS NULL THEN 'its birth is not told' WHEN low < high AND age IS NULL
        THEN 'the day of birth is not told, and a rule may turn on it: the age is left unknown' WHEN low < high
        THEN 'the day of birth is not told, and no rule turns on it: the age is what it is at least' END AS doubt
    FROM certain
    """


def events(table: str, rows: str) -> str:
    """View of the records of a table: days read, and what is wrong with each."""
    own = [_READ.get(short, short) for short in EVENTS[table].more]
    return f"""
    CREATE OR REPLACE VIEW event_{table} AS
    WITH read AS (
      SELECT CAST(id AS BIGINT) AS id, person, concept, source, also, text, day_of(start) AS start, day_of("end") AS "end",
        coalesce(torn(start), torn("end")) AS torn{"".join(", " + column for column in own)}
      FROM {rows}
    )
    SELECT r.*, p."asOf", CASE
      WHEN person IS NULL THEN 'the row names no patient'
      WHEN known IS NULL THEN 'the patient has no row in person'
      WHEN torn IS NOT NULL THEN '{NO_DATE}'
      WHEN start > "end" THEN 'a record starts before it ends'
      WHEN start < low THEN 'nothing is recorded before birth' END AS wrong,
      CASE WHEN torn IS NOT NULL THEN torn WHEN known IS NOT NULL THEN CAST(start AS VARCHAR) END AS value
    FROM read r LEFT JOIN (SELECT person AS known, min(low) AS low, min("asOf") AS "asOf" FROM people GROUP BY person) p ON known = person
    """


PATIENTS = 'SELECT person AS patient, "asOf", birth AS "birthDate", age AS "ageYears", sex FROM people'

CONDITIONS = f"""
CREATE OR REPLACE TABLE found_conditions AS
WITH every AS (
  SELECT e.id, 'condition_occurrence' AS domain, e.concept, e.source, e.also, person, class, how, start, wrong, value, NULL AS cause,
    CASE WHEN "end" > start THEN "end" END AS "end", "end" = start AS visit,
    CASE e.also {" ".join(f"WHEN {c} THEN '{s}'" for c, s in STATUSES.items())} END AS status, false AS valued
  FROM event_condition_occurrence e JOIN said s USING (concept, source, also) WHERE s.domain = 'condition_occurrence' AND s.kind = 'condition'
  UNION ALL
  SELECT e.id, 'observation', e.concept, e.source, e.also, person, s.class, how, start, wrong, value, NULL, NULL, false, NULL,
    s.class NOT IN (FROM caused) AND (e.also <> 0 OR e.number IS NOT NULL OR trim(CAST(e.string AS VARCHAR)) <> '')
  FROM event_observation e JOIN said s USING (concept, source, also) WHERE s.domain = 'observation' AND s.kind = 'condition'
  UNION ALL
  SELECT e.id, 'observation', e.concept, e.source, e.also, person, p.class, how, NULL, wrong, value, NULL, NULL, false, 'pt:Resolved', false
  FROM event_observation e JOIN past p USING (concept, source, also) WHERE p.domain = 'observation'
), named AS (
  SELECT e.* EXCLUDE (cause), c.cause, e.class IN (FROM caused) AS caused
  FROM every e LEFT JOIN causes c ON e.class = c.condition AND (c.domain, c.concept, c.source, c.also) = (e.domain, e.concept, e.source, e.also)
)
SELECT * EXCLUDE (status), CASE WHEN how = 'open' OR valued THEN 'pt:Suspected' ELSE status END AS status FROM named
"""
_CONDITIONS = "FROM found_conditions WHERE wrong IS NULL AND NOT (caused AND cause IS NULL)"
ROWS_OF_CONDITIONS = f"""
SELECT person AS patient, class AS condition, status, CAST(NULL AS VARCHAR) AS severity, CAST(NULL AS VARCHAR) AS site,
  min(start) AS onset, "end" AS abatement, cause AS "causedBy" {_CONDITIONS} AND "end" IS NULL GROUP BY ALL
UNION ALL
SELECT DISTINCT person, class, status, NULL, NULL, start, "end", cause {_CONDITIONS} AND "end" IS NOT NULL
"""

DRUGS = f"""
CREATE OR REPLACE TABLE found_drugs AS
WITH every AS (
  SELECT e.id, 'drug_exposure' AS domain, e.concept, e.source, e.also, person, class, how, start, "asOf", wrong, value,
    coalesce(told_end, "end") AS "end", told_end IS NOT NULL OR trim(CAST(stopped AS VARCHAR)) <> '' AS told, torn_told_end
  FROM event_drug_exposure e JOIN said s USING (concept, source, also) WHERE s.domain = 'drug_exposure' AND s.kind = 'therapy'
  UNION ALL
  SELECT e.id, 'procedure_occurrence', e.concept, e.source, e.also, person, class, how, start, "asOf", wrong, value,
    coalesce("end", start), true, NULL
  FROM event_procedure_occurrence e JOIN said s USING (concept, source, also) WHERE s.domain = 'procedure_occurrence' AND s.kind = 'therapy'
)
SELECT * EXCLUDE (torn_told_end, wrong, value),
  coalesce(wrong, CASE WHEN torn_told_end IS NOT NULL THEN '{NO_DATE}' WHEN start > "end" THEN 'a record starts before it ends' END) AS wrong,
  CASE WHEN wrong IS NULL THEN coalesce(torn_told_end, CAST(start AS VARCHAR)) ELSE value END AS value,
  start > coalesce("asOf", current_date) AS later,
  coalesce(CASE WHEN told THEN "end" ELSE "end" + {GAP} END >= coalesce("asOf", current_date), true) AS current
FROM every
"""
ROWS_OF_COURSES = f"""
WITH taken AS (SELECT * FROM found_drugs WHERE how = 'sure' AND wrong IS NULL AND NOT coalesce(later, false)),
stepped AS (
  SELECT *, start - max(coalesce("end", DATE '9999-12-31')) OVER (PARTITION BY person, class ORDER BY start NULLS FIRST, "end", id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > {GAP} AS anew FROM taken
), eras AS (
  SELECT *, sum(CASE WHEN anew THEN 1 ELSE 0 END) OVER (PARTITION BY person, class ORDER BY start NULLS FIRST, "end", id
    ROWS UNBOUNDED PRECEDING) AS era FROM stepped
), joined AS (
  SELECT person, class, era, min(start) AS start, CASE WHEN bool_or("end" IS NULL) THEN NULL ELSE max("end") END AS "end",
    max(CASE WHEN told THEN "end" END) AS told, min(coalesce("asOf", current_date)) AS today FROM eras GROUP BY ALL
)
SELECT person AS patient, class AS therapy, start,
  CASE WHEN "end" = today OR ("end" < today AND "end" + {GAP} >= today AND "end" IS DISTINCT FROM told) THEN NULL ELSE "end" END AS "end",
  CAST(NULL AS VARCHAR) AS outcome, CAST(NULL AS BIGINT) AS sessions FROM joined
"""


def _of_found(kind: str) -> str:
    """Rows of the tables that hold what was found, of classes of a kind."""
    return " UNION ALL ".join(
        f"SELECT '{table}' AS domain, e.id, e.concept, e.source, e.also, person, class, how, start, \"asOf\", wrong, value, number, unit, unit_text, "
        f"value_text, {moment} AS moment, {operator} AS operator FROM event_{table} e JOIN said s USING (concept, source, also) "
        f"WHERE s.domain = '{table}' AND s.kind = '{kind}'"
        for table, moment, operator in (("measurement", "moment", "operator"), ("observation", "moment", "0"))
    )


VALUES = f"""
CREATE OR REPLACE TABLE found_values AS
SELECT v.* EXCLUDE (unit, unit_text, number, moment),
  number_of(number) AS number, trim(CAST(number AS VARCHAR)) AS number_text,
  coalesce(CASE WHEN c.vocabulary_id = 'UCUM' THEN c.concept_code END, CASE WHEN c.concept_id IS NULL THEN nullif(trim(unit_text), '') END) AS unit,
  CASE WHEN CAST(moment_of(moment) AS TIME) <> TIME '00:00:00' THEN moment_of(moment) END AS moment
FROM ({_of_found("observable")}) v LEFT JOIN concept c ON c.concept_id = v.unit AND v.unit <> 0
"""
_UNREAD = (
    "its value is no number that can be read",
    "its value is a bound, not the value itself",
    "its unit is not told",
    "its unit is no UCUM unit that converts",
)
READ = f"""
CREATE OR REPLACE TABLE read_values AS
SELECT v.domain, id, concept, source, person, class, how, start, wrong, value, v.number, unit, moment,
  coalesce(person, '') AS who, coalesce(start, DATE '0001-01-01') AS day, NOT coalesce(start > coalesce("asOf", current_date), false) AS past,
  TRY_CAST(TRY_CAST(v.number AS DECIMAL(18, 6)) * f.factor AS DECIMAL(24, 12)) AS canonical, CASE
    WHEN how <> 'sure' THEN 'its code says less than the class'
    WHEN wrong IS NOT NULL THEN 'wrong'
    WHEN coalesce(number_text, '') = '' THEN 'it has no value'
    WHEN v.number IS NULL THEN 'its value is no number that can be read'
    WHEN operator NOT IN {EQUALS} THEN 'its value is a bound, not the value itself'
    WHEN unit IS NULL THEN 'its unit is not told'
    WHEN f.factor IS NULL THEN 'its unit is no UCUM unit that converts'
    WHEN canonical IS NULL OR canonical < low OR canonical > high THEN 'a measured value is plausible' END AS flaw
FROM found_values v LEFT JOIN factors f USING (class, unit)
"""
JUDGED = f"""
CREATE OR REPLACE TABLE judged AS
WITH days AS (
  SELECT who, class, day, bool_and(past) AS past, max(moment) AS latest, count(*) FILTER (flaw IS NULL AND moment IS NULL) > 0 AS untimed,
    coalesce(min(canonical) FILTER (flaw IS NULL) < max(canonical) FILTER (flaw IS NULL), false) AS differ,
    bool_or(coalesce(flaw IN {_UNREAD}, false)) AS torn, bool_or(coalesce(flaw NOT IN ('wrong', 'it has no value'), true) AND how = 'sure') AS valued
  FROM read_values GROUP BY ALL
), ties AS (
  SELECT who, class, day FROM read_values JOIN days d USING (who, class, day) WHERE differ AND flaw IS NULL AND moment = latest
  GROUP BY ALL HAVING min(canonical) < max(canonical)
), clear AS (
  SELECT d.*, differ AND (untimed OR t.day IS NOT NULL) AS unsure FROM days d LEFT JOIN ties t USING (who, class, day)
), own AS (
  SELECT who, class, max(day) FILTER (past AND valued) AS counting, max(day) FILTER (past AND (unsure OR torn)) AS unread FROM clear GROUP BY ALL
)
SELECT r.* EXCLUDE (who), flaw IS NULL AND unsure AS unsure, flaw IS NULL AND differ AND moment < latest AS beaten, counting, unread
FROM read_values r JOIN clear USING (who, class, day) JOIN own USING (who, class)
"""
_KEPT = "flaw IS NULL AND NOT unsure AND NOT coalesce(beaten, false) AND NOT coalesce(past AND unread = counting, false)"
ROWS_OF_OBSERVATIONS = f"""
SELECT DISTINCT person AS patient, class AS observable, number AS value, unit, start AS date FROM judged WHERE {_KEPT}
"""

TESTS = f"""
CREATE OR REPLACE TABLE found_tests AS
WITH every AS (
  {_of_found("assessment")}
  UNION ALL SELECT 'procedure_occurrence', e.id, e.concept, e.source, e.also, person, class, how, start, "asOf", wrong, value,
    NULL, 0, NULL, NULL, NULL, 0
  FROM event_procedure_occurrence e JOIN said s USING (concept, source, also) WHERE s.domain = 'procedure_occurrence' AND s.kind = 'assessment'
), read AS (
  SELECT e.*, r.result, e.class IN (FROM told) AS needed,
    e.also <> 0 OR trim(CAST(number AS VARCHAR)) <> '' OR trim(CAST(value_text AS VARCHAR)) <> '' AS valued
  FROM every e LEFT JOIN concept c ON c.concept_id = e.also AND e.also <> 0 LEFT JOIN results r ON r.word = lower(c.concept_name)
)
SELECT * EXCLUDE (result), CASE WHEN needed THEN result ELSE coalesce(result, 'pt:Done') END AS result,
  max(CASE WHEN how = 'sure' AND wrong IS NULL AND needed AND result IS NULL AND valued AND NOT start > coalesce("asOf", current_date)
    THEN start END) OVER (PARTITION BY person, class) AS unread
FROM read
"""
_TESTED = "how = 'sure' AND wrong IS NULL AND result IS NOT NULL AND NOT coalesce(result = 'pt:Negative' AND start < unread, false)"
ROWS_OF_ASSESSMENTS = f"SELECT DISTINCT person AS patient, class AS assessment, result, start AS date FROM found_tests WHERE {_TESTED}"

ROWS_OF_ABSENCES = "SELECT CAST(NULL AS VARCHAR) AS patient, CAST(NULL AS VARCHAR) AS condition WHERE false"
