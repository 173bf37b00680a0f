"""The peers: what a user would pick instead of Dermograph for a population, on the same rules and the same patients."""
