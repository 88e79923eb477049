"""How ranks are reached, kept and lost. Begin with ``promotion``."""
