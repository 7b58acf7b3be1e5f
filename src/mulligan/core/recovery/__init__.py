"""The heart: what a retry, skip or rollback re-runs and keeps, decided here and nowhere else."""
