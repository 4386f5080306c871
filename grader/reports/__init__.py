"""What people read: the console while grading, and the table at the end."""
