"""History as arrays, a block of orders at a time, whoever read it: what simulations are worked out from.

The way is ``source -> blocks -> tally``. A source (``services.simulations.sources``: PostgreSQL, or files) yields
``block.HistoryBlock``; a candidate turns a block into ``counting.CountedRows`` (``services.simulations.in_columns``);
``services.simulations.tallies.Tally`` adds them up, and two tallies of different orders add up to the tally of both.
"""
