"""The files of a rendered project: which there are, that they are clean, and that they work."""
