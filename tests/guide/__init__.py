"""The code of the database guide. `chapters/` is copied into rendered projects and runs there."""
