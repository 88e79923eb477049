"""The plan language: what a document may say and the frozen plan it compiles to. Begin with ``plan``."""
