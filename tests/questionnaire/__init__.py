"""The questions of copier.yml and the answers that they take."""
