"""Commands of the author's workbench, one to a module: thin functions over ``dermograph.workbench``."""
