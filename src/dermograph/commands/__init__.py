"""Commands of the author's workbench, each a thin function in a module of its own."""
