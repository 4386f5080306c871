"""The place where untrusted code runs: a box around a warm zygote, and the slot that talks to it."""
