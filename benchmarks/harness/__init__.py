"""Code that all figures share: services to measure, load, databases, ratios and the report."""
