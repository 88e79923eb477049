"""The numbers of advisory locks, so that no two meanings share one. Nothing else may enter.

Each is the first key of a two-key lock; the second is the program, or a hash of what is locked.
"""

from __future__ import annotations

MIGRATIONS = 7145220
TIMELINE = 7145221
NETWORK = 7145222
PROMOTIONS = 7145223
IDEMPOTENCY = 7145224
CLOSES = 7145225
PAYOUTS = 7145226
EVALUATIONS = 7145227
SEALS = 7145228
DELIVERIES = 7145229
COMPLIANCE = 7145230
BINDINGS = 7145231
CALENDARS = 7145232
CLOSERS = 7145233
STATEMENT_TOTALS = 7145234
TRAIL = 7145235
TRAIL_SUBJECTS = 7145236
SORTED_FIGURES = 7145237
TASKS = 7145238
