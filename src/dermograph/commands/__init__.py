"""Commands of the author's workbench, one module each: thin functions over :mod:`dermograph.workbench`."""
