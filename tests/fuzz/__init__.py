"""Fuzzing of what reads bytes from elsewhere."""
