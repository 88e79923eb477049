"""What an order earns: seats, rates, caps, the snapshot and the explanation. Begin with ``commission``."""
