"""Patients as FHIR R4, read into patient graphs: https://hl7.org/fhir/R4/."""
