"""Commands of the author's workbench, one to a module."""
