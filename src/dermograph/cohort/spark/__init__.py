"""A population assessed by Apache Spark, on one machine or many: the tables are joined by its SQL, the circuit is run by its workers."""

from dermograph.cohort.spark.run import SparkCohort

__all__ = ["SparkCohort"]
