"""Autogenerate and the migration runner, used by alembic/env.py."""
