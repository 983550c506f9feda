"""The checks. Modules are run in the order of their names, checks in the order in which they are declared."""
