"""All of a program's history, month by month, for whoever keeps it outside of the database."""
