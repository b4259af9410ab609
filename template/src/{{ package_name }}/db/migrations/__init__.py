"""What alembic/env.py and `make db-migrate` need."""
