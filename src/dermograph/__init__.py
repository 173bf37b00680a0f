"""Dermograph: treatment guidelines as a knowledge graph that can be run."""

from dermograph.assessment import Assessment, TherapyVerdict
from dermograph.errors import DermographError, Finding, InputError, InvalidInput, KnowledgeError, UsageError
from dermograph.knowledge import Knowledge
from dermograph.record import Record

__version__ = "1.0.0"

__all__ = [
    "Assessment",
    "DermographError",
    "Finding",
    "InputError",
    "InvalidInput",
    "Knowledge",
    "KnowledgeError",
    "Record",
    "TherapyVerdict",
    "UsageError",
    "__version__",
]
