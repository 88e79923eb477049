"""The console's pages, one module a noun; each adds its own to the blueprint. Begin with ``orders``."""
