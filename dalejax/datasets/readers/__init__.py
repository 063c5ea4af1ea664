"""Readers of files from untrusted sources: archives, .npz, idx, pictures, texts, word vectors."""
