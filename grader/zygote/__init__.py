"""The warm process of a slot: it imports TensorFlow once and forks one confined process per job."""
