"""The figures ranks are decided by, in rows and in columns, and evaluations as kept. Begin with ``figures``."""
