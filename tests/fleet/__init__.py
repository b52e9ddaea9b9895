"""Many numbers on one connector, and storms: all lose WhatsApp at once, and come back.

`make fleet NUMBERS=200`. It ends by itself. A number takes 27 MB and half a second of two
cores to log in, so figures mean something only on a machine that does nothing else.
"""
