"""What another plan would have paid on orders of history: pure, one order at a time. Begin with ``outcomes``."""
