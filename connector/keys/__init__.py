"""What an operator does with keys: exchanges them, and takes a number's state elsewhere."""
