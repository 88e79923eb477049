"""The referral tree as a value: its order and loops, how deep it may grow, its file form. Begin with ``depth``."""
