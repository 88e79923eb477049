"""The only room that speaks SQL: rows and queries per noun, migrations.

Every function takes a SQLAlchemy connection inside a transaction that the caller commits.
No Flask, marshmallow, Redis or RQ may enter, and no business rule.
"""
