"""The larger verbs of the command line, a file each."""
