"""Command-line functions of the author's workbench, one module a command."""
