"""The life of the demo after its orders: books, payouts, proof. Begin with ``story``."""
