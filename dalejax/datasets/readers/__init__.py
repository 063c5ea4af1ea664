"""Readers of foreign files: archives, compressed files, NumPy, IDX, pictures, word vectors."""
