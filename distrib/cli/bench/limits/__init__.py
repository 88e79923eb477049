"""What the hardware and a plain program could do: the limits and peers a figure is held against."""
