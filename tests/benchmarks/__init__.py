"""`make bench`: what it costs, measured on the whole stack of one machine."""
