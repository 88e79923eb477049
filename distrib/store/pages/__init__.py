"""How pages of long lists are found, whatever they are filtered by: keys first, rows after. Begin with ``windows``.

Nothing of what a row means may enter.
"""
