"""Which classes the records of a concept are of: the concept, what it is a kind of, and the mappings of all of these.

A record has two concepts, the standard one and that of its source, and one beside them, such as a route. What follows from
these is worked out once for each such combination, however many records there are of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dermograph.cohort.omop.meaning import NESTED

if TYPE_CHECKING:
    import duckdb

UPWARD = (
    "Is a",
    "Maps to",
    "RxNorm is a",
    "RxNorm has ing",
    "Consists of",
    "Contains",
    "Tradename of",
    "Quantified form of",
    "Form of",
    "Box of",
    "Marketed form of",
)
"""Relationships along which what is a record of the first concept is one of the second: kinds, and what a product holds."""
FORM, AGENT = "RxNorm has dose form", "Has causative agent"
PAST = (1340204, 4214956)
"""Concepts of the model that say of the concept of their value that the person had it once: history of an event, of a finding."""

_REACHED = f"""
CREATE OR REPLACE TABLE above AS
WITH RECURSIVE edges AS (
  SELECT concept_id_1 AS low, concept_id_2 AS high FROM concept_relationship
  WHERE relationship_id IN ({", ".join(f"'{r}'" for r in UPWARD)}) AND concept_id_1 <> concept_id_2
), reach AS (
  SELECT concept AS start, concept AS here FROM used
  UNION SELECT start, high FROM reach JOIN edges ON low = here
)
SELECT * FROM reach
UNION SELECT start, ancestor_concept_id FROM reach JOIN concept_ancestor ON descendant_concept_id = here
"""
_MAPPED = f"""
CREATE OR REPLACE TABLE mapped AS
SELECT concept_id AS concept, class, kind, sure, true AS own FROM concept c JOIN codes m ON c.vocabulary_id = m.vocabulary AND c.concept_code = m.code
UNION SELECT concept_id, class, kind, sure, false FROM concept c JOIN codes m
ON c.vocabulary_id = m.vocabulary AND starts_with(c.concept_code, m.code) AND length(c.concept_code) > length(m.code)
WHERE c.vocabulary_id IN ({", ".join(f"'{v}'" for v in NESTED)})
"""
_FOUND = """
CREATE OR REPLACE TABLE found AS
SELECT start, class, kind, bool_or(sure) AS sure, bool_or(sure AND own AND start = here) AS said
FROM above JOIN mapped ON here = concept GROUP BY ALL
"""
_COMBINATIONS = "SELECT DISTINCT domain, concept, source, also FROM counted"
_WAYS = f"""
CREATE OR REPLACE TABLE way_of AS
WITH named AS (
  SELECT concept_id AS concept, lower(concept_name) AS name FROM concept WHERE concept_id IN (SELECT concept FROM used)
), forms AS (
  SELECT r.concept_id_1 AS concept, lower(f.concept_name) AS name FROM concept_relationship r JOIN concept f ON f.concept_id = r.concept_id_2
  WHERE relationship_id = '{FORM}' AND r.concept_id_1 IN (SELECT concept FROM used)
), texts AS (
  SELECT * FROM forms UNION ALL SELECT * FROM named WHERE concept NOT IN (SELECT concept FROM forms)
), by_form AS (SELECT concept, way FROM texts JOIN ways ON kind = 'forms' AND contains(name, word)),
by_route AS (SELECT concept, way FROM named JOIN ways ON kind = 'routes' AND name = word),
drugs AS (SELECT concept, source, also FROM combinations WHERE domain = 'drug_exposure'),
every AS (
  SELECT d.*, way FROM drugs d JOIN by_form b ON b.concept = d.concept
  UNION SELECT d.*, way FROM drugs d JOIN by_form b ON b.concept = d.source
  UNION SELECT d.*, way FROM drugs d JOIN by_route r ON r.concept = d.also
)
SELECT concept, source, also, min(way) AS way FROM every GROUP BY ALL HAVING count(DISTINCT way) = 1
"""
_SAID = """
CREATE OR REPLACE TABLE joint AS
SELECT c.domain, c.concept, c.source, c.also, class, kind, bool_or(sure) AS sure, bool_or(said) AS said
FROM (SELECT *, concept AS start FROM combinations UNION SELECT *, source FROM combinations) c JOIN found f USING (start)
GROUP BY ALL
"""
_THERAPIES = """
CREATE OR REPLACE TABLE therapies AS
WITH excluded AS (
  SELECT DISTINCT b.* FROM (SELECT narrow AS class, broad AS above FROM within UNION SELECT class, class FROM given) w
  JOIN (SELECT DISTINCT class FROM given) g ON g.class = w.above
  JOIN (SELECT domain, concept, source, also, class, way FROM joint JOIN way_of USING (concept, source, also) WHERE kind = 'therapy') b
  ON b.class = w.class
  WHERE NOT EXISTS (FROM given g2 WHERE g2.class = w.above AND g2.way = b.way)
)
SELECT b.domain, b.concept, b.source, b.also, b.class, CASE
  WHEN b.said THEN 'sure'
  WHEN x.class IS NOT NULL THEN 'not'
  WHEN b.class IN (SELECT class FROM given) THEN CASE WHEN g.sure THEN 'sure' ELSE 'open' END
  WHEN b.sure THEN 'sure' ELSE 'open' END AS how
FROM joint b LEFT JOIN way_of w USING (concept, source, also)
LEFT JOIN given g ON g.class = b.class AND g.way = w.way
LEFT JOIN excluded x ON (x.domain, x.concept, x.source, x.also, x.class) = (b.domain, b.concept, b.source, b.also, b.class)
WHERE kind = 'therapy'
"""
_ALL = """
CREATE OR REPLACE TABLE said AS
WITH every AS (
  SELECT domain, concept, source, also, kind, class, CASE WHEN sure THEN 'sure' ELSE 'open' END AS how FROM joint WHERE kind <> 'therapy'
  UNION ALL SELECT domain, concept, source, also, 'therapy', class, how FROM therapies
)
SELECT e.* FROM every e WHERE NOT EXISTS (
  FROM every n JOIN within w ON w.narrow = n.class AND w.broad = e.class
  WHERE n.how = 'sure' AND (n.domain, n.concept, n.source, n.also) = (e.domain, e.concept, e.source, e.also))
"""
_HARMLESS = """
UPDATE said SET how = 'idle' WHERE kind = 'therapy' AND how = 'open' AND NOT EXISTS (
  FROM turning t WHERE t.class = said.class AND NOT EXISTS (
    FROM said s JOIN turning u ON u.class = s.class
    WHERE s.how = 'sure' AND s.kind = 'therapy' AND u.criterion = t.criterion
    AND (s.domain, s.concept, s.source, s.also) = (said.domain, said.concept, said.source, said.also)))
"""
_CAUSES = f"""
CREATE OR REPLACE TABLE causes AS
WITH agents AS (
  SELECT DISTINCT domain, concept, source, also, class AS condition FROM said WHERE kind = 'condition' AND class IN (SELECT class FROM caused)
), substances AS (
  SELECT a.*, a.also AS substance FROM agents a WHERE a.domain = 'observation'
  UNION SELECT a.*, r.concept_id_2 FROM agents a JOIN concept_relationship r
  ON r.concept_id_1 IN (a.concept, a.source) AND relationship_id = '{AGENT}'
)
SELECT DISTINCT domain, concept, source, also, condition, f.class AS cause
FROM substances s JOIN found f ON f.start = s.substance AND f.kind = 'therapy'
"""
_PAST = f"""
CREATE OR REPLACE TABLE past AS
SELECT DISTINCT c.domain, c.concept, c.source, c.also, f.class, CASE WHEN f.sure THEN 'sure' ELSE 'open' END AS how
FROM combinations c JOIN found f ON f.start = c.also AND f.kind = 'condition'
WHERE c.domain = 'observation' AND c.concept IN ({", ".join(map(str, PAST))})
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill ``said``, what a combination of concepts is a record of, from ``counted`` and the vocabularies.

    It is ``sure``; ``open``, where the codes say less than the class; ``idle``, where they do and no answer turns on it;
    or ``not``, where a drug is given in another way. ``causes`` and ``past`` hold what the concept of a value adds.
    """
    con.execute("CREATE OR REPLACE TEMP VIEW recorded AS SELECT DISTINCT unnest([concept, source, also]) AS concept FROM counted")
    con.execute(
        "CREATE OR REPLACE TABLE used AS FROM recorded WHERE concept <> 0 UNION SELECT concept_id_2 FROM concept_relationship "
        f"WHERE relationship_id = '{AGENT}' AND concept_id_1 IN (FROM recorded)"
    )
    con.execute(f"CREATE OR REPLACE TABLE combinations AS {_COMBINATIONS}")
    for query in (_REACHED, _FOUND, _WAYS, _SAID, _THERAPIES, _ALL, _HARMLESS, _CAUSES, _PAST):
        con.execute(query)


def mapped(con: duckdb.DuckDBPyConnection) -> list[int]:
    """Fill ``mapped``, the concepts of the mapped codes; the numbers of these."""
    con.execute(_MAPPED)
    return [row[0] for row in con.execute("SELECT DISTINCT concept FROM mapped ORDER BY ALL").fetchall()]
