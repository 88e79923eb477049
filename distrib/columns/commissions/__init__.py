"""What a plan pays on a chunk of history, as a kernel over NumPy integer arrays. Begin with ``kernel``.

``chunk`` is what goes in: orders, their lines and their people as arrays. ``earnings`` is what comes out: a row for
each commission. The engine of one order (``distrib.domain.settlement``) is the judge; a property test holds both
together.
"""
