"""Tests of the template: how it asks, what it renders, how projects run and update."""
