"""Use-cases: what distrib does, in terms of domain and store.

A service takes a connection inside a transaction, the program and a clock reading; it never
commits and never asks the time. No Flask, marshmallow, Redis or RQ may enter.
"""
