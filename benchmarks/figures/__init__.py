"""One module for each group of figures. Each has `measure`, which returns its figures."""
