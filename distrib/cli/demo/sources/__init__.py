"""The real orders the demo is made of, what is invented beside them, and the control totals. Begin with ``known``."""
