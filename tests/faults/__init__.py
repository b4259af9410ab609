"""Drives running services of both databases into load, faults and hostile input."""
