"""What hand-ins of a class have in common beyond what is usual. Nothing here runs, imports or compiles code.

lexer         text to tokens
normal        tokens to words that stay the same when a program is dressed up
fingerprints  hashes of runs of words and of statements, winnowed
likeness      what is usual, what is shared, and how much that says
passages      where it stands, in both
groups        who belongs together
traces        what is shared beside code
comparison    all of it, for a class
"""

from grader.similarity.comparison import HandIn, Known, compare

__all__ = ["HandIn", "Known", "compare"]
