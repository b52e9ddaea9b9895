"""A first look at Zapbase, told as a story; `make demo`."""
