"""The service: answers over HTTP as JSON and RDF, a SPARQL endpoint, CDS Hooks, and pages to see it.

A request is read and bounded here, and worked on by processes that hold the knowledge (:mod:`dermograph.service.workers`),
so that one that takes too long can be ended and the others go on. Nothing of a patient is logged, kept or fetched.
"""

from dermograph.service.app import get_app
from dermograph.service.settings import Settings

__all__ = ["Settings", "get_app"]
