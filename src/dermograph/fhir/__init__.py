"""FHIR R4, https://hl7.org/fhir/R4/: patients read into patient graphs, answers and guidelines written."""
