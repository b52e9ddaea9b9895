"""`make crashes`: kill everything in turn while people talk, and count what is missing."""
