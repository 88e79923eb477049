"""`distrib import`: events and shops from files. Begin with ``command``."""
