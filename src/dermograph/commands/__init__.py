"""Commands that ask, write, prove and publish the knowledge itself, one to a module: thin functions."""
