"""One module per noun: who may call it, what it takes, which service answers. No rule of the trade may enter."""
