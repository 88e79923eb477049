"""Maps: what the columns of an order system's export mean as events. Begin with ``event_map``; ``shipped`` has ours."""
