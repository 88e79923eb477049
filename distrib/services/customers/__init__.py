"""Binds customers to shops and resolves the seller of an order that names none. Begin with ``bindings``."""
