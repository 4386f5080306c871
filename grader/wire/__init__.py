"""What crosses the border of the sandbox: frames, arrays, and the recipes that name known data."""
