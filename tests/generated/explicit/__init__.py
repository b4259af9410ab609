"""Tests of the mechanism. The template runs them inside a project."""
