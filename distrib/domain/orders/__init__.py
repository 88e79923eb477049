"""An order as one state machine: what each event makes of it, without a database. Begin with ``machine``."""
