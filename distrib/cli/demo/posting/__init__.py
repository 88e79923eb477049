"""How the demo's facts reach the service: over HTTP, from processes of their own. Begin with ``way_in``."""
