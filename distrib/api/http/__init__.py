"""What is HTTP and nothing else: keys, bodies, problems, pages, answers. Begin with ``problems``."""
