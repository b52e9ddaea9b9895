"""Files to be sent: fetched, sealed on the disk, prepared by a child process.

Light on purpose: the child imports this package before anything else.
"""
