"""What paying out means: payees, the limits of channels, withholding. Begin with ``personal_data``."""
