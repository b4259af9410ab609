"""The database mechanism. Maintained by the template; you rarely need to read this."""
