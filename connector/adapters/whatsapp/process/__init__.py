"""One process per linked number: neonize inside, frames to the supervisor outside."""
