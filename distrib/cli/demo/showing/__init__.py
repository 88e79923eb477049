"""What the demo prints, in both languages."""
