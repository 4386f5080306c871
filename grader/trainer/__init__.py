"""The trusted trainer: it builds networks from checked configs and trains them, in a sandbox of its own."""
