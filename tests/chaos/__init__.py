"""`make chaos`: two connectors, traffic both ways, and every part broken at random."""
