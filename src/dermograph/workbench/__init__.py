"""The author's workbench: what holds a guideline to its duties, proves it, covers it with cases, compares and publishes it."""
