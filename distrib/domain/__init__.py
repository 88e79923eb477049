"""The pure rules of distribution: plans, commissions, ranks, policies, the tree.

Only the standard library may enter here (networkx through ``network.py`` alone):
no framework, no clock, no database, no queue, no binary float.
"""
