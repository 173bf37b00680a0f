"""Commands of the author's workbench, one module each."""
