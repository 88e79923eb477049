"""Whole programs at once, in NumPy: the tree, figures of every shop, what an evaluation decides.

Arrays in, arrays out, and no binary float: sums of money are int64.
"""
