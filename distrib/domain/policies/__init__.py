"""Policy packs: what they find in a plan, what they watch, how they are overridden. Begin with ``policy``."""
