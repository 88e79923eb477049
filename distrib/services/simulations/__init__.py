"""What if (推演): any plan on all of history. Begin with ``running``; one order at a time stands in ``candidates``."""
