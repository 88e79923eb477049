"""HTTP: what comes in is checked for shape, handed to a service, and answered.

Rules of the trade belong to services and domain; SQL belongs to the store, which this room never reaches.
"""
