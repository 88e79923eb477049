"""Opens programs and keys, changes a program's settings with a trail. Begin with ``tenants``."""
