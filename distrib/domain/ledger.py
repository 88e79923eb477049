"""The chart of accounts: which number is which account.

A shop's payable account (应付佣金) has the shop's own number, above zero; the program's own
accounts stand below zero. A transfer debits one account and credits another, so what is
earned debits the expense and credits the shop, and a reversal does the opposite. What is paid
out debits the shop and credits clearing, what is withheld of it debits the shop and credits tax; what comes back of a
payment does the opposite of both.
"""

from __future__ import annotations

EXPENSE = -1
CLEARING = -2
"""What was paid out and left through a channel."""
TAX = -3
"""What was withheld and is owed to the tax office."""

ACCOUNT_NAMES: dict[int, str] = {EXPENSE: "expense", CLEARING: "clearing", TAX: "tax"}


def account_name(account_no: int) -> str:
    """The name of an account by number: ``payable`` for a shop's, else that of the program's own account.

    >>> account_name(7), account_name(EXPENSE)
    ('payable', 'expense')
    """
    return "payable" if account_no > 0 else ACCOUNT_NAMES[account_no]
