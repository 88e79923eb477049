"""The only room that speaks SQL: rows and queries per noun, migrations.

Every function takes a SQLAlchemy connection inside a transaction that the caller commits.
The statements of a batch ask for ``program_id = (SELECT %(program)s::integer)``, so that the planner expects a program
of the usual size: of one that it knows the statistics not to have it would expect a single row, and join all by all.
No Flask, marshmallow, Redis or RQ may enter, and no business rule.
"""
