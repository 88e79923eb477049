"""People who sign in: their rows, sessions and seats. What a seat may do is decided elsewhere."""
