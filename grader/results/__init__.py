"""Results on disk: one folder per submission, written whole or not at all, and `scores.json` over them."""
