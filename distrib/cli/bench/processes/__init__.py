"""Processes that a benchmark starts beside itself, and the databases they use."""
