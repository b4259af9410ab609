"""Handwritten services on Starlette and the bare driver: no framework between the two can be faster."""
