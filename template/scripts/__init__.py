"""Programs behind the make targets: `python -m scripts.dev`."""
