"""Whole populations: the tables that hold them, and made-up ones to try things on."""
