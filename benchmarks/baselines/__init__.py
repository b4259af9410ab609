"""Services written by hand on Starlette and the bare driver: the limit that any framework in between stays below."""
