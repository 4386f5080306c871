"""What runs inside the sandbox, beside student code. It reports; it decides nothing."""
