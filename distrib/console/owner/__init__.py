"""The pages of a shop's owner, made for phones: its money and why, its team, its rank, its withdrawals."""
