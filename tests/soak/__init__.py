"""`make soak`: a week of traffic in half an hour, to see what grows."""
