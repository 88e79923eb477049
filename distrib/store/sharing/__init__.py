"""What is shared: invite codes, and the sessions of shop owners. Begin with ``codes``."""
