"""A program's history as Parquet files: written, verified, and simulated on without a database."""
