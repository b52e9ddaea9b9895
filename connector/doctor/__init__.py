"""`zapbase doctor`: is everything there that the connector needs, and if not, what helps?"""
